import Foundation

/// What a computer asks the app to measure: the file behind `--bench`, schema `rmpsam.bench-request/1`.
public struct BenchRequest: Codable, Equatable, Sendable {
    /// The schema that this code reads.
    public static let schema = "rmpsam.bench-request/1"

    /// Which processors Core ML may use; ExecuTorch does not read it.
    public enum ComputeUnits: String, Codable, Sendable, CaseIterable {
        /// Whatever Core ML chooses.
        case all
        /// Processor only.
        case cpuOnly
        /// No neural engine.
        case cpuAndGPU
        /// No graphics processor.
        case cpuAndNeuralEngine
    }

    /// `rmpsam.bench-request/1`.
    public let schema: String
    /// The bundle's folder, relative to Documents.
    public let bundle: String
    /// Which graphs; null for all of the bundle but `clip`.
    @Nullable public var graphs: [Graph]?
    /// Rounds, with a rest between.
    public let rounds: Int
    /// Runs before each round that are not counted.
    public let warmup: Int
    /// Timed runs a round.
    public let runs: Int
    /// A round goes on until it has lasted so long.
    public let minRoundS: Double
    /// And ends here, however few runs it has.
    public let maxRoundS: Double
    /// The longest rest before a round; it ends earlier once the phone is cool.
    public let cooldownS: Double
    /// How often the encoder is loaded anew.
    public let loads: Int
    /// For Core ML.
    public let computeUnits: ComputeUnits
    /// Refuse what otherwise only warns.
    public let strict: Bool

    /// Reads a request. Throws `SegError.damaged` with the number that is out of range, `.outsideBundle` for a path
    /// that leaves Documents.
    public static func read(_ data: Data, file: String) throws -> BenchRequest {
        let request = try StrictJSON.read(BenchRequest.self, from: data, file: file, keys: .snake)
        guard request.schema == schema else {
            throw SegError.damaged(file: file, what: "schema \(request.schema); wanted \(schema)")
        }
        try Manifest.checkPath(request.bundle)
        let ranges: [(String, Double, ClosedRange<Double>)] = [
            ("rounds", Double(request.rounds), 1...20), ("warmup", Double(request.warmup), 0...1000),
            ("runs", Double(request.runs), 1...10_000), ("min_round_s", request.minRoundS, 0...600),
            ("max_round_s", request.maxRoundS, 0.001...600), ("cooldown_s", request.cooldownS, 0...3600),
            ("loads", Double(request.loads), 1...20),
        ]
        for (name, value, range) in ranges where !range.contains(value) {
            let limits = "\(range.lowerBound) to \(range.upperBound)"
            throw SegError.damaged(file: file, what: "\(name) is \(value); wanted \(limits)")
        }
        return request
    }
}
