#if canImport(ExecuTorch)
    import Dispatch
    import ExecuTorch
    import Foundation
    import SegCore

    /// Runs `.pte` files with ExecuTorch. `Module` belongs to one thread at a time, so the actor has a queue of its
    /// own.
    public actor ExecuTorchEngine: Engine {
        /// The release that the package names; the runtime does not tell its version.
        public static let version = "1.4.1"

        /// What it runs, verified.
        public nonisolated let bundle: ModelBundle
        /// What it says of itself in reports.
        public nonisolated let facts = EngineFacts(
            runtime: "executorch", version: ExecuTorchEngine.version, loadMode: "mmap")
        private let queue = DispatchSerialQueue(label: "engine.executorch")
        private var modules: [Graph: Module] = [:]

        /// Runs on its own queue, so that a long run does not hold up others.
        public nonisolated var unownedExecutor: UnownedSerialExecutor { queue.asUnownedSerialExecutor() }

        /// For a bundle that has been opened.
        public init(_ bundle: ModelBundle) {
            self.bundle = bundle
        }

        /// Loads one graph, if it is not there yet.
        public func load(_ graph: Graph) throws {
            _ = try module(graph)
        }

        /// Frees all files.
        public func unload() {
            modules = [:]
        }

        /// Names of the delegates that a graph uses.
        public func delegates(_ graph: Graph) throws -> [String] {
            let module = try module(graph)
            return try named(graph) { try module.methodMetadata("forward").backendNames.sorted() }
        }

        /// Runs one graph: inputs and outputs in the manifest's order.
        public func run(_ graph: Graph, _ inputs: [SegCore.Tensor]) throws -> [SegCore.Tensor] {
            let module = try module(graph)
            // `data:` owns its bytes; a tensor made of an array would point into it after the access has ended.
            let given = inputs.map { input in
                ExecuTorch.Tensor<Float>(data: input.values.withUnsafeBytes { Data($0) }, shape: input.shape)
            }
            let outputs: [ExecuTorch.Tensor<Float>] = try named(graph) { try module.forward(given) }
            return try outputs.map { try SegCore.Tensor(shape: $0.shape, values: $0.scalars()) }
        }

        private func module(_ graph: Graph) throws -> Module {
            if let loaded = modules[graph] { return loaded }
            let module = Module(filePath: try bundle.url(graph).path, loadMode: .mmap)
            try named(graph) { try module.load("forward") }
            modules[graph] = module
            return module
        }

        private func named<Value>(_ graph: Graph, _ action: () throws -> Value) throws -> Value {
            do {
                return try action()
            } catch {
                throw SegError.engine(what: "\(graph.rawValue): \(error)")
            }
        }
    }
#endif
