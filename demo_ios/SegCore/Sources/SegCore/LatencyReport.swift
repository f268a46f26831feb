// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// The keys are those of the schema, one for one.

/// One document for each device, bundle and setting: schema `rmpsam.latency/1`. Milliseconds, UTC; unknown is null.
public struct LatencyReport: Codable, Equatable, Sendable {
    /// What the run came to.
    public enum Status: String, Codable, Sendable {
        /// The figures can be believed.
        case ok
        /// They cannot: samples are kept, summaries are not.
        case refused
        /// The run broke off.
        case failed
    }

    /// Always `rmpsam.latency/1`.
    public var schema = "rmpsam.latency/1"
    /// What the run came to.
    public var status: Status
    /// Codes of refusals, or the sentence of a failure.
    public var reasons: [String]
    /// Codes of what a reader should know.
    public var warnings: [String]
    /// What wrote the document.
    public var tool: ReportTool
    /// UTC, ISO 8601.
    public var started: String
    /// UTC, ISO 8601.
    public var finished: String
    /// What was run.
    public var bundle: ReportBundle
    /// On what.
    public var target: ReportTarget
    /// By what.
    public var runner: ReportRunner
    /// How the phone was.
    public var conditions: ReportConditions
    /// How it was measured.
    public var `protocol`: ReportProtocol
    /// Time to load.
    public var load: ReportLoad
    /// Time of each graph.
    public var graphs: [ReportGraph]
    /// Time from tap to mask.
    public var pipeline: ReportPipeline
    /// Of the process.
    public var memory: ReportMemory
    /// Share of the estimated cost by compute unit, where the engine tells.
    @Nullable public var plan: ReportPlan?
}

/// What wrote a report.
public struct ReportTool: Codable, Equatable, Sendable {
    public var name: String
    public var version: String
    @Nullable public var git: String?
    public var command: [String]
}

/// The bundle that was run.
public struct ReportBundle: Codable, Equatable, Sendable {
    /// A graph's file with its hash, or its folder, which has none.
    public struct File: Codable, Equatable, Sendable {
        public var graph: String
        public var path: String
        public var bytes: Int
        @Nullable public var sha256: String?
        public var verifiedOnDevice: Bool
    }

    public var name: String
    public var manifestSha256: String
    public var trained: Bool
    public var files: [File]
}

/// The phone.
public struct ReportTarget: Codable, Equatable, Sendable {
    /// One core.
    public struct Core: Codable, Equatable, Sendable {
        public var id: Int
        @Nullable public var maxKhz: Int?
        @Nullable public var capacity: Int?
    }

    public var kind = "ios"
    public var link = "devicectl"
    @Nullable public var serialHash: String?
    @Nullable public var model: String?
    @Nullable public var soc: String?
    @Nullable public var os: String?
    @Nullable public var api: Int?
    @Nullable public var abi: String?
    @Nullable public var fingerprint: String?
    public var emulated: Bool
    @Nullable public var cores: [Core]?
    @Nullable public var ramMb: Double?
}

/// The app and its engine.
public struct ReportRunner: Codable, Equatable, Sendable {
    public var kind = "app"
    public var id: String
    public var version: String
    public var debuggable: Bool
    public var runtime: String
    @Nullable public var runtimeVersion: String?
    public var delegates: [String]
    @Nullable public var delegatedShare: Double?
    @Nullable public var threads: Int?
    @Nullable public var cpuMask: String?
    @Nullable public var computeUnits: String?
    @Nullable public var loadMode: String?
}

/// How the phone was while it was measured.
public struct ReportConditions: Codable, Equatable, Sendable {
    /// State of heat at one moment; this system tells no temperatures.
    public struct Thermal: Codable, Equatable, Sendable {
        public var atMs: Double
        /// 0 nominal, 1 fair, 2 serious, 3 critical.
        public var status: Int
        @Nullable public var skinC: Double?
        @Nullable public var cpuC: Double?
        @Nullable public var batteryC: Double?

        /// The state `atMs` after the start.
        public init(atMs: Double, status: Int) {
            self.atMs = atMs
            self.status = status
        }
    }

