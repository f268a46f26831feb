import SegCore
import SwiftUI

/// Where was pointed: a plus for what is wanted, a minus for background, a frame for a box; shape tells, not colour.
struct PromptMarks: View {
    let history: PromptHistory
    let frame: ShownFrame

    var body: some View {
        ZStack(alignment: .topLeading) {
            ForEach(Array(marks.enumerated()), id: \.offset) { _, mark in
                Image(systemName: mark.isWanted ? "plus.circle.fill" : "minus.circle.fill")
                    .symbolRenderingMode(.palette)
                    .foregroundStyle(.white, mark.isWanted ? .green : .red)
                    .shadow(radius: 2)
                    .position(mark.place)
            }
            ForEach(Array(boxes.enumerated()), id: \.offset) { _, rect in
                Rectangle().path(in: rect).stroke(.white, lineWidth: 2)
            }
        }
        .allowsHitTesting(false)
        .accessibilityHidden(true)
    }

    private var marks: [(place: CGPoint, isWanted: Bool)] {
        history.prompts.flatMap { prompt in
            zip(prompt.points, prompt.labels).map { (frame.toScreen($0), $1 == 1) }
        }
    }

    private var boxes: [CGRect] {
        history.prompts.compactMap(\.box).map { box in
            let (a, b) = (
                frame.toScreen(Point(x: box.x1, y: box.y1)), frame.toScreen(Point(x: box.x2, y: box.y2))
            )
            return CGRect(x: a.x, y: a.y, width: b.x - a.x, height: b.y - a.y)
        }
    }
}
