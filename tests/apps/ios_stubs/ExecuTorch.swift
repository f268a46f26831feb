// Signatures of ExecuTorch's Swift API that the app calls, release 1.4.1. Nothing runs.
@_exported import QueueStub
import Foundation

public protocol Scalar {}
extension Float: Scalar {}

public protocol ValueConvertible {}

public protocol ValueSequenceConstructible {}
extension Array: ValueSequenceConstructible where Element: ValueConvertible {}

public final class Tensor<T: Scalar>: ValueConvertible {
    public init(data: Data, shape: [Int]) { fatalError() }
    public var shape: [Int] { fatalError() }
    public func scalars() -> [T] { fatalError() }
}

public enum ModuleLoadMode { case file, mmap, mmapUseMlock, mmapUseMlockIgnoreErrors }

public class MethodMetadata {
    public var backendNames: [String] { fatalError() }
}

public class Module {
    public init(filePath: String, loadMode: ModuleLoadMode) { fatalError() }
    public func load(_ method: String) throws { fatalError() }
    public func methodMetadata(_ method: String) throws -> MethodMetadata { fatalError() }
    public func forward<Output: ValueSequenceConstructible>(_ inputs: [ValueConvertible]) throws -> Output {
        fatalError()
    }
}
