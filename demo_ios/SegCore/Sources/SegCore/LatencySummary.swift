/// Milliseconds of `n` runs.
public struct LatencySummary: Codable, Equatable, Sendable {
    /// Runs.
    public var n: Int
    /// Fastest.
    public var min: Double
    /// Median.
    public var p50: Double
    /// Arithmetic.
    public var mean: Double
    /// Nine in ten are faster.
    public var p90: Double
    /// Nineteen in twenty are faster.
    public var p95: Double
    /// Only from 100 runs on.
    @Nullable public var p99: Double?
    /// Slowest.
    public var max: Double
    /// Of the sample, with n - 1.
    public var stdev: Double

    /// Of all rounds together; nil for no samples.
    public init?(_ rounds: [[Double]]) {
        let samples = rounds.flatMap { $0 }
        guard let least = samples.min(), let most = samples.max() else { return nil }
        let middle = samples.reduce(0, +) / Double(samples.count)
        let squares = samples.reduce(0) { $0 + ($1 - middle) * ($1 - middle) }
        n = samples.count
        (min, max, mean) = (least, most, middle)
        p50 = Series.quantile(samples, 0.5)
        p90 = Series.quantile(samples, 0.9)
        p95 = Series.quantile(samples, 0.95)
        p99 = samples.count >= Series.fewestForP99 ? Series.quantile(samples, 0.99) : nil
        stdev = samples.count > 1 ? (squares / Double(samples.count - 1)).squareRoot() : 0
    }
}

extension LatencyReport {
    /// Judges the run: sets status, reasons, warnings and summaries from samples and conditions.
    ///
    /// `strict` also refuses what otherwise only warns: no thermal data, a debug build.
    public mutating func judge(strict: Bool, clockStepMs: Double) {
        guard status != .failed else { return }
        var found = conditionRefusals(strict: strict)
        var notes = conditionWarnings(strict: strict)
        for graph in graphs {
            let rounds = graph.rounds.map(\.samplesMs)
            let refused = Series.refusals(rounds, clockStepMs: clockStepMs)
            found += refused
            let isTimed = Set(refused).isDisjoint(with: ["nonpositive-sample", "too-few-samples"])
            if isTimed { notes += Series.warnings(rounds) }
        }
        reasons = Self.once(found)
        warnings = Self.once(notes)
        status = reasons.isEmpty ? .ok : .refused
        for index in graphs.indices {
            graphs[index].summary = status == .ok ? LatencySummary(graphs[index].rounds.map(\.samplesMs)) : nil
        }
        if status != .ok { pipeline = ReportPipeline() }
    }

    private func conditionRefusals(strict: Bool) -> [String] {
        let isWrong = graphs.contains { !$0.check.passes || !$0.check.repeatable }
        let hottest = conditions.thermal.map(\.status).max()
        let level = conditions.batteryPercent
        let found = [
            ("output-mismatch", isWrong),
            ("wrong-file", !bundle.files.allSatisfy(\.verifiedOnDevice)),
            ("throttled", (hottest ?? 0) >= 1),
            ("no-thermal-data", strict && hottest == nil),
            ("emulator", target.emulated),
            ("debuggable", strict && runner.debuggable),
            ("power-saver", conditions.powerSaver == true),
            ("screen-off", conditions.screenOn == false),
            ("low-battery", level.map { $0 < 20 } ?? false),
        ]
        return found.filter(\.1).map(\.0)
    }

    private func conditionWarnings(strict: Bool) -> [String] {
        let found = [
            ("debuggable", !strict && runner.debuggable),
            ("no-thermal-data", !strict && conditions.thermal.isEmpty),
            ("charging", (conditions.power ?? "battery") != "battery"),
            ("clocks-free", conditions.clocks == "governor"),
        ]
        return found.filter(\.1).map(\.0)
    }

    private static func once(_ codes: [String]) -> [String] {
        var seen: Set<String> = []
        return codes.filter { seen.insert($0).inserted }
    }
}
