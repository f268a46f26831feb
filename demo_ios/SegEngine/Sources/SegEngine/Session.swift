import Observation
import SegCore

/// What a person does with one model and one picture: the state behind the screens, without any screen.
///
/// Work runs in the engine; a result that comes after the picture or the prompts have changed is dropped.
@MainActor
@Observable
public final class Session {
    /// The model in use.
    public private(set) var engine: (any Engine)?
    /// How the model did on the golden pair.
    public private(set) var selfTest: SelfTest?
    /// The picture that is shown.
    public private(set) var picture: Picture?
    /// What was pointed at.
    public private(set) var history = PromptHistory(limit: 1)
    /// One for each prompt, once it is there.
    public private(set) var answers: [MaskAnswer] = []
    /// Every pixel named, after `everything`.
    public private(set) var map: PanopticMap?
    /// What lies over the picture, RGBA with premultiplied alpha.
    public private(set) var overlay: [UInt8]?
    /// Why the last wish was not granted.
    public private(set) var failure: SegError?
    /// Whether something is being computed.
    public var isBusy: Bool { running > 0 }
    /// For the latency sheet.
    public private(set) var times = StepTimes()

    private var features: Features?
    private var encoding: Task<(value: Features, time: Double)?, Never>?
    private var generation = 0
    private var running = 0

    /// No model and no picture.
    public init() {}

    /// Whether several taps and background taps refine one object.
    public var refines: Bool { history.refines }

    /// Takes another model into use, and encodes the picture anew. `test`: its first-start check, where it needs one.
    public func use(_ engine: any Engine, test: (@Sendable (any Engine) async throws -> SelfTest)? = nil) async {
        let (old, shown) = (self.engine, picture)
        forget()
        (self.engine, selfTest) = (nil, nil)
        if old?.bundle != engine.bundle { await old?.unload() }
        if let test {
            guard let result = await attempt({ try await test(engine) }) else { return }
            selfTest = result.value
        }
        self.engine = engine
        history = PromptHistory(limit: engine.contract.sizes.numPoints)
        if let shown { await show(shown) }
    }

    /// Shows another picture and runs the encoder on it.
    public func show(_ picture: Picture) async {
        forget()
        self.picture = picture
        _ = await encoded()
    }

    /// A tap in pixels of the picture: 1 wanted, 0 background.
    public func tap(_ point: Point, label: Int = 1) async {
        await change { try $0.tap(point, label: label) }
    }

    /// A box in pixels of the picture.
    public func draw(_ box: Box) async {
        await change { $0.draw(box) }
    }

    /// Takes the last hint back.
    public func undo() async {
        await change { $0.undo() }
    }

    /// The next hint starts another object.
    public func startObject() {
        history.startObject()
    }

    /// Forgets all hints and answers.
    public func clear() {
        generation += 1
        history.clear()
        (answers, map, overlay, failure) = ([], nil, nil, nil)
    }

    /// Names every pixel.
    public func everything() async {
        clear()
        let mine = generation
        guard let features = await encoded(), let engine else { return }
        let found = await attempt { try await engine.objects(features) }
        guard let found, mine == generation else { return }
        times.add(.objects, found.time)
        map = found.value
        let labels = Self.labels(found.value)
        await paint(labels, found.value.extent, mine)
    }

    /// Follows a camera: each picture that comes is segmented as a whole, or by a tap into its middle where the model
    /// does not know objects. The stream keeps the newest picture only, so that nothing queues up.
    public func follow(_ pictures: AsyncStream<Picture>) async {
        for await picture in pictures {
            if Task.isCancelled { return }
            await show(picture)
            guard let engine, failure == nil else { continue }
            if engine.bundle.has(.objects) {
                await everything()
            } else {
                await tap(Point(x: Double(picture.extent.width) / 2, y: Double(picture.extent.height) / 2))
            }
        }
    }

    /// Frees what can be computed again.
    public func freeMemory() async {
        features = nil
        await engine?.unload()
    }

    /// Takes note of something that went wrong outside, such as a picture that cannot be read.
    public func fail(_ error: SegError?) {
        failure = error
    }

    private func forget() {
        clear()
        (features, encoding, picture) = (nil, nil, nil)
    }

    private func change(_ edit: (inout PromptHistory) throws -> Void) async {
        generation += 1
        let mine = generation
        failure = nil
        map = nil
        do {
            try edit(&history)
        } catch {
            failure = error as? SegError
            return
        }
        let prompts = history.prompts
        guard let features = await encoded(), let engine, mine == generation else { return }
        if prompts.isEmpty {
            (answers, overlay) = ([], nil)
            return
        }
        let found = await attempt { try await engine.segment(features, prompts) }
        guard let found, mine == generation else { return }
        times.add(.prompt, found.time)
        answers = found.value
        let extent = features.fit.picture
        await paint(try? OverlayPainter.labels(answers.map(\.mask), extent: extent), extent, mine)
    }

    /// The picture's features: kept ones, those that are on their way, or the encoder runs.
    private func encoded() async -> Features? {
        if let features { return features }
        guard let engine, let picture else { return nil }
        let task = encoding ?? Task { await attempt { try await engine.encode(picture) } }
        encoding = task
        let found = await task.value
        guard encoding == task else { return features }
        encoding = nil
        if let found { times.add(.encode, found.time) }
        features = found?.value
        return features
    }

    private func paint(_ labels: [Int32]?, _ extent: Extent, _ mine: Int) async {
        guard let labels else { return }
        let found = await attempt { try await Self.painted(labels, extent) }
        guard let found, mine == generation else { return }
        times.add(.paint, found.time)
        overlay = found.value
    }

    private nonisolated static func painted(_ labels: [Int32], _ extent: Extent) async throws -> [UInt8] {
        try OverlayPainter(outline: max(2, max(extent.width, extent.height) / 400)).paint(labels, extent: extent)
    }

    /// Segments become small numbers, so that neighbours have different colours.
    private nonisolated static func labels(_ map: PanopticMap) -> [Int32] {
        let ids = map.segments.enumerated().map { (Int32($1.id), Int32($0 + 1)) }
        let numbers = Dictionary(uniqueKeysWithValues: ids)
        return map.values.map { numbers[$0] ?? 0 }
    }

    private func attempt<Value: Sendable>(
        _ action: () async throws -> Value
    ) async -> (value: Value, time: Double)? {
        running += 1
        defer { running -= 1 }
        let clock = ContinuousClock()
        let start = clock.now
        do {
            let value = try await action()
            let (seconds, attoseconds) = start.duration(to: clock.now).components
            return (value, Double(seconds) * 1e3 + Double(attoseconds) / 1e15)
        } catch is CancellationError {
            return nil
        } catch {
            failure = error as? SegError ?? .engine(what: "\(error)")
            return nil
        }
    }
}
