import Foundation
import SegCore

@testable import SegEngine

/// Answers with numbers that follow from its inputs, on a clock that it moves itself.
actor FakeEngine: Engine {
    nonisolated let bundle: ModelBundle
    nonisolated let facts = EngineFacts(runtime: "fake", version: "1.4.1")
    private let phone: FakePhone
    private var offset: Float
    private let drift: Float
    private let plans: [Graph: ReportPlan]?
    private var holding: Graph?
    private var held: [CheckedContinuation<Void, Never>] = []
    private(set) var runs: [Graph: Int] = [:]
    private(set) var loads = 0

    /// `wrong`: what is added to each answer, and by how much that grows each time.
    init(
        _ bundle: ModelBundle, _ phone: FakePhone = FakePhone(), wrong: (Float, Float) = (0, 0),
        plans: [Graph: ReportPlan]? = nil
    ) {
        self.bundle = bundle
        self.plans = plans
        self.phone = phone
        (offset, drift) = wrong
    }

    func answerWrongly(by offset: Float) {
        self.offset = offset
    }

    /// Runs of a graph wait from now on, until `release`.
    func hold(_ graph: Graph) { holding = graph }

    func release() {
        holding = nil
        for waiting in held { waiting.resume() }
        held = []
    }

    /// Returns once a run waits.
    func untilHeld() async {
        while held.isEmpty { await Task.yield() }
    }

    func load(_ graph: Graph) async throws {
        loads += 1
        await phone.pass(30)
    }

    func unload() {}

    func plan(_ graph: Graph) -> ReportPlan? {
        guard let plans else { return nil }
        return plans[graph]
    }

    func delegates(_ graph: Graph) -> [String] { ["XnnpackBackend"] }

    func run(_ graph: Graph, _ inputs: [Tensor]) async throws -> [Tensor] {
        let artifact = try bundle.artifact(graph)
        runs[graph, default: 0] += 1
        if graph == holding { await withCheckedContinuation { held.append($0) } }
        await phone.pass(nil)
        guard inputs.map(\.shape) == artifact.inputs.map(\.shape) else {
            throw SegError.engine(what: "inputs \(inputs.map(\.shape))")
        }
        let sum = inputs.flatMap(\.values).reduce(0, +).truncatingRemainder(dividingBy: 1)
        offset += drift
        return artifact.outputs.map { spec in
            var tensor = Tensor(repeating: 0, shape: spec.shape)
            for place in tensor.values.indices { tensor.values[place] = Float(place % 5) - 2 + sum / 10 + offset }
            return tensor
        }
    }
}

/// A phone whose time, heat and power are made up.
actor FakePhone: Phone {
    private var time = 0.0
    private var calls = 0
    var heat: [Int] = []
    private(set) var rested = 0.0
    private var slower = 0.0

    func heatUp(_ statuses: [Int]) { heat = statuses }

    func slowDown(by share: Double) { slower = share }

    /// A given time, or about 20 ms with a little noise.
    func pass(_ milliseconds: Double?) {
        calls += 1
        time += milliseconds ?? (20 + Double((calls * 37) % 101) / 500) * (1 + slower * Double(calls))
    }

    func describe(_ report: inout LatencyReport) async {
        report.conditions.powerSaver = false
        report.conditions.batteryPercent = 80
    }

    func thermalStatus() -> Int? { heat.isEmpty ? 0 : heat.removeFirst() }

    func footprintMb() -> Double? { 80 }

    func now() -> Double { time }

    func clockStepMs() -> Double { 1e-4 }

    func rest(seconds: Double) {
        rested += seconds
        time += seconds * 1e3
    }
}
