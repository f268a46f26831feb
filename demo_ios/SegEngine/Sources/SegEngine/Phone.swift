import Foundation
import SegCore

/// The phone, as far as a measurement asks it.
public protocol Phone: Sendable {
    /// Fills in what is known of device, app and power.
    func describe(_ report: inout LatencyReport) async
    /// 0 nominal, 1 fair, 2 serious, 3 critical; nil where the system does not tell.
    func thermalStatus() async -> Int?
    /// Of the process, in MiB.
    func footprintMb() async -> Double?
    /// Milliseconds of a clock that never goes back.
    func now() async -> Double
    /// Smallest step of that clock in milliseconds.
    func clockStepMs() async -> Double
    /// Rests.
    func rest(seconds: Double) async throws
}

extension Phone {
    /// A run's milliseconds, and what came out of it.
    func timed<Value: Sendable>(_ action: () async throws -> Value) async throws -> (Double, Value) {
        let start = await now()
        let value = try await action()
        return (await now() - start, value)
    }
}