    @Nullable public var power: String?
    @Nullable public var batteryPercent: Double?
    @Nullable public var powerSaver: Bool?
    @Nullable public var screenOn: Bool?
    public var clocks = "governor"
    public var thermal: [Thermal] = []

    /// What is known at the start; heat is added as it is seen.
    public init(power: String?, batteryPercent: Double?, powerSaver: Bool?, screenOn: Bool?) {
        self.power = power
        self.batteryPercent = batteryPercent
        self.powerSaver = powerSaver
        self.screenOn = screenOn
    }
}

/// How it was measured.
public struct ReportProtocol: Codable, Equatable, Sendable {
    public var rounds: Int
    public var warmup: Int
    public var runs: Int
    public var minRoundS: Double
    public var cooldownS: [Double]
    public var clock: String
    @Nullable public var clockStepNs: Double?
    public var input = "golden:0"
}

/// Time to load.
public struct ReportLoad: Codable, Equatable, Sendable {
    public var coldMs: [Double]
    @Nullable public var firstRunMs: Double?
    @Nullable public var compiledCache: String?
}

/// Time of one graph.
public struct ReportGraph: Codable, Equatable, Sendable {
    /// Samples in the order in which they were measured.
    public struct Round: Codable, Equatable, Sendable {
        public var samplesMs: [Double]
        @Nullable public var thermalStatusMax: Int?

        /// Samples and the hottest state during them.
        public init(samplesMs: [Double], thermalStatusMax: Int?) {
            self.samplesMs = samplesMs
            self.thermalStatusMax = thermalStatusMax
        }
    }

    /// Whether the answers were right, and the same each time.
    public struct Check: Codable, Equatable, Sendable {
        /// Largest error, relative to the largest stored value.
        @Nullable public var goldenMaxAbs: Double?
        /// Of that error; null where signs are what counts.
        @Nullable public var tolerance: Double?
        /// The lowest of the masks.
        @Nullable public var signAgreement: Double?
        public var passes: Bool
        public var repeatable: Bool

        /// One graph's outputs before and after all rounds, as `GoldenTensor.judge` compared them.
        public init(first: [GoldenTensor], last: [GoldenTensor], repeatable: Bool) {
            let all = first + last
            let error = all.map(\.relativeError).max()
            goldenMaxAbs = error.flatMap { $0.isFinite ? $0 : nil }
            tolerance = all.contains(where: \.isEncoder) ? GoldenTensor.encoderError : nil
            signAgreement = all.filter(\.isMask).map(\.signAgreement).min()
            passes = !all.isEmpty && all.allSatisfy(\.passes)
            self.repeatable = repeatable
        }
    }

    public var graph: String
    public var rounds: [Round]
    @Nullable public var summary: LatencySummary?
    public var check: Check

    /// A graph without a summary, which `LatencyReport.judge` makes.
    public init(graph: String, rounds: [Round], check: Check) {
        self.graph = graph
        self.rounds = rounds
        self.check = check
    }
}

/// Medians of the steps around the graphs.
public struct ReportPipeline: Codable, Equatable, Sendable {
    @Nullable public var preprocessMsP50: Double?
    @Nullable public var encoderMsP50: Double?
    @Nullable public var promptMsP50: Double?
    @Nullable public var postprocessMsP50: Double?
    @Nullable public var tapToMaskMsP50: Double?

    /// Nothing is known yet, or nothing can be believed.
    public init() {}
}

/// Of the process, in MiB.
public struct ReportMemory: Codable, Equatable, Sendable {
    @Nullable public var baselineMb: Double?
    @Nullable public var peakMb: Double?
    @Nullable public var retainedMb: Double?
    public var method: String
}

/// Share of the estimated cost by compute unit, 0 to 1.
public struct ReportPlan: Codable, Equatable, Sendable {
    public var ane: Double
    public var gpu: Double
    public var cpu: Double

    /// Shares that add up to 1.
    public init(ane: Double = 0, gpu: Double = 0, cpu: Double = 0) {
        self.ane = ane
        self.gpu = gpu
        self.cpu = cpu
    }
}
