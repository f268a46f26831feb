#if canImport(CoreML)
    import CoreML
    import Foundation
    import SegCore

    /// Which processors Core ML means to use: a plan by estimated cost, no measurement.
    @available(iOS 17.4, macOS 14.4, *)
    public enum CoreMLPlan {
        /// Shares of the estimated cost of a compiled model, which add up to 1; nil where Core ML tells nothing.
        public static func shares(
            ofCompiled url: URL, units: BenchRequest.ComputeUnits
        ) async throws -> [MLComputeKind: Double]? {
            let configuration = MLModelConfiguration()
            configuration.computeUnits = units.coreML
            let plan = try await MLComputePlan.load(contentsOf: url, configuration: configuration)
            guard case .program(let program) = plan.modelStructure, let main = program.functions["main"] else {
                return nil
            }
            var shares: [MLComputeKind: Double] = [:]
            for operation in main.block.operations {
                guard let device = plan.deviceUsage(for: operation)?.preferred,
                    let cost = plan.estimatedCost(of: operation)?.weight
                else { continue }
                shares[MLComputeKind(device), default: 0] += cost
            }
            let sum = shares.values.reduce(0, +)
            return sum > 0 ? shares.mapValues { $0 / sum } : nil
        }
    }

    /// A kind of processor.
    @available(iOS 17.4, macOS 14.4, *)
    public enum MLComputeKind: Sendable {
        /// Neural engine.
        case ane
        /// Graphics processor.
        case gpu
        /// Processor.
        case cpu

        init(_ device: MLComputeDevice) {
            switch device {
            case .neuralEngine: self = .ane
            case .gpu: self = .gpu
            case .cpu: self = .cpu
            @unknown default: self = .cpu
            }
        }
    }
#endif
