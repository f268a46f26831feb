/// Paints masks over a picture so that they are told apart without colour: a tint, and an outline with a light edge.
public struct OverlayPainter: Sendable {
    /// Three bytes.
    public struct Colour: Equatable, Sendable {
        /// Red.
        public let red: UInt8
        /// Green.
        public let green: UInt8
        /// Blue.
        public let blue: UInt8
    }

    /// Okabe and Ito's colours, which people with any common colour blindness tell apart.
    public static let palette = [
        Colour(red: 0, green: 114, blue: 178), Colour(red: 230, green: 159, blue: 0),
        Colour(red: 0, green: 158, blue: 115), Colour(red: 213, green: 94, blue: 0),
        Colour(red: 86, green: 180, blue: 233), Colour(red: 204, green: 121, blue: 167),
        Colour(red: 240, green: 228, blue: 66),
    ]

    /// Opacity of the tint, 0 to 1.
    public let opacity: Double
    /// Width of the outline in pixels.
    public let outline: Int

    /// For pictures that are shown at about their own size.
    public init(opacity: Double = 0.45, outline: Int = 2) {
        self.opacity = opacity
        self.outline = max(outline, 1)
    }

    /// Lays masks over one another, the last on top: 0 where none is, else 1 + its index.
    public static func labels(_ masks: [Mask], extent: Extent) throws -> [Int32] {
        var labels = [Int32](repeating: 0, count: extent.count)
        for (index, mask) in masks.enumerated() {
            guard mask.extent == extent else { throw SegError.wrongShape(what: "mask \(mask.extent) and \(extent)") }
            for (place, inside) in mask.bits.enumerated() where inside { labels[place] = Int32(index + 1) }
        }
        return labels
    }

    /// RGBA with premultiplied alpha, four bytes a pixel: transparent at label 0, tinted inside, outlined at the
    /// border.
    public func paint(_ labels: [Int32], extent: Extent) throws -> [UInt8] {
        guard labels.count == extent.count else {
            throw SegError.wrongShape(what: "\(labels.count) labels and \(extent.count) pixels")
        }
        var out = [UInt8](repeating: 0, count: extent.count * 4)
        for y in 0..<extent.height {
            for x in 0..<extent.width {
                let label = labels[y * extent.width + x]
                if label == 0 { continue }
                let colour = Self.palette[(Int(label) - 1) % Self.palette.count]
                let depth = depth(labels, extent, x, y)
                let pixel = (y * extent.width + x) * 4
                switch depth {
                case 0: put(Colour(red: 255, green: 255, blue: 255), 1, &out, pixel)
                case ..<outline: put(colour, 1, &out, pixel)
                default: put(colour, opacity, &out, pixel)
                }
            }
        }
        return out
    }

    /// How far the nearest other label is, 0 for a neighbour; `outline` where none is near. The picture's edge is none.
    private func depth(_ labels: [Int32], _ extent: Extent, _ x: Int, _ y: Int) -> Int {
        let own = labels[y * extent.width + x]
        for step in 1...outline {
            for (dx, dy) in [(step, 0), (-step, 0), (0, step), (0, -step)] {
                let (column, row) = (x + dx, y + dy)
                guard (0..<extent.width).contains(column), (0..<extent.height).contains(row) else { continue }
                if labels[row * extent.width + column] != own { return step - 1 }
            }
        }
        return outline
    }

    private func put(_ colour: Colour, _ alpha: Double, _ out: inout [UInt8], _ pixel: Int) {
        for (step, value) in [colour.red, colour.green, colour.blue].enumerated() {
            out[pixel + step] = UInt8(Double(value) * alpha)
        }
        out[pixel + 3] = UInt8(255 * alpha)
    }
}
