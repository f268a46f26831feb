/// A mask in the picture's frame.
public struct Mask: Equatable, Sendable {
    /// Height and width in pixels.
    public let extent: Extent
    /// Row-major, true inside.
    public let bits: [Bool]
    /// Pixels inside.
    public let area: Int

    /// Throws `SegError.wrongShape` where the count is not that of the pixels.
    public init(extent: Extent, bits: [Bool]) throws {
        guard bits.count == extent.count else {
            throw SegError.wrongShape(what: "\(bits.count) bits and \(extent.width) x \(extent.height) px")
        }
        self.extent = extent
        self.bits = bits
        area = bits.reduce(0) { $0 + ($1 ? 1 : 0) }
    }

    /// Share of the picture, 0 to 1.
    public var share: Double { Double(area) / Double(max(extent.count, 1)) }

    /// Tight box, right and bottom exclusive; nil for an empty mask.
    public var box: Box? {
        var found: (x1: Int, y1: Int, x2: Int, y2: Int)?
        for y in 0..<extent.height {
            let row = bits[y * extent.width..<(y + 1) * extent.width]
            guard let first = row.firstIndex(of: true), let last = row.lastIndex(of: true) else { continue }
            let (left, right) = (first - row.startIndex, last - row.startIndex + 1)
            let old = found ?? (left, y, right, y + 1)
            found = (min(old.x1, left), old.y1, max(old.x2, right), y + 1)
        }
        return found.map { Box(x1: Double($0.x1), y1: Double($0.y1), x2: Double($0.x2), y2: Double($0.y2)) }
    }

    /// Run lengths, row-major; the first one counts pixels outside.
    public var runs: [Int] {
        var lengths: [Int] = []
        var (value, length) = (false, 0)
        for bit in bits {
            if bit != value {
                lengths.append(length)
                (value, length) = (bit, 0)
            }
            length += 1
        }
        return lengths + [length]
    }
}

/// Brings mask logits from the mask grid to the picture: bilinear to the padded model input, cut to the fitted picture,
/// bilinear to the picture. Both steps are linear, so that a few weights an output row and column hold the two.
public struct MaskDecoder: Sendable {
    private let grid: Extent
    private let picture: Extent
    private let rows: [Blend]
    private let columns: [Blend]

    /// For all masks of one picture.
    public init(_ fit: Fit) {
        grid = Extent(height: fit.size.height / 4, width: fit.size.width / 4)
        picture = fit.picture
        rows = Blend.axis(
            grid: grid.height, padded: fit.size.height, fitted: fit.fitted.height, picture: picture.height)
        columns = Blend.axis(
            grid: grid.width, padded: fit.size.width, fitted: fit.fitted.width, picture: picture.width)
    }

    /// The picture's height and width.
    public var extent: Extent { picture }

    /// Logits at every pixel of the picture.
    ///
    /// Throws `SegError.wrongShape` for logits of another grid, `.notFinite` for NaN or infinity.
    public func logits(_ mask: [Float]) throws -> [Float] {
        guard mask.count == grid.count else {
            throw SegError.wrongShape(what: "\(mask.count) logits and a grid of \(grid.height) x \(grid.width)")
        }
        guard mask.allSatisfy(\.isFinite) else { throw SegError.notFinite(what: "mask logits") }
        var out = [Float](repeating: 0, count: picture.count)
        var line = [Float](repeating: 0, count: grid.width)
        for (y, row) in rows.enumerated() {
            for x in 0..<grid.width {
                var sum: Float = 0
                for (step, weight) in row.weights.enumerated() {
                    sum += weight * mask[(row.first + step) * grid.width + x]
                }
                line[x] = sum
            }
            for (x, column) in columns.enumerated() {
                var sum: Float = 0
                for (step, weight) in column.weights.enumerated() { sum += weight * line[column.first + step] }
                out[y * picture.width + x] = sum
            }
        }
        return out
    }

    /// The mask: where the logits are above the threshold.
    public func mask(_ logits: [Float], above threshold: Double = 0) throws -> Mask {
        let level = Float(threshold)
        return try Mask(extent: picture, bits: self.logits(logits).map { $0 > level })
    }
}

/// The weights of a few neighbouring cells that make one output sample.
private struct Blend: Sendable {
    var first: Int
    var weights: [Float]

    static func axis(grid: Int, padded: Int, fitted: Int, picture: Int) -> [Blend] {
        (0..<picture).map { place in
            var sum: [Int: Double] = [:]
            for (middle, outer) in taps(place, source: fitted, target: picture) {
                for (cell, inner) in taps(middle, source: grid, target: padded) {
                    sum[cell, default: 0] += outer * inner
                }
            }
            let (low, high) = (sum.keys.min() ?? 0, sum.keys.max() ?? 0)
            return Blend(first: low, weights: (low...high).map { Float(sum[$0] ?? 0) })
        }
    }

    /// Source indices and weights of one sample: half-pixel centres, edges repeated.
    private static func taps(_ place: Int, source: Int, target: Int) -> [(Int, Double)] {
        let centre = (Double(place) + 0.5) * (Double(source) / Double(target)) - 0.5
        let position = min(max(centre, 0), Double(source - 1))
        let first = Int(position)
        let fraction = position - Double(first)
        return [(first, 1 - fraction), (min(first + 1, source - 1), fraction)]
    }
}
