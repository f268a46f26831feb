import Foundation
import SegCore

/// Does this device answer as the files did where the bundle was made? Once for each bundle, device and system version.
public struct SelfTest: Codable, Equatable, Sendable {
    /// One output.
    public struct Line: Codable, Equatable, Sendable {
        /// `graph/name`.
        public let key: String
        /// Relative to the largest stored value; nil where it is no number.
        public let relativeError: Double?
        /// Share of equal signs.
        public let signAgreement: Double
        /// Whether it is good enough.
        public let passes: Bool
    }

    /// Sorted by name.
    public let lines: [Line]

    /// Whether all outputs are good enough.
    public var passes: Bool { !lines.isEmpty && lines.allSatisfy(\.passes) }

    init(_ tensors: [GoldenTensor]) {
        lines = tensors.map {
            Line(
                key: $0.key, relativeError: $0.relativeError.isFinite ? $0.relativeError : nil,
                signAgreement: $0.signAgreement, passes: $0.passes)
        }
    }

    /// Runs the golden input through all graphs of the bundle. Throws `SegError`.
    public static func run(_ engine: any Engine) async throws -> SelfTest {
        let stored = try Golden(engine.bundle)
        let graphs = Graph.allCases.filter(engine.bundle.has)
        let now = try await answers(engine, graphs)
        return SelfTest(try GoldenTensor.judge(stored: stored, now: now))
    }

    /// The result of an earlier run on the same bundle, device and system; runs and keeps it otherwise.
    public static func once(_ engine: any Engine, device: String, folder: URL) async throws -> SelfTest {
        let name = SHA256Digest.hex(of: Data((engine.bundle.manifestSHA256 + device).utf8)) + ".json"
        let file = folder.appendingPathComponent(name)
        if let data = try? Data(contentsOf: file), let kept = try? JSONDecoder().decode(SelfTest.self, from: data) {
            return kept
        }
        let result = try await run(engine)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try JSONEncoder().encode(result).write(to: file, options: .atomic)
        return result
    }

    /// Thinned outputs of the golden input, by `graph/name`; features go from graph to graph, as in the app.
    static func answers(_ engine: any Engine, _ graphs: [Graph]) async throws -> Golden {
        let inputs = try GoldenInputs(engine.contract)
        let features = try await engine.run(.encoder, [inputs.pixelValues])
        var values: [String: [Float]] = [:]
        for graph in graphs {
            let outputs =
                graph == .encoder ? features : try await engine.run(graph, arguments(graph, features, inputs, engine))
            for (spec, output) in zip(try engine.bundle.artifact(graph).outputs, outputs) {
                values["\(graph.rawValue)/\(spec.name)"] = Golden.thin(output.values)
            }
        }
        return Golden(values: values)
    }

    /// The golden arguments of a graph behind the encoder.
    static func arguments(
        _ graph: Graph, _ features: [Tensor], _ inputs: GoldenInputs, _ engine: any Engine
    ) throws -> [Tensor] {
        guard let tensor = features.first else { throw SegError.engine(what: "the encoder gave nothing") }
        switch graph {
        case .encoder: return [inputs.pixelValues]
        case .objects: return [tensor]
        case .prompts: return [tensor] + inputs.prompts.tensors
        case .clip: return [try stacked(tensor, frames: engine.contract.sizes.clipFrames)]
        }
    }

    /// Frames under one another: `[1, C, h, w]` to `[1, C, frames * h, w]`.
    private static func stacked(_ tensor: Tensor, frames: Int) throws -> Tensor {
        guard tensor.shape.count == 4 else { throw SegError.wrongShape(what: "features \(tensor.shape)") }
        let plane = tensor.shape[2] * tensor.shape[3]
        var values: [Float] = []
        for channel in 0..<tensor.shape[1] {
            for _ in 0..<frames { values += tensor.values[channel * plane..<(channel + 1) * plane] }
        }
        let shape = [1, tensor.shape[1], tensor.shape[2] * frames, tensor.shape[3]]
        return try Tensor(shape: shape, values: values)
    }
}
