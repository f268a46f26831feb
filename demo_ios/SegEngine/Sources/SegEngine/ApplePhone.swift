#if canImport(UIKit)
    import Foundation
    import SegCore
    import UIKit

    /// This iPhone or iPad.
    public struct ApplePhone: Phone {
        private let clock = ContinuousClock()
        private let start = ContinuousClock.now

        /// Nothing is asked yet.
        public init() {}

        public func describe(_ report: inout LatencyReport) async {
            let info = ProcessInfo.processInfo
            report.target.model = Self.machine
            report.target.os = await UIDevice.current.systemVersion
            report.target.abi = "arm64"
            report.target.fingerprint = info.operatingSystemVersionString
            report.target.ramMb = Double(info.physicalMemory) / 1_048_576
            #if targetEnvironment(simulator)
                report.target.emulated = true
            #endif
            #if DEBUG
                report.runner.debuggable = true
            #endif
            let about = Bundle.main.infoDictionary ?? [:]
            report.runner.id = Bundle.main.bundleIdentifier ?? ""
            report.runner.version = about["CFBundleShortVersionString"] as? String ?? ""
            report.tool.version = report.runner.version
            report.conditions = await conditions(powerSaver: info.isLowPowerModeEnabled)
        }

        public func thermalStatus() -> Int? { ProcessInfo.processInfo.thermalState.rawValue }

        public func footprintMb() -> Double? {
            var info = task_vm_info_data_t()
            var count = mach_msg_type_number_t(MemoryLayout<task_vm_info_data_t>.size / MemoryLayout<natural_t>.size)
            let result = withUnsafeMutablePointer(to: &info) { pointer in
                pointer.withMemoryRebound(to: integer_t.self, capacity: Int(count)) {
                    task_info(mach_task_self_, task_flavor_t(TASK_VM_INFO), $0, &count)
                }
            }
            return result == KERN_SUCCESS ? Double(info.phys_footprint) / 1_048_576 : nil
        }

        public func now() -> Double { Self.milliseconds(start.duration(to: clock.now)) }

        /// The smallest step that was seen, since the nominal one is finer than the clock.
        public func clockStepMs() -> Double {
            var step = Double.infinity
            for _ in 0..<100 {
                let before = now()
                var after = now()
                while after == before { after = now() }
                step = min(step, after - before)
            }
            return step
        }

        public func rest(seconds: Double) async throws {
            try await Task.sleep(for: .seconds(seconds))
        }

        /// For example `iPhone16,1`; a simulator says which phone it plays.
        public static var machine: String {
            if let played = ProcessInfo.processInfo.environment["SIMULATOR_MODEL_IDENTIFIER"] { return played }
            var about = utsname()
            uname(&about)
            return withUnsafeBytes(of: &about.machine) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
        }

        @MainActor
        private func conditions(powerSaver: Bool) -> ReportConditions {
            let device = UIDevice.current
            device.isBatteryMonitoringEnabled = true
            let level = Double(device.batteryLevel)
            let power: String? =
                switch device.batteryState {
                case .charging, .full: "charging"
                case .unplugged: "battery"
                default: nil
                }
            let isActive = UIApplication.shared.applicationState == .active
            return ReportConditions(
                power: power, batteryPercent: level < 0 ? nil : level * 100, powerSaver: powerSaver, screenOn: isActive)
        }

        private static func milliseconds(_ duration: Duration) -> Double {
            let (seconds, attoseconds) = duration.components
            return Double(seconds) * 1e3 + Double(attoseconds) / 1e15
        }
    }
#endif
