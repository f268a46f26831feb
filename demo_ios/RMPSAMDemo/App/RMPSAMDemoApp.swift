import SegEngine
import SwiftUI

/// Starts with screens, or without any as `--bench` wants it.
@main
struct RMPSAMDemoApp: App {
    @State private var desk = Desk()
    private let bench = BenchEntry(
        arguments: ProcessInfo.processInfo.arguments, home: URL(fileURLWithPath: NSHomeDirectory(), isDirectory: true))

    var body: some Scene {
        WindowGroup {
            if let bench {
                BenchScreen(bench: bench)
            } else {
                RootScreen().environment(desk)
            }
        }
    }
}
