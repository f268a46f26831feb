/// What a person has pointed at so far, object by object, with undo.
public struct PromptHistory: Equatable, Sendable {
    /// One for each object; the last one is being worked on.
    public private(set) var prompts: [Prompt] = []
    private var past: [[Prompt]] = []
    private var startsAnew = true
    private let limit: Int

    /// `limit`: points that one prompt of this model holds; with 1 each tap is an object of its own.
    public init(limit: Int) {
        self.limit = max(limit, 1)
    }

    /// Whether the model reads several points with background ones among them.
    public var refines: Bool { limit > 1 }

    /// Whether there is something to take back.
    public var canUndo: Bool { !past.isEmpty }

    /// Adds a tap to the current object, or starts an object with it.
    ///
    /// Throws `SegError.onlyBackground` for a background tap with nothing to refine, `.tooManyPoints` for a full
    /// object, `.oneHintOnly` for a background tap where the model reads none.
    public mutating func tap(_ point: Point, label: Int = 1) throws {
        if label == 0 && !refines { throw SegError.oneHintOnly(points: 1, boxes: 0) }
        guard refines, !startsAnew, let current = prompts.last else {
            if label == 0 { throw SegError.onlyBackground }
            return begin(Prompt(points: [point], labels: [label]))
        }
        guard current.points.count < limit else {
            throw SegError.tooManyPoints(count: current.points.count + 1, limit: limit)
        }
        let more = Prompt(points: current.points + [point], labels: current.labels + [label], box: current.box)
        change { $0[$0.count - 1] = more }
    }

    /// Gives the current object a box, or starts an object with it.
    public mutating func draw(_ box: Box) {
        guard refines, !startsAnew, let current = prompts.last, current.box == nil else {
            return begin(Prompt(box: box))
        }
        change { $0[$0.count - 1] = Prompt(points: current.points, labels: current.labels, box: box) }
    }

    /// The next hint starts another object.
    public mutating func startObject() {
        startsAnew = true
    }

    /// Takes the last hint back.
    public mutating func undo() {
        guard let last = past.popLast() else { return }
        prompts = last
        startsAnew = prompts.isEmpty
    }

    /// Forgets all, the past too: for another picture or another model.
    public mutating func clear() {
        self = PromptHistory(limit: limit)
    }

    private mutating func begin(_ prompt: Prompt) {
        change { $0.append(prompt) }
        startsAnew = !refines
    }

    private mutating func change(_ edit: (inout [Prompt]) -> Void) {
        past.append(prompts)
        edit(&prompts)
    }
}
