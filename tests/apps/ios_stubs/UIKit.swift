// Signatures of UIKit, Mach and of the parts of Foundation that Linux lacks, as far as the app calls them. Nothing runs.
@_exported import Foundation

public typealias CFString = String
public typealias CFData = Data
public typealias CFDictionary = [String: Any]
public typealias CFMutableData = NSMutableData

@MainActor public class UIDevice {
    public enum BatteryState: Int { case unknown, unplugged, charging, full }
    public static let current = UIDevice()
    public var systemVersion: String { fatalError() }
    public var isBatteryMonitoringEnabled = false
    public var batteryLevel: Float { fatalError() }
    public var batteryState: BatteryState { fatalError() }
}

@MainActor public class UIApplication {
    public enum State: Int { case active, inactive, background }
    public static let shared = UIApplication()
    public var isIdleTimerDisabled = false
    public var applicationState: State { fatalError() }
    public nonisolated static let didReceiveMemoryWarningNotification = Notification.Name("memory")
}

extension ProcessInfo {
    public enum ThermalState: Int, Sendable { case nominal, fair, serious, critical }
    public var thermalState: ThermalState { fatalError() }
    public var isLowPowerModeEnabled: Bool { fatalError() }
}

extension URL {
    public static var documentsDirectory: URL { fatalError() }
    public static var applicationSupportDirectory: URL { fatalError() }
    public func startAccessingSecurityScopedResource() -> Bool { fatalError() }
    public func stopAccessingSecurityScopedResource() {}
}

extension String {
    public struct Localized: ExpressibleByStringInterpolation, Sendable {
        public init(stringLiteral value: String) {}
    }
    public init(localized key: Localized) { fatalError() }
}

public typealias mach_msg_type_number_t = UInt32
public typealias natural_t = UInt32
public typealias integer_t = Int32
public typealias task_flavor_t = UInt32
public typealias kern_return_t = Int32
public let KERN_SUCCESS: kern_return_t = 0
public let TASK_VM_INFO: Int32 = 22
public var mach_task_self_: UInt32 { fatalError() }

public struct task_vm_info_data_t {
    public init() {}
    public var phys_footprint: UInt64 = 0
}

public func task_info(
    _ task: UInt32, _ flavor: task_flavor_t, _ info: UnsafeMutablePointer<integer_t>,
    _ count: UnsafeMutablePointer<mach_msg_type_number_t>
) -> kern_return_t { fatalError() }
