// swift-tools-version: 6.0

import PackageDescription

// The runtime is a binary for Apple's systems. Elsewhere the package builds without it, and its tests use a fake
// engine.
#if os(macOS)
    let runtimes: [Package.Dependency] = [
        .package(url: "https://github.com/pytorch/executorch.git", branch: "swiftpm-1.4.1")
    ]
    let products: [Target.Dependency] =
        ["executorch", "backend_xnnpack", "backend_coreml", "kernels_optimized", "kernels_quantized"]
        .map { .product(name: $0, package: "executorch") }
#else
    let runtimes: [Package.Dependency] = []
    let products: [Target.Dependency] = []
#endif

let package = Package(
    name: "SegEngine",
    platforms: [.iOS(.v17), .macOS(.v14)],
    products: [.library(name: "SegEngine", targets: ["SegEngine"])],
    dependencies: [.package(path: "../SegCore")] + runtimes,
    targets: [
        .target(name: "SegEngine", dependencies: ["SegCore"] + products),
        .testTarget(
            name: "SegEngineTests",
            dependencies: ["SegEngine", .product(name: "SegCoreTesting", package: "SegCore")]),
    ],
    swiftLanguageModes: [.v6]
)
