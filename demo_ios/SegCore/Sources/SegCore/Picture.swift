/// An upright 8-bit RGB picture: row-major, three bytes a pixel.
public struct Picture: Equatable, Sendable {
    /// Height and width in pixels.
    public let extent: Extent
    /// `height * width * 3` values.
    public let rgb: [UInt8]

    /// Throws `SegError` for a side below one pixel or another number of bytes.
    public init(extent: Extent, rgb: [UInt8]) throws {
        guard extent.height >= 1, extent.width >= 1 else {
            throw SegError.noSize(width: extent.width, height: extent.height)
        }
        guard rgb.count == extent.count * 3 else {
            throw SegError.wrongShape(what: "\(rgb.count) bytes and \(extent.width) x \(extent.height) px")
        }
        self.extent = extent
        self.rgb = rgb
    }

    /// Bilinear resizing with half-pixel centres, two taps an axis and 11-bit coefficients: OpenCV's 8-bit
    /// `INTER_LINEAR`, bit by bit, as the network was trained. No smoothing when shrinking.
    public func resized(to target: Extent) throws -> Picture {
        guard target.height >= 1, target.width >= 1 else {
            throw SegError.noSize(width: target.width, height: target.height)
        }
        if target == extent { return self }
        let columns = IntegerTaps(source: extent.width, target: target.width)
        let rows = IntegerTaps(source: extent.height, target: target.height)
        var lines = LineCache()
        var out = [UInt8](repeating: 0, count: target.count * 3)
        for y in 0..<target.height {
            let upper = lines.line(rows.first[y]) { horizontal($0, columns) }
            let lower = lines.line(rows.second[y]) { horizontal($0, columns) }
            let (a, b) = (rows.firstWeight[y], rows.secondWeight[y])
            for i in 0..<target.width * 3 {
                let value = ((upper[i] &* a) >> 16) &+ ((lower[i] &* b) >> 16)
                out[y * target.width * 3 + i] = UInt8(truncatingIfNeeded: (value &+ 2) >> 2)
            }
        }
        return try Picture(extent: target, rgb: out)
    }

    /// One source row at the target's width; OpenCV drops 4 bits here and 16 later, so that products fit 32 bits.
    private func horizontal(_ row: Int, _ taps: IntegerTaps) -> [Int32] {
        let start = row * extent.width * 3
        var line = [Int32](repeating: 0, count: taps.first.count * 3)
        for x in taps.first.indices {
            let (left, right) = (start + taps.first[x] * 3, start + taps.second[x] * 3)
            for channel in 0..<3 {
                let sum =
                    Int32(rgb[left + channel]) &* taps.firstWeight[x] &+ Int32(rgb[right + channel])
                    &* taps.secondWeight[x]
                line[x * 3 + channel] = sum >> 4
            }
        }
        return line
    }
}

/// For each output pixel of one axis the two source indices and their integer weights, which add up to 2048.
private struct IntegerTaps {
    var first: [Int] = []
    var second: [Int] = []
    var firstWeight: [Int32] = []
    var secondWeight: [Int32] = []

    init(source: Int, target: Int) {
        // Each step in the precision OpenCV uses: the inverse of the inverse in double, the fraction in float32.
        let step = 1.0 / (Double(target) / Double(source))
        for place in 0..<target {
            let position = Float((Double(place) + 0.5) * step - 0.5)
            let floor = position.rounded(.down)
            let fraction = position - floor
            first.append(min(max(Int(floor), 0), source - 1))
            second.append(min(max(Int(floor) + 1, 0), source - 1))
            firstWeight.append(Int32(((1 - fraction) * 2048).rounded(.toNearestOrEven)))
            secondWeight.append(Int32((fraction * 2048).rounded(.toNearestOrEven)))
        }
    }
}

/// The last two source rows: output rows ask for them in rising order.
private struct LineCache {
    private var kept: [(row: Int, line: [Int32])] = []

    mutating func line(_ row: Int, make: (Int) -> [Int32]) -> [Int32] {
        if let found = kept.first(where: { $0.row == row }) { return found.line }
        let made = make(row)
        if kept.count == 2 { kept.removeFirst() }
        kept.append((row, made))
        return made
    }
}
