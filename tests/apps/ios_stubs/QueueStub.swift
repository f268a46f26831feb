// What Linux's Dispatch lacks: a queue that an actor can run on. Nothing runs.
@_exported import Dispatch

public final class DispatchSerialQueue: Sendable {
    public init(label: String) {}
    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { fatalError() }
}
