import SegCore
import SegEngine
import SwiftUI

/// What was found, what is being done, or why not.
struct StatusLine: View {
    @Environment(Desk.self) private var desk

    var body: some View {
        HStack {
            if desk.session.isBusy { ProgressView().accessibilityLabel("status.busy") }
            Text(verbatim: text).font(.footnote).multilineTextAlignment(.leading)
            Spacer(minLength: 0)
        }
        .padding(.horizontal)
        .frame(minHeight: 44)
        .accessibilityElement(children: .combine)
    }

    private var text: String {
        let session = desk.session
        if let failure = session.failure { return failure.sentence }
        if let map = session.map { return Self.names(map, session) }
        guard let answer = session.answers.last else { return "" }
        let share = answer.mask.share.formatted(.percent.precision(.fractionLength(0)))
        let score = answer.predictedIoU.formatted(.number.precision(.fractionLength(2)))
        return String(localized: "canvas.found \(share) \(score)")
    }

    /// Class names as the bundle has them.
    private static func names(_ map: PanopticMap, _ session: Session) -> String {
        let known = session.engine?.contract.classNames ?? []
        let names = map.segments.map { known.indices.contains($0.label) ? known[$0.label] : $0.label.formatted() }
        return names.isEmpty ? String(localized: "status.nothing") : names.formatted(.list(type: .and))
    }
}

/// Says that there is no model, or that this phone failed its self-test.
struct ModelNotice: View {
    @Environment(Desk.self) private var desk

    var body: some View {
        if desk.isOpening {
            ProgressView("models.opening").padding()
        } else if desk.session.engine == nil {
            Label("notice.noModel", systemImage: "shippingbox").padding()
        } else if desk.session.selfTest?.passes == false {
            Label("notice.selfTest", systemImage: "exclamationmark.triangle.fill").padding()
        }
    }
}
