#!/usr/bin/env bash
# Inside of the Debian 13 folder: type-checks engines and screens against the stubs beside this file, in Swift 6 mode.
# It proves that the app's own parts fit one another and the stubs; only Xcode proves that the stubs are Apple's.
set -euo pipefail
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

module() {
    local name=$1
    shift
    swiftc -swift-version 6 -parse-as-library -emit-module -module-name "$name" -I "$out" \
        -emit-module-path "$out/$name.swiftmodule" "$@"
}

for name in QueueStub ExecuTorch CoreML UIKit CoreGraphics AVFoundation ImageIO CoreVideo; do module "$name" "$name.swift"; done
module SwiftUI SwiftUI.swift Modifiers.swift
for name in PhotosUI UniformTypeIdentifiers CoreTransferable; do module "$name" "$name.swift"; done
module SegCore -warnings-as-errors ../demo_ios/SegCore/Sources/SegCore/*.swift
module SegEngine -warnings-as-errors ../demo_ios/SegEngine/Sources/SegEngine/*.swift
swiftc -swift-version 6 -warnings-as-errors -parse-as-library -typecheck -module-name RMPSAMDemo -I "$out" \
    ../demo_ios/RMPSAMDemo/*/*.swift
swiftc -parse ../demo_ios/RMPSAMDemoTests/*.swift
echo "engines and screens fit the stubs; $(ls ../demo_ios/RMPSAMDemo/*/*.swift | wc -l) files of the app"
