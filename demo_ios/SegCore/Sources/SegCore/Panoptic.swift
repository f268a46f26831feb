import Foundation

/// One segment of a panoptic map.
public struct PanopticSegment: Equatable, Sendable {
    /// Its value in the map.
    public let id: Int
    /// Class index.
    public let label: Int
    /// Countable; stuff has one segment for each class.
    public let isThing: Bool
    /// Pixels.
    public let area: Int
    /// Tight, right and bottom exclusive.
    public let box: Box
}

/// Every pixel named: class + 1000 * instance, the number of classes where nothing is.
public struct PanopticMap: Equatable, Sendable {
    /// Height and width in pixels.
    public let extent: Extent
    /// Row-major.
    public let values: [Int32]
    /// By falling area.
    public let segments: [PanopticSegment]
}

/// The panoptic merge of RMP-SAM's evaluation (arXiv 2401.10228, official code).
public struct PanopticMerge: Sendable {
    static let instanceOffset = 1000
    /// Classes below this index are countable.
    public let numThings: Int
    /// A query needs a higher class score.
    public let objectMask: Double
    /// The share of its mask that a query has to win.
    public let iou: Double

    /// Thresholds of the contract.
    public init(_ contract: ModelContract) {
        self.init(
            numThings: contract.numThings, objectMask: contract.thresholds.objectMask, iou: contract.thresholds.iou)
    }

    init(numThings: Int, objectMask: Double, iou: Double) {
        self.numThings = numThings
        self.objectMask = objectMask
        self.iou = iou
    }

    /// Queries sure of a class compete for each pixel by score times mask probability; one that wins less than `iou` of
    /// its own mask is left out.
    ///
    /// `classLogits` is `[Q, K + 1]`, the last class is void; `mask` gives the logits of one query at every pixel of
    /// `extent`, and is asked only for queries that take part. Throws `SegError` for NaN or shapes that do not fit.
    public func merge(classLogits: Tensor, extent: Extent, mask: (Int) throws -> [Float]) throws -> PanopticMap {
        let shape = classLogits.shape
        guard shape.count == 2, shape[1] >= 2, shape[1] <= Self.instanceOffset, numThings < shape[1] else {
            throw SegError.wrongShape(what: "class logits \(shape) and \(numThings) things")
        }
        guard classLogits.values.allSatisfy(\.isFinite) else { throw SegError.notFinite(what: "class logits") }
        let void = shape[1] - 1
        let kept = Self.surest(classLogits).enumerated().filter { $1.label != void && $1.score > objectMask }
        var contest = Contest(extent: extent)
        for (position, entry) in kept.enumerated() {
            try contest.enter(position, score: entry.element.score, logits: mask(entry.offset))
        }
        var names = [Int32](repeating: Int32(void), count: kept.count)
        var found = 0
        for (position, entry) in kept.enumerated() {
            let (won, own) = (contest.won(position), contest.own[position])
            if won == 0 || own == 0 || Double(won) / Double(own) < iou { continue }
            let label = entry.element.label
            let isThing = label < numThings
            found += isThing ? 1 : 0
            names[position] = Int32(label + (isThing ? Self.instanceOffset * found : 0))
        }
        let values = contest.owners.map { $0 < 0 ? Int32(void) : names[Int($0)] }
        return PanopticMap(extent: extent, values: values, segments: segments(values, extent, void: void))
    }

    private static func surest(_ logits: Tensor) -> [(label: Int, score: Double)] {
        let width = logits.shape[1]
        return (0..<logits.shape[0]).map { query in
            let row = logits.values[query * width..<(query + 1) * width].map(Double.init)
            let highest = row.max() ?? 0
            let sum = row.reduce(0) { $0 + exp($1 - highest) }
            return (row.firstIndex(of: highest) ?? 0, 1 / sum)
        }
    }

    private func segments(_ values: [Int32], _ extent: Extent, void: Int) -> [PanopticSegment] {
        var boxes: [Int32: (area: Int, x1: Int, y1: Int, x2: Int, y2: Int)] = [:]
        for y in 0..<extent.height {
            for x in 0..<extent.width {
                let value = values[y * extent.width + x]
                if value == Int32(void) { continue }
                let old = boxes[value] ?? (0, x, y, x, y)
                boxes[value] = (old.area + 1, min(old.x1, x), old.y1, max(old.x2, x + 1), y + 1)
            }
        }
        let found = boxes.map { value, b in
            let label = Int(value) % Self.instanceOffset
            let box = Box(x1: Double(b.x1), y1: Double(b.y1), x2: Double(b.x2), y2: Double(b.y2))
            return PanopticSegment(id: Int(value), label: label, isThing: label < numThings, area: b.area, box: box)
        }
        return found.sorted { ($1.area, $0.id) < ($0.area, $1.id) }
    }
}

/// Queries compete for the pixels, one mask after the other.
private struct Contest {
    private let extent: Extent
    private var best: [Double]
    private var owner: [Int32]
    private var isSure: [Bool]
    /// Pixels of each query's own mask.
    private(set) var own: [Int] = []

    init(extent: Extent) {
        self.extent = extent
        best = [Double](repeating: -1, count: extent.count)
        owner = [Int32](repeating: -1, count: extent.count)
        isSure = [Bool](repeating: false, count: extent.count)
    }

    mutating func enter(_ position: Int, score: Double, logits: [Float]) throws {
        guard logits.count == extent.count else {
            throw SegError.wrongShape(what: "\(logits.count) logits and \(extent.count) pixels")
        }
        var inside = 0
        for (place, logit) in logits.enumerated() {
            if logit.isNaN { throw SegError.notFinite(what: "mask logits") }
            let probability = 1 / (1 + exp(-Double(logit)))
            let sure = probability >= 0.5
            inside += sure ? 1 : 0
            // Strictly greater: the first of equals keeps the pixel.
            if probability * score > best[place] {
                best[place] = probability * score
                owner[place] = Int32(position)
                isSure[place] = sure
            }
        }
        own.append(inside)
    }

    /// Pixels that a query won, whatever its own mask says there.
    func won(_ position: Int) -> Int { owner.reduce(0) { $0 + ($1 == Int32(position) ? 1 : 0) } }

    /// Who has each pixel, -1 where the winner's own mask is below 0.5 or nobody came.
    var owners: [Int32] { zip(owner, isSure).map { $1 ? $0 : -1 } }
}
