extension LatencyReport {
    /// A report of a run that begins: what is not known yet is null or empty, to be filled in, then judged.
    ///
    /// `bundle` has been opened, and so verified on this device.
    public init(request: BenchRequest, bundle: ModelBundle, command: [String], started: String) {
        status = .refused
        reasons = []
        warnings = []
        tool = ReportTool(name: "RMPSAMDemo", version: "", command: command)
        (self.started, finished) = (started, started)
        let manifest = bundle.manifest
        self.bundle = ReportBundle(
            name: manifest.name, manifestSha256: bundle.manifestSHA256, trained: manifest.contract.trained,
            files: Self.files(manifest))
        target = ReportTarget(emulated: false)
        runner = ReportRunner(id: "", version: "", debuggable: false, runtime: "", delegates: [])
        conditions = ReportConditions(power: nil, batteryPercent: nil, powerSaver: nil, screenOn: nil)
        self.protocol = ReportProtocol(
            rounds: request.rounds, warmup: request.warmup, runs: request.runs, minRoundS: request.minRoundS,
            cooldownS: [], clock: "ContinuousClock")
        load = ReportLoad(coldMs: [])
        graphs = []
        pipeline = ReportPipeline()
        memory = ReportMemory(method: "phys_footprint")
    }

    private static func files(_ manifest: Manifest) -> [ReportBundle.File] {
        manifest.graphs.sorted { $0.key < $1.key }.map { graph, artifact in
            ReportBundle.File(
                graph: graph, path: artifact.path, bytes: artifact.sizeBytes,
                sha256: manifest.files[artifact.path]?.sha256, verifiedOnDevice: true)
        }
    }
}
