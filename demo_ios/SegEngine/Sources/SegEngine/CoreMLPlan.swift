#if canImport(CoreML)
    import CoreML
    import Foundation
    import SegCore

    /// Which processors Core ML means to use: a plan by estimated cost, no measurement.
    @available(iOS 17.4, macOS 14.4, *)
    enum CoreMLPlan {
        /// Shares of the estimated cost of a compiled model; nil where Core ML tells nothing.
        static func shares(
            ofCompiled url: URL, units: BenchRequest.ComputeUnits
        ) async throws -> ReportPlan? {
            let configuration = MLModelConfiguration()
            configuration.computeUnits = units.coreML
            let plan = try await MLComputePlan.load(contentsOf: url, configuration: configuration)
            guard case .program(let program) = plan.modelStructure, let main = program.functions["main"] else {
                return nil
            }
            var costs = ReportPlan()
            for operation in main.block.operations {
                guard let device = plan.deviceUsage(for: operation)?.preferred,
                    let cost = plan.estimatedCost(of: operation)?.weight
                else { continue }
                costs[keyPath: share(of: device)] += cost
            }
            let sum = costs.ane + costs.gpu + costs.cpu
            return sum > 0 ? ReportPlan(ane: costs.ane / sum, gpu: costs.gpu / sum, cpu: costs.cpu / sum) : nil
        }

        private static func share(of device: MLComputeDevice) -> WritableKeyPath<ReportPlan, Double> {
            switch device {
            case .neuralEngine: \.ane
            case .gpu: \.gpu
            case .cpu: \.cpu
            @unknown default: \.cpu
            }
        }
    }
#endif
