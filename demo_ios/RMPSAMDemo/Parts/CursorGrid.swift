import SwiftUI

/// Places that VoiceOver's focus visits in turn; activating one taps its middle.
struct CursorGrid: View {
    static let side = 6
    let tap: (CGPoint) -> Void

    var body: some View {
        VStack(spacing: 0) {
            ForEach(0..<Self.side, id: \.self) { row in
                HStack(spacing: 0) {
                    ForEach(0..<Self.side, id: \.self) { column in
                        field(row, column)
                    }
                }
            }
        }
    }

    private func field(_ row: Int, _ column: Int) -> some View {
        Color.clear
            .contentShape(Rectangle())
            .accessibilityElement()
            .accessibilityLabel("cursor.place \((row + 1).formatted()) \((column + 1).formatted())")
            .accessibilityHint("cursor.hint")
            .accessibilityAddTraits(.isButton)
            .accessibilityAction { tap(CGPoint(x: middle(column), y: middle(row))) }
    }

    private func middle(_ place: Int) -> Double { (Double(place) + 0.5) / Double(Self.side) }
}
