// swift-tools-version: 6.0

import PackageDescription

let package = Package(
    name: "SegCore",
    platforms: [.iOS(.v17), .macOS(.v14)],
    products: [
        .library(name: "SegCore", targets: ["SegCore"]),
        .library(name: "SegCoreTesting", targets: ["SegCoreTesting"]),
    ],
    targets: [
        .target(name: "SegCore"),
        .target(name: "SegCoreTesting", dependencies: ["SegCore"]),
        .testTarget(name: "SegCoreTests", dependencies: ["SegCore", "SegCoreTesting"]),
    ],
    swiftLanguageModes: [.v6]
)
