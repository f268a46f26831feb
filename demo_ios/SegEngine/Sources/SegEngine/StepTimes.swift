import SegCore

/// Milliseconds of the last hundred runs of each step, for a person to look at; `bench` is what counts.
public struct StepTimes: Equatable, Sendable {
    /// The steps from picture to mask.
    public enum Step: String, CaseIterable, Sendable {
        /// Picture to features, resizing and normalising among it.
        case encode
        /// Prompt to masks in the picture's frame.
        case prompt
        /// Features to a panoptic map.
        case objects
        /// Masks to what is drawn.
        case paint
    }

    /// Figures of one step.
    public struct Line: Equatable, Sendable {
        /// Which step.
        public let step: Step
        /// The latest.
        public let last: Double
        /// Median.
        public let p50: Double
        /// Nine in ten are faster.
        public let p90: Double
    }

    private var samples: [Step: [Double]] = [:]

    /// No runs yet.
    public init() {}

    /// Steps that have run, in their order.
    public var lines: [Line] {
        Step.allCases.compactMap { step in
            guard let taken = samples[step], let last = taken.last else { return nil }
            return Line(step: step, last: last, p50: Series.quantile(taken, 0.5), p90: Series.quantile(taken, 0.9))
        }
    }

    mutating func add(_ step: Step, _ milliseconds: Double) {
        samples[step, default: []].append(milliseconds)
        if let count = samples[step]?.count, count > 100 { samples[step]?.removeFirst() }
    }
}
