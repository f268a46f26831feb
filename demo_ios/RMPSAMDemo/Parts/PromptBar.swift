import SegCore
import SegEngine
import SwiftUI

/// What a finger does, and what can be done with what it did.
struct PromptBar: View {
    @Binding var tool: Tool
    @Environment(Desk.self) private var desk

    var body: some View {
        VStack(spacing: 12) {
            Picker("tool.title", selection: $tool) {
                ForEach(tools) { tool in
                    Text(Self.name(tool)).tag(tool)
                }
            }
            .pickerStyle(.segmented)
            ViewThatFits {
                HStack { buttons }
                VStack { buttons }
            }
            .buttonStyle(.bordered)
            .controlSize(.large)
        }
        .padding()
        .disabled(session.engine == nil || session.picture == nil)
        .onChange(of: session.refines) { if !session.refines && tool == .background { tool = .tap } }
    }

    private var session: Session { desk.session }

    /// Background taps only where the model reads them.
    private var tools: [Tool] { session.refines ? Tool.allCases : [.tap, .box] }

    @ViewBuilder private var buttons: some View {
        Button("prompt.undo", systemImage: "arrow.uturn.backward") { Task { await session.undo() } }
            .disabled(!session.history.canUndo)
        if session.refines {
            Button("prompt.another", systemImage: "plus.square.on.square") { session.startObject() }
        }
        Button("prompt.clear", systemImage: "trash") { session.clear() }
        if session.engine?.bundle.has(.objects) == true {
            Button("prompt.everything", systemImage: "square.grid.3x3.square") { Task { await session.everything() } }
        }
    }

    private static func name(_ tool: Tool) -> LocalizedStringKey {
        switch tool {
        case .tap: "tool.tap"
        case .background: "tool.background"
        case .box: "tool.box"
        }
    }
}
