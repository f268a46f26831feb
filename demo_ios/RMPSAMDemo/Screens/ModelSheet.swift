import SegCore
import SegEngine
import SwiftUI
import UniformTypeIdentifiers

/// Which bundle is in use, which others are there, how to bring one, and how the self-test went.
struct ModelSheet: View {
    @Environment(Desk.self) private var desk
    @Environment(\.dismiss) private var dismiss
    @State private var isImporting = false

    var body: some View {
        NavigationStack {
            List {
                Section("models.here") {
                    ForEach(desk.models) { row($0) }
                    Button("models.import", systemImage: "square.and.arrow.down") { isImporting = true }
                }
                if let bundle = desk.session.engine?.bundle { about(bundle) }
                if let test = desk.session.selfTest { SelfTestSection(test: test) }
                if let failure = desk.session.failure { Section { Text(verbatim: failure.sentence) } }
            }
            .overlay { if desk.isOpening { ProgressView("models.opening") } }
            .navigationTitle("models.title")
            .toolbar { Button("done") { dismiss() } }
            .fileImporter(isPresented: $isImporting, allowedContentTypes: [.folder]) { result in
                guard case .success(let url) = result else { return }
                Task { await desk.add(url) }
            }
        }
    }

    private func row(_ entry: ModelLibrary.Entry) -> some View {
        Button {
            Task { await desk.open(entry) }
        } label: {
            HStack {
                VStack(alignment: .leading) {
                    Text(verbatim: entry.name)
                    Text(verbatim: entry.detail).font(.caption).foregroundStyle(.secondary)
                }
                Spacer()
                if entry == desk.current { Image(systemName: "checkmark").accessibilityLabel("models.current") }
            }
        }
        .accessibilityAddTraits(entry == desk.current ? .isSelected : [])
    }

    private func about(_ bundle: ModelBundle) -> some View {
        Section("models.about") {
            LabeledContent("models.hash") { Text(verbatim: String(bundle.manifestSHA256.prefix(12))).monospaced() }
            LabeledContent("models.size") { Text(verbatim: bundle.manifest.contract.sizes.size.text) }
            if !bundle.manifest.contract.trained { Label("models.untrained", systemImage: "exclamationmark.triangle") }
        }
    }
}

/// How this phone did on the golden pair, output by output.
struct SelfTestSection: View {
    let test: SelfTest

    var body: some View {
        Section("selftest.title") {
            Label(
                test.passes ? "selftest.passed" : "selftest.failed",
                systemImage: test.passes ? "checkmark.seal" : "xmark.seal")
            ForEach(test.lines, id: \.key) { line in
                LabeledContent {
                    Text(verbatim: figure(line)).monospacedDigit()
                } label: {
                    Label {
                        Text(verbatim: line.key)
                    } icon: {
                        Image(systemName: line.passes ? "checkmark" : "xmark")
                    }
                }
            }
        }
    }

    private func figure(_ line: SelfTest.Line) -> String {
        line.signAgreement.formatted(.percent.precision(.fractionLength(1)))
    }
}

extension Extent {
    /// Width and height as a person writes them.
    var text: String { width.formatted() + " × " + height.formatted() }
}
