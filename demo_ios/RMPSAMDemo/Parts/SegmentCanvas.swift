import SegCore
import SegEngine
import SwiftUI

/// What a finger does on the picture.
enum Tool: String, CaseIterable, Identifiable {
    case tap, background, box
    var id: String { rawValue }
}

/// The picture with its masks, where a person taps or draws; with VoiceOver a grid of places takes the finger's part.
struct SegmentCanvas: View {
    let picture: Picture
    let tool: Tool
    @Environment(Desk.self) private var desk
    @Environment(\.accessibilityVoiceOverEnabled) private var isSpoken
    @State private var corner: CGPoint?
    @State private var opposite: CGPoint?

    var body: some View {
        PictureView(picture: picture, overlay: desk.session.overlay)
            .equatable()
            .overlay {
                GeometryReader { space in
                    ZStack(alignment: .topLeading) {
                        PromptMarks(history: desk.session.history, frame: frame(space.size))
                        rubberBand
                        if isSpoken { CursorGrid { tap(at: $0) } }
                    }
                    .contentShape(Rectangle())
                    .gesture(draw(space.size), including: tool == .box ? .all : .subviews)
                    .gesture(touch(space.size), including: tool == .box ? .subviews : .all)
                }
            }
            .accessibilityElement(children: isSpoken ? .contain : .ignore)
            .accessibilityLabel("canvas.label")
            .onChange(of: desk.session.answers.map(\.mask.area)) { announce() }
            .frame(maxWidth: .infinity, maxHeight: .infinity)
    }

    private func touch(_ size: CGSize) -> some Gesture {
        SpatialTapGesture().onEnded { touch in
            tap(frame(size).toPicture(touch.location))
        }
    }

    private func draw(_ size: CGSize) -> some Gesture {
        DragGesture(minimumDistance: 8)
            .onChanged { drag in (corner, opposite) = (drag.startLocation, drag.location) }
            .onEnded { drag in
                (corner, opposite) = (nil, nil)
                let frame = frame(size)
                let box = Box(from: frame.toPicture(drag.startLocation), to: frame.toPicture(drag.location))
                Task { await desk.session.draw(box) }
            }
    }

    @ViewBuilder private var rubberBand: some View {
        if let corner, let opposite {
            let rect = CGRect(
                x: min(corner.x, opposite.x), y: min(corner.y, opposite.y), width: abs(corner.x - opposite.x),
                height: abs(corner.y - opposite.y))
            Rectangle().path(in: rect).stroke(.white, style: StrokeStyle(lineWidth: 2, dash: [6, 4]))
        }
    }

    /// A place of the cursor, as shares of width and height.
    private func tap(at share: CGPoint) {
        tap(Point(x: share.x * Double(picture.extent.width), y: share.y * Double(picture.extent.height)))
    }

    private func tap(_ point: Point) {
        Task { await desk.session.tap(point, label: tool == .background ? 0 : 1) }
    }

    private func frame(_ size: CGSize) -> ShownFrame { ShownFrame(size: size, picture: picture.extent) }

    private func announce() {
        guard let answer = desk.session.answers.last else { return }
        let share = answer.mask.share.formatted(.percent.precision(.fractionLength(0)))
        let score = answer.predictedIoU.formatted(.number.precision(.fractionLength(2)))
        AccessibilityNotification.Announcement(String(localized: "canvas.found \(share) \(score)")).post()
    }
}

/// Between points of the screen and pixels of the picture, which fills its frame.
struct ShownFrame {
    let size: CGSize
    let picture: Extent

    func toPicture(_ point: CGPoint) -> Point {
        Point(
            x: clamped(point.x / size.width) * Double(picture.width),
            y: clamped(point.y / size.height) * Double(picture.height))
    }

    func toScreen(_ point: Point) -> CGPoint {
        CGPoint(
            x: point.x / Double(picture.width) * size.width, y: point.y / Double(picture.height) * size.height)
    }

    private func clamped(_ share: CGFloat) -> Double { Double(min(max(share, 0), 1)) }
}
