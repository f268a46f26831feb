// Signatures of Core ML that the app calls, iOS 17. Nothing runs.
import Foundation
@_exported import QueueStub

public enum MLComputeUnits: Int, Sendable { case cpuOnly, cpuAndGPU, all, cpuAndNeuralEngine }

public class MLModelConfiguration {
    public init() {}
    public var computeUnits: MLComputeUnits = .all
}

public protocol MLFeatureProvider {
    func featureValue(for featureName: String) -> MLFeatureValue?
}

public class MLFeatureValue {
    public var multiArrayValue: MLMultiArray? { fatalError() }
}

public class MLDictionaryFeatureProvider: MLFeatureProvider {
    public init(dictionary: [String: Any]) throws { fatalError() }
    public func featureValue(for featureName: String) -> MLFeatureValue? { fatalError() }
}

public class MLMultiArray {
    public init(_ shapedArray: MLShapedArray<Float>) { fatalError() }
}

public struct MLShapedArray<Scalar> {
    public init(scalars: some Sequence<Scalar>, shape: [Int]) { fatalError() }
    public init(converting multiArray: MLMultiArray) { fatalError() }
    public var scalars: [Scalar] { fatalError() }
    public var shape: [Int] { fatalError() }
}

public class MLModel {
    public init(contentsOf url: URL, configuration: MLModelConfiguration) throws { fatalError() }
    public static func compileModel(at url: URL) async throws -> URL { fatalError() }
    public func prediction(from input: any MLFeatureProvider) throws -> any MLFeatureProvider { fatalError() }
    public func prediction(from input: any MLFeatureProvider) async throws -> any MLFeatureProvider { fatalError() }
}

public enum MLComputeDevice {
    case cpu(Int)
    case gpu(Int)
    case neuralEngine(Int)
}

public class MLModelStructure {
    public enum Kind { case program(Program), other }
    public struct Program { public let functions: [String: Function] }
    public struct Function { public let block: Block }
    public struct Block { public let operations: [Operation] }
    public struct Operation {}
}

public class MLComputePlan {
    public static func load(
        contentsOf url: URL, configuration: MLModelConfiguration
    ) async throws -> MLComputePlan { fatalError() }
    public var modelStructure: MLModelStructure.Kind { fatalError() }
    public func deviceUsage(for operation: MLModelStructure.Operation) -> Usage? { fatalError() }
    public func estimatedCost(of operation: MLModelStructure.Operation) -> Cost? { fatalError() }
    public struct Usage { public let preferred: MLComputeDevice }
    public struct Cost { public let weight: Double }
}
