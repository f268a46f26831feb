import Foundation
import SegCore

/// Measures a bundle as a request asks: golden check, loads, rounds with rests, the steps around the graphs, judgement.
public struct BenchRunner: Sendable {
    private let engine: any Engine
    private let request: BenchRequest
    private let phone: any Phone
    private let picture: Extent

    /// For an engine whose bundle has been opened. `picture`: size of what the steps around the graphs are timed with.
    public init(
        _ engine: any Engine, _ request: BenchRequest, _ phone: any Phone,
        picture: Extent = Extent(height: 1080, width: 1440)
    ) {
        self.engine = engine
        self.request = request
        self.phone = phone
        self.picture = picture
    }

    /// The judged report. Throws `SegError` where a graph cannot be run at all.
    public func run(command: [String]) async throws -> LatencyReport {
        let started = await phone.now()
        var report = LatencyReport(request: request, bundle: engine.bundle, command: command, started: Self.stamp())
        await phone.describe(&report)
        describeEngine(&report)
        report.memory.baselineMb = await phone.footprintMb()
        report.load.coldMs = try await loads()
        report.load.firstRunMs = try await phone.timed { try await SelfTest.answers(engine, [.encoder]) }.0
        report.runner.delegates = try await delegates()
        let first = try await SelfTest.answers(engine, graphs)
        let measured = try await rounds(&report, started)
        let last = try await SelfTest.answers(engine, graphs)
        report.graphs = try checks(measured, first, last)
        report.pipeline = try await BenchPipeline(engine, phone, runs: request.runs, extent: picture).medians(measured)
        report.plan = await plan(measured)
        report.memory.peakMb = await phone.footprintMb()
        await engine.unload()
        report.memory.retainedMb = await phone.footprintMb()
        let step = await phone.clockStepMs()
        report.protocol.clockStepNs = step * 1e6
        report.finished = Self.stamp()
        report.judge(strict: request.strict, clockStepMs: step)
        return report
    }

    private var graphs: [Graph] {
        let wanted = request.graphs ?? [.encoder, .objects, .prompts]
        return request.graphs == nil ? wanted.filter(engine.bundle.has) : wanted
    }

    private func describeEngine(_ report: inout LatencyReport) {
        report.runner.runtime = engine.facts.runtime
        report.runner.runtimeVersion = engine.facts.version
        report.runner.computeUnits = engine.facts.computeUnits
        report.runner.loadMode = engine.facts.loadMode
    }

    private func delegates() async throws -> [String] {
        var names: Set<String> = []
        for graph in graphs { names.formUnion(try await engine.delegates(graph)) }
        return names.sorted()
    }

    /// Of all graphs together, each counted by its median; nil where the engine does not tell of each.
    private func plan(_ measured: [Graph: [ReportGraph.Round]]) async -> ReportPlan? {
        var (sum, whole) = (ReportPlan(), 0.0)
        for graph in graphs {
            let samples = (measured[graph] ?? []).flatMap(\.samplesMs)
            guard let shares = try? await engine.plan(graph), !samples.isEmpty else { return nil }
            let time = Series.quantile(samples, 0.5)
            sum = ReportPlan(
                ane: sum.ane + time * shares.ane, gpu: sum.gpu + time * shares.gpu, cpu: sum.cpu + time * shares.cpu)
            whole += time
        }
        return whole > 0 ? ReportPlan(ane: sum.ane / whole, gpu: sum.gpu / whole, cpu: sum.cpu / whole) : nil
    }

    /// All graphs from files to ready, several times from anew; the files stay in the system's cache.
    private func loads() async throws -> [Double] {
        var times: [Double] = []
        for _ in 0..<request.loads {
            await engine.unload()
            let (time, _) = try await phone.timed {
                for graph in graphs { try await engine.load(graph) }
            }
            times.append(time)
        }
        return times
    }

    private func rounds(_ report: inout LatencyReport, _ started: Double) async throws -> [Graph: [ReportGraph.Round]] {
        var taken: [Graph: [ReportGraph.Round]] = [:]
        let inputs = try GoldenInputs(engine.contract)
        let features = try await engine.run(.encoder, [inputs.pixelValues])
        for _ in 0..<request.rounds {
            report.protocol.cooldownS.append(try await coolDown())
            for graph in graphs {
                let arguments = try SelfTest.arguments(graph, features, inputs, engine)
                let samples = try await round(graph, arguments)
                let status = await phone.thermalStatus()
                taken[graph, default: []].append(ReportGraph.Round(samplesMs: samples, thermalStatusMax: status))
                if let status {
                    report.conditions.thermal.append(.init(atMs: await phone.now() - started, status: status))
                }
            }
        }
        return taken
    }

    /// Waits until the phone is cool; seconds waited.
    private func coolDown() async throws -> Double {
        let start = await phone.now()
        while let status = await phone.thermalStatus(), status > 0 {
            let waited = (await phone.now() - start) / 1e3
            if waited >= request.cooldownS { break }
            try await phone.rest(seconds: min(5, request.cooldownS - waited))
        }
        return (await phone.now() - start) / 1e3
    }

    private func round(_ graph: Graph, _ arguments: [Tensor]) async throws -> [Double] {
        for _ in 0..<request.warmup { _ = try await engine.run(graph, arguments) }
        var samples: [Double] = []
        let start = await phone.now()
        while true {
            let lasted = (await phone.now() - start) / 1e3
            let isEnough = samples.count >= request.runs && lasted >= request.minRoundS
            if isEnough || lasted >= request.maxRoundS { return samples }
            samples.append(try await phone.timed { try await engine.run(graph, arguments) }.0)
        }
    }

    private func checks(
        _ measured: [Graph: [ReportGraph.Round]], _ first: Golden, _ last: Golden
    ) throws -> [ReportGraph] {
        let stored = try Golden(engine.bundle)
        return try graphs.map { graph in
            let part = { (golden: Golden) in
                Golden(values: golden.values.filter { $0.key.hasPrefix(graph.rawValue + "/") })
            }
            let check = ReportGraph.Check(
                first: try GoldenTensor.judge(stored: part(stored), now: part(first)),
                last: try GoldenTensor.judge(stored: part(stored), now: part(last)),
                repeatable: part(first) == part(last))
            return ReportGraph(graph: graph.rawValue, rounds: measured[graph] ?? [], check: check)
        }
    }

    static func stamp() -> String {
        let style = Date.ISO8601FormatStyle().year().month().day().time(includingFractionalSeconds: false)
        return Date().formatted(style.timeZone(separator: .omitted))
    }
}
