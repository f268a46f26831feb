import SegCore

/// What an engine says of itself in reports.
public struct EngineFacts: Equatable, Sendable {
    /// `executorch` or `coreml`.
    public let runtime: String
    /// Nil where it does not tell.
    public let version: String?
    /// Processors that Core ML may use.
    public let computeUnits: String?
    /// How files are read.
    public let loadMode: String?

    /// Facts of one engine.
    public init(runtime: String, version: String?, computeUnits: String? = nil, loadMode: String? = nil) {
        self.runtime = runtime
        self.version = version
        self.computeUnits = computeUnits
        self.loadMode = loadMode
    }
}

/// What the encoder makes of a picture, once; any number of prompts can follow.
public struct Features: Sendable {
    /// The encoder's output, handed on as it is.
    public let tensor: Tensor
    /// How the picture lies in the model input.
    public let fit: Fit

    /// Features of a picture that went in with `fit`.
    public init(tensor: Tensor, fit: Fit) {
        self.tensor = tensor
        self.fit = fit
    }
}

/// The answer to one prompt.
public struct MaskAnswer: Sendable {
    /// In the picture's frame.
    public let mask: Mask
    /// The model's guess of its overlap with the truth, not bounded to 0...1.
    public let predictedIoU: Float
}

/// Runs the graphs of one bundle. Files are loaded when first needed; calls wait for one another.
public protocol Engine: Sendable {
    /// What it runs, verified.
    nonisolated var bundle: ModelBundle { get }
    /// What it says of itself.
    nonisolated var facts: EngineFacts { get }
    /// Loads one graph's file, if it is not there yet. Throws `SegError`.
    func load(_ graph: Graph) async throws
    /// Frees all files.
    func unload() async
    /// Names of the delegates that a loaded graph uses.
    func delegates(_ graph: Graph) async throws -> [String]
    /// Where a graph's work is meant to be done, by estimated cost; nil where the engine does not tell.
    func plan(_ graph: Graph) async throws -> ReportPlan?
    /// Runs one graph: inputs and outputs in the manifest's order. Throws `SegError`.
    func run(_ graph: Graph, _ inputs: [Tensor]) async throws -> [Tensor]
}

extension Engine {
    /// What the model expects and knows.
    public nonisolated var contract: ModelContract { bundle.manifest.contract }

    /// Most engines do not tell.
    public func plan(_ graph: Graph) async throws -> ReportPlan? { nil }

    /// Runs the encoder on a picture.
    public func encode(_ picture: Picture) async throws -> Features {
        let fit = try Fit(picture.extent, into: contract.sizes.size)
        let pixels = try picture.pixelValues(fit, mean: contract.mean, std: contract.std)
        return Features(tensor: try await first(run(.encoder, [pixels])), fit: fit)
    }

    /// One mask for each prompt, any number: as many slots at a time as the graph has.
    ///
    /// Throws `SegError` for a prompt that cannot be, before anything runs.
    public func segment(_ features: Features, _ prompts: [Prompt]) async throws -> [MaskAnswer] {
        let checked = try prompts.map { try $0.checked(contract, picture: features.fit.picture) }
        let decoder = MaskDecoder(features.fit)
        let slots = contract.sizes.numSlots
        var answers: [MaskAnswer] = []
        for start in stride(from: 0, to: checked.count, by: slots) {
            let chunk = Array(checked[start..<min(start + slots, checked.count)])
            let inputs = try PromptInputs(chunk, fit: features.fit, contract: contract)
            let outputs = try await run(.prompts, [features.tensor] + inputs.tensors)
            guard outputs.count == 2, outputs[1].values.count >= chunk.count else {
                throw SegError.engine(what: "the prompt graph gave \(outputs.map(\.shape))")
            }
            for slot in chunk.indices {
                let logits = try outputs[0].part(slot)
                let mask = try decoder.mask(logits.values, above: contract.thresholds.mask)
                answers.append(MaskAnswer(mask: mask, predictedIoU: outputs[1].values[slot]))
            }
        }
        return answers
    }

    /// Every pixel of the picture named. Throws `SegError.noGraph` where the bundle lacks the object graph.
    public func objects(_ features: Features) async throws -> PanopticMap {
        let outputs = try await run(.objects, [features.tensor])
        guard outputs.count >= 2, outputs[0].shape.count == 3 else {
            throw SegError.engine(what: "the object graph gave \(outputs.map(\.shape))")
        }
        let decoder = MaskDecoder(features.fit)
        let classes = try Tensor(shape: Array(outputs[0].shape.dropFirst()), values: outputs[0].values)
        return try PanopticMerge(contract).merge(classLogits: classes, extent: decoder.extent) { query in
            try decoder.logits(outputs[1].part(query).values)
        }
    }

    private func first(_ outputs: [Tensor]) throws -> Tensor {
        guard let output = outputs.first else { throw SegError.engine(what: "the graph gave nothing") }
        return output
    }
}
