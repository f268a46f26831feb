import SegCore

/// Times the steps around the graphs, from a picture of a phone's size to one mask.
struct BenchPipeline {
    private let engine: any Engine
    private let phone: any Phone
    private let runs: Int
    private let extent: Extent

    /// `extent`: of the picture that the steps start from.
    init(_ engine: any Engine, _ phone: any Phone, runs: Int, extent: Extent) {
        self.engine = engine
        self.phone = phone
        self.runs = min(runs, 20)
        self.extent = extent
    }

    /// Medians of all steps; of the graphs those that the rounds gave.
    func medians(_ measured: [Graph: [ReportGraph.Round]]) async throws -> ReportPipeline {
        let picture = try GoldenInputs.picture(extent)
        let contract = engine.contract
        let fit = try Fit(picture.extent, into: contract.sizes.size)
        let decoder = MaskDecoder(fit)
        let logits = (0..<contract.sizes.grid.count).map { Float($0 % 7) - 3 }
        var pipeline = ReportPipeline()
        pipeline.preprocessMsP50 = try await median {
            try picture.pixelValues(fit, mean: contract.mean, std: contract.std).values.count
        }
        pipeline.postprocessMsP50 = try await median { try decoder.mask(logits).area }
        pipeline.encoderMsP50 = middle(measured[.encoder])
        pipeline.promptMsP50 = middle(measured[.prompts])
        if let prompt = pipeline.promptMsP50, let after = pipeline.postprocessMsP50 {
            pipeline.tapToMaskMsP50 = prompt + after
        }
        return pipeline
    }

    private func median(_ action: () throws -> Int) async throws -> Double {
        var times: [Double] = []
        for _ in 0..<runs { times.append(try await phone.timed(action).0) }
        return Series.quantile(times, 0.5)
    }

    private func middle(_ rounds: [ReportGraph.Round]?) -> Double? {
        let samples = (rounds ?? []).flatMap(\.samplesMs)
        return samples.isEmpty ? nil : Series.quantile(samples, 0.5)
    }
}
