import SegCore
import SegEngine
import SwiftUI

/// Times of the steps so far, for a look; a measurement that counts is made by a computer with `--bench`.
struct LatencySheet: View {
    @Environment(Desk.self) private var desk
    @Environment(\.dismiss) private var dismiss

    var body: some View {
        NavigationStack {
            List {
                Section {
                    ForEach(desk.session.times.lines, id: \.step) { row($0) }
                    if desk.session.times.lines.isEmpty { Text("latency.none") }
                } header: {
                    Text("latency.header")
                } footer: {
                    Text("latency.footer")
                }
                Section("latency.phone") {
                    LabeledContent("latency.thermal") { Text(thermal) }
                    LabeledContent("latency.lowPower") { Text(isLowPower ? "on" : "off") }
                }
                ShareLink(item: table) { Label("latency.share", systemImage: "square.and.arrow.up") }
            }
            .navigationTitle("latency.title")
            .toolbar { Button("done") { dismiss() } }
        }
    }

    private func row(_ line: StepTimes.Line) -> some View {
        LabeledContent {
            Text(verbatim: [line.last, line.p50, line.p90].map(Self.milliseconds).joined(separator: "  "))
                .monospacedDigit()
        } label: {
            Text(Self.name(line.step))
        }
        .accessibilityElement(children: .combine)
    }

    private var isLowPower: Bool { ProcessInfo.processInfo.isLowPowerModeEnabled }

    private var thermal: LocalizedStringKey {
        switch ProcessInfo.processInfo.thermalState {
        case .nominal: "thermal.nominal"
        case .fair: "thermal.fair"
        case .serious: "thermal.serious"
        case .critical: "thermal.critical"
        @unknown default: "thermal.unknown"
        }
    }

    /// Tab-separated, for a message or a spreadsheet.
    private var table: String {
        let name = desk.session.engine?.bundle.manifest.name ?? ""
        let rows = desk.session.times.lines.map { line in
            [line.step.rawValue] + [line.last, line.p50, line.p90].map(Self.milliseconds)
        }
        let head = [name, "last_ms", "p50_ms", "p90_ms"]
        return ([head] + rows).map { $0.joined(separator: "\t") }.joined(separator: "\n")
    }

    private static func milliseconds(_ value: Double) -> String {
        value.formatted(.number.precision(.fractionLength(1)))
    }

    private static func name(_ step: StepTimes.Step) -> LocalizedStringKey {
        switch step {
        case .encode: "step.encode"
        case .prompt: "step.prompt"
        case .objects: "step.objects"
        case .paint: "step.paint"
        }
    }
}
