import Foundation
import SegCore

/// Chooses the engine that reads a bundle's files.
public enum Engines {
    /// The engine for a bundle. `cache`: a folder that stays, for compiled models.
    ///
    /// Throws `SegError.noEngine` where this build lacks it, or the runtime is older than the bundle needs.
    public static func open(
        _ bundle: ModelBundle, units: BenchRequest.ComputeUnits = .all, cache: URL
    ) throws -> any Engine {
        let targets = Set(bundle.manifest.graphs.values.map(\.target))
        guard targets.count == 1, let target = targets.first else {
            throw SegError.noEngine(target: targets.map(\.rawValue).sorted().joined(separator: ", "))
        }
        let engine = try make(target, bundle, units, cache)
        let key = engine.facts.runtime == "executorch" ? "executorch" : "ios"
        if let lowest = bundle.manifest.lowestRuntime[key], let version = engine.facts.version,
            isOlder(version, than: lowest)
        {
            throw SegError.noEngine(target: "\(key) \(lowest)")
        }
        return engine
    }

    private static func make(
        _ target: SegCore.Target, _ bundle: ModelBundle, _ units: BenchRequest.ComputeUnits, _ cache: URL
    ) throws -> any Engine {
        #if canImport(ExecuTorch)
            if [.xnnpack, .portable, .coreml].contains(target) { return ExecuTorchEngine(bundle) }
        #endif
        #if canImport(CoreML)
            if target == .coremlPackage { return CoreMLEngine(bundle, units: units, cache: cache) }
        #endif
        throw SegError.noEngine(target: target.rawValue)
    }

    /// Compares dotted numbers; what follows a `+` does not count.
    static func isOlder(_ version: String, than lowest: String) -> Bool {
        let (a, b) = (numbers(version), numbers(lowest))
        for place in 0..<max(a.count, b.count) {
            let (left, right) = (place < a.count ? a[place] : 0, place < b.count ? b[place] : 0)
            if left != right { return left < right }
        }
        return false
    }

    private static func numbers(_ version: String) -> [Int] {
        let release = version.split(separator: "+").first ?? ""
        return release.split(separator: ".").map { Int($0) ?? 0 }
    }
}
