/// One object's hints in the picture's frame: points with labels 1 (wanted) or 0 (background), at most one box.
public struct Prompt: Hashable, Sendable {
    /// In pixels of the picture.
    public let points: [Point]
    /// One for each point.
    public let labels: [Int]
    /// In pixels of the picture.
    public let box: Box?

    /// Any hints; `checked` refuses what cannot be.
    public init(points: [Point] = [], labels: [Int] = [], box: Box? = nil) {
        self.points = points
        self.labels = labels
        self.box = box
    }

    /// The prompt with its box clamped to the picture.
    ///
    /// Throws `SegError`: nothing given, a point outside, an empty box, or more hints than this model reads.
    public func checked(_ contract: ModelContract, picture: Extent) throws -> Prompt {
        try checked(numPoints: contract.sizes.numPoints, picture: picture)
    }

    func checked(numPoints: Int, picture: Extent) throws -> Prompt {
        guard points.count == labels.count else {
            throw SegError.wrongShape(what: "\(points.count) points and \(labels.count) labels")
        }
        for (point, label) in zip(points, labels) {
            let inside =
                (0...Double(picture.width)).contains(point.x) && (0...Double(picture.height)).contains(point.y)
            guard inside else { throw SegError.pointOutside(x: point.x, y: point.y, picture: picture) }
            guard label == 0 || label == 1 else { throw SegError.unknownLabel(label) }
        }
        if points.isEmpty && box == nil { throw SegError.noHint }
        try checkKinds(numPoints)
        return Prompt(points: points, labels: labels, box: try box.map { try clamped($0, picture) })
    }

    /// Official models take one click or one box, mobile ones a set of both.
    private func checkKinds(_ limit: Int) throws {
        let boxes = box == nil ? 0 : 1
        if limit == 1 && (points.count + boxes > 1 || labels.contains(0)) {
            throw SegError.oneHintOnly(points: points.count, boxes: boxes)
        }
        if points.count > limit { throw SegError.tooManyPoints(count: points.count, limit: limit) }
        if box == nil && !labels.contains(1) { throw SegError.onlyBackground }
    }

    private func clamped(_ box: Box, _ picture: Extent) throws -> Box {
        guard [box.x1, box.y1, box.x2, box.y2].allSatisfy(\.isFinite) else { throw SegError.emptyBox }
        let inside = Box(
            x1: max(box.x1, 0), y1: max(box.y1, 0),
            x2: min(box.x2, Double(picture.width)), y2: min(box.y2, Double(picture.height)))
        guard inside.x2 > inside.x1, inside.y2 > inside.y1 else { throw SegError.emptyBox }
        return inside
    }
}

/// The prompt graph's inputs besides the features, in call order.
public struct PromptInputs: Equatable, Sendable {
    /// `[1, slots, points, 2]`, xy in pixels of the model input.
    public var points: Tensor
    /// `[1, slots, points + 1]`: one for each point, the last for the box; 1 wanted, 0 background, -1 empty.
    public var labels: Tensor
    /// `[1, slots, 4]`, in pixels of the model input.
    public var boxes: Tensor
    /// `[1, 2]`: height and width of the picture inside of the model input.
    public var imageSize: Tensor

    /// In call order.
    public var tensors: [Tensor] { [points, labels, boxes, imageSize] }

    init(slots: Int, numPoints: Int, fitted: Extent) {
        points = Tensor(repeating: 0, shape: [1, slots, numPoints, 2])
        labels = Tensor(repeating: -1, shape: [1, slots, numPoints + 1])
        boxes = Tensor(repeating: 0, shape: [1, slots, 4])
        imageSize = Tensor(repeating: 0, shape: [1, 2])
        imageSize.values = [Float(fitted.height), Float(fitted.width)]
    }

    /// Lays checked prompts into slots. Throws `SegError.wrongShape` for more prompts than slots.
    public init(_ prompts: [Prompt], fit: Fit, contract: ModelContract) throws {
        let sizes = contract.sizes
        try self.init(prompts, fit: fit, slots: sizes.numSlots, numPoints: sizes.numPoints)
    }

    init(_ prompts: [Prompt], fit: Fit, slots: Int, numPoints: Int) throws {
        guard prompts.count <= slots, prompts.allSatisfy({ $0.points.count <= numPoints }) else {
            throw SegError.wrongShape(what: "\(prompts.count) prompts and \(slots) slots of \(numPoints) points")
        }
        self.init(slots: slots, numPoints: numPoints, fitted: fit.fitted)
        for (slot, prompt) in prompts.enumerated() {
            for (place, point) in prompt.points.enumerated() {
                set(point: fit.toInput(point), label: prompt.labels[place], at: place, slot: slot)
            }
            if let box = prompt.box { set(box: fit.toInput(box), slot: slot) }
        }
    }

    mutating func set(point: Point, label: Int, at place: Int, slot: Int) {
        let numPoints = points.shape[2]
        let start = (slot * numPoints + place) * 2
        points.values[start] = Float(point.x)
        points.values[start + 1] = Float(point.y)
        labels.values[slot * (numPoints + 1) + place] = Float(label)
    }

    mutating func set(box: Box, slot: Int) {
        let numPoints = points.shape[2]
        boxes.values.replaceSubrange(
            slot * 4..<slot * 4 + 4, with: [Float(box.x1), Float(box.y1), Float(box.x2), Float(box.y2)])
        labels.values[slot * (numPoints + 1) + numPoints] = 1
    }
}
