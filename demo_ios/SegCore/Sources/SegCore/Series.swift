/// Whether a series of latencies can be believed: the same codes and limits as in the Python tool.
///
/// A round is a list of milliseconds in the order in which they were measured.
public enum Series {
    static let fewestSamples = 20
    static let clockSteps = 50.0
    static let roundRatio = 1.10
    static let drift = 0.90...1.10
    static let spread = 0.20
    static let longTail = 3.0
    static let fewestForP99 = 100

    /// Linear interpolation between order statistics at index (n - 1) * share. NaN for no values.
    public static func quantile(_ values: [Double], _ share: Double) -> Double {
        guard !values.isEmpty else { return .nan }
        let ordered = values.sorted()
        let position = Double(ordered.count - 1) * share
        let below = Int(position.rounded(.down))
        let above = min(below + 1, ordered.count - 1)
        return ordered[below] + (ordered[above] - ordered[below]) * (position - Double(below))
    }

    /// Codes of what makes the rounds unfit for a figure, in a fixed order; none for a steady series.
    public static func refusals(_ rounds: [[Double]], clockStepMs: Double) -> [String] {
        let samples = rounds.flatMap { $0 }
        if samples.contains(where: { !$0.isFinite || $0 <= 0 }) { return ["nonpositive-sample"] }
        guard let shortest = rounds.map(\.count).min(), shortest >= fewestSamples else { return ["too-few-samples"] }
        let medians = rounds.map { quantile($0, 0.5) }
        let drifts = rounds.map(driftRatio)
        let found = [
            ("below-timer-resolution", quantile(samples, 0.5) < clockSteps * clockStepMs),
            ("samples-repeat", Double(Set(samples).count) <= max(2, Double(samples.count) / 20)),
            ("rounds-disagree", largest(medians) / smallest(medians) > roundRatio),
            ("slows-down", largest(drifts) > drift.upperBound),
            ("still-warming-up", smallest(drifts) < drift.lowerBound),
        ]
        return found.filter(\.1).map(\.0)
    }

    /// Codes of what a reader should know of rounds that were not refused.
    public static func warnings(_ rounds: [[Double]]) -> [String] {
        let samples = rounds.flatMap { $0 }
        let middle = quantile(samples, 0.5)
        let found = [
            ("spread", (quantile(samples, 0.75) - quantile(samples, 0.25)) / middle > spread),
            ("long-tail", samples.count >= fewestForP99 && quantile(samples, 0.99) / middle > longTail),
        ]
        return found.filter(\.1).map(\.0)
    }

    private static func driftRatio(_ taken: [Double]) -> Double {
        let quarter = taken.count / 4
        return quantile(Array(taken.suffix(quarter)), 0.5) / quantile(Array(taken.prefix(quarter)), 0.5)
    }

    private static func largest(_ values: [Double]) -> Double { values.max() ?? .nan }

    private static func smallest(_ values: [Double]) -> Double { values.min() ?? .nan }
}
