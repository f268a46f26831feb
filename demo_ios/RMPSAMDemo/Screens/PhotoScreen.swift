import PhotosUI
import SegCore
import SegEngine
import SwiftUI

/// A picture, what is pointed at, and what was found.
struct PhotoScreen: View {
    @Environment(Desk.self) private var desk
    @State private var item: PhotosPickerItem?
    @State private var tool = Tool.tap
    @State private var sheet: Sheet?

    private enum Sheet: String, Identifiable {
        case models, latency
        var id: String { rawValue }
    }

    var body: some View {
        NavigationStack {
            VStack(spacing: 0) {
                ModelNotice()
                canvas
                StatusLine()
                PromptBar(tool: $tool)
            }
            .navigationTitle("app.title")
            .navigationBarTitleDisplayMode(.inline)
            .toolbar { buttons }
            .sheet(item: $sheet) { sheet in
                switch sheet {
                case .models: ModelSheet()
                case .latency: LatencySheet()
                }
            }
            .onChange(of: item) { _, chosen in
                Task { await load(chosen) }
            }
        }
    }

    @ViewBuilder private var canvas: some View {
        if let picture = desk.session.picture {
            SegmentCanvas(picture: picture, tool: tool)
        } else {
            ContentUnavailableView {
                Label("photo.none", systemImage: "photo.badge.plus")
            } description: {
                Text("photo.none.hint")
            } actions: {
                picker
            }
        }
    }

    private var picker: some View {
        PhotosPicker(selection: $item, matching: .images) { Label("photo.pick", systemImage: "photo.badge.plus") }
    }

    @ToolbarContentBuilder private var buttons: some ToolbarContent {
        ToolbarItem(placement: .topBarLeading) { picker }
        ToolbarItemGroup(placement: .topBarTrailing) {
            ShareButton()
            Button("models.title", systemImage: "shippingbox") { sheet = .models }
            Button("latency.title", systemImage: "stopwatch") { sheet = .latency }
        }
    }

    private func load(_ item: PhotosPickerItem?) async {
        guard let item else { return }
        guard let data = try? await item.loadTransferable(type: Data.self),
            let picture = await Self.read(data)
        else { return desk.session.fail(.notFinite(what: "picture")) }
        await desk.session.show(picture)
    }

    private nonisolated static func read(_ data: Data) async -> Picture? { PictureImages.read(data) }
}
