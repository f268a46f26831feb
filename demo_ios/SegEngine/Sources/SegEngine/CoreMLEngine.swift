#if canImport(CoreML)
    import CoreML
    import Dispatch
    import Foundation
    import SegCore

    /// Runs `.mlpackage` folders with Core ML. Compiled models are kept, since the first load takes up to minutes.
    public actor CoreMLEngine: Engine {
        /// What it runs, verified.
        public nonisolated let bundle: ModelBundle
        /// What it says of itself in reports.
        public nonisolated let facts: EngineFacts
        private let units: BenchRequest.ComputeUnits
        private let cache: URL
        private let queue = DispatchSerialQueue(label: "engine.coreml")
        private var models: [Graph: MLModel] = [:]
        private var compiling: [Graph: Task<URL, any Error>] = [:]

        /// Runs on its own queue, so that a long run does not hold up others.
        public nonisolated var unownedExecutor: UnownedSerialExecutor { queue.asUnownedSerialExecutor() }

        /// For a bundle that has been opened. `cache`: a folder that stays, with room for compiled models.
        public init(_ bundle: ModelBundle, units: BenchRequest.ComputeUnits, cache: URL) {
            self.bundle = bundle
            self.units = units
            self.cache = cache.appendingPathComponent(bundle.manifestSHA256, isDirectory: true)
            let version = ProcessInfo.processInfo.operatingSystemVersion
            facts = EngineFacts(
                runtime: "coreml", version: "\(version.majorVersion).\(version.minorVersion).\(version.patchVersion)",
                computeUnits: units.rawValue)
        }

        /// Loads one graph, if it is not there yet.
        public func load(_ graph: Graph) async throws {
            if models[graph] != nil { return }
            try open(graph, try await compiled(graph))
        }

        /// Frees all files.
        public func unload() {
            models = [:]
        }

        /// Names of the delegates that a graph uses.
        public func delegates(_ graph: Graph) -> [String] { ["CoreML"] }

        /// What the phone's own Core ML plans; nil before iOS 17.4.
        public func plan(_ graph: Graph) async throws -> ReportPlan? {
            guard #available(iOS 17.4, macOS 14.4, *) else { return nil }
            return try await CoreMLPlan.shares(ofCompiled: compiled(graph), units: units)
        }

        /// Runs one graph: inputs and outputs in the manifest's order.
        public func run(_ graph: Graph, _ inputs: [Tensor]) async throws -> [Tensor] {
            try await load(graph)
            return try predict(graph, inputs)
        }

        /// Where the compiled model of a graph lies, compiling it if need be.
        public func compiled(_ graph: Graph) async throws -> URL {
            let target = cache.appendingPathComponent(graph.rawValue + ".mlmodelc", isDirectory: true)
            if FileManager.default.fileExists(atPath: target.path) { return target }
            if let running = compiling[graph] { return try await running.value }
            let (source, folder) = (try bundle.url(graph), cache)
            let task = Task { try await Self.compile(source, into: folder, as: target) }
            compiling[graph] = task
            defer { compiling[graph] = nil }
            return try await task.value
        }

        private static func compile(_ source: URL, into folder: URL, as target: URL) async throws -> URL {
            let temporary = try await MLModel.compileModel(at: source)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try FileManager.default.moveItem(at: temporary, to: target)
            var (kept, values) = (folder, URLResourceValues())
            values.isExcludedFromBackup = true
            try kept.setResourceValues(values)
            return target
        }

        private func open(_ graph: Graph, _ url: URL) throws {
            let configuration = MLModelConfiguration()
            configuration.computeUnits = units.coreML
            do {
                models[graph] = try MLModel(contentsOf: url, configuration: configuration)
            } catch {
                throw SegError.engine(what: "\(graph.rawValue): \(error)")
            }
        }

        private func predict(_ graph: Graph, _ inputs: [Tensor]) throws -> [Tensor] {
            let artifact = try bundle.artifact(graph)
            guard let model = models[graph], inputs.count == artifact.inputs.count else {
                throw SegError.engine(what: "\(graph.rawValue): \(inputs.count) inputs")
            }
            do {
                let features = zip(artifact.inputs, inputs).map { spec, input in
                    (spec.name, MLShapedArray<Float>(scalars: input.values, shape: input.shape))
                }
                let given = try MLDictionaryFeatureProvider(
                    dictionary: Dictionary(uniqueKeysWithValues: features.map { ($0, MLMultiArray($1)) }))
                let answer = try model.prediction(from: given)
                return try artifact.outputs.map { try tensor(answer, $0) }
            } catch let error as SegError {
                throw error
            } catch {
                throw SegError.engine(what: "\(graph.rawValue): \(error)")
            }
        }

        private func tensor(_ answer: any MLFeatureProvider, _ spec: TensorSpec) throws -> Tensor {
            guard let array = answer.featureValue(for: spec.name)?.multiArrayValue else {
                throw SegError.engine(what: "no output \(spec.name)")
            }
            let shaped = MLShapedArray<Float>(converting: array)
            return try Tensor(shape: shaped.shape, values: shaped.scalars)
        }
    }

    extension BenchRequest.ComputeUnits {
        /// Core ML's own name.
        var coreML: MLComputeUnits {
            switch self {
            case .all: .all
            case .cpuOnly: .cpuOnly
            case .cpuAndGPU: .cpuAndGPU
            case .cpuAndNeuralEngine: .cpuAndNeuralEngine
            }
        }
    }
#endif
