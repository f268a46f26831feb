import SegCore
import SegEngine
import SwiftUI

/// A dark screen while a computer measures; then the app ends with the status that the computer waits for.
struct BenchScreen: View {
    let bench: BenchEntry

    var body: some View {
        Color.black.ignoresSafeArea().accessibilityHidden(true).task { await measure() }
    }

    private func measure() async {
        UIApplication.shared.isIdleTimerDisabled = true
        let cache = URL.applicationSupportDirectory.appending(path: "compiled")
        let outcome = await bench.run(phone: ApplePhone()) { bundle, request in
            try Engines.open(bundle, units: request.computeUnits, cache: cache)
        }
        print(outcome.line)
        exit(outcome.status)
    }
}
