import SegCoreTesting
import XCTest

@testable import SegCore

final class ManifestTests: XCTestCase {
    private func file() throws -> [String: Any] {
        try XCTUnwrap(JSONSerialization.jsonObject(with: VectorFolder.data("manifests")) as? [String: Any])
    }

    func testTheVectorsManifestIsRead() throws {
        let good = try XCTUnwrap(file()["good"])
        let manifest = try Manifest.read(JSONSerialization.data(withJSONObject: good), file: "manifest.json")
        XCTAssertEqual(manifest.name, "small_64x96")
        XCTAssertEqual(manifest.contract.classNames, ["Mensch", "Hündin", "Himmel"])
        XCTAssertEqual(manifest.contract.sizes.grid, Extent(height: 16, width: 24))
        XCTAssertNil(manifest.contract.sizes.queryWidth)
        XCTAssertEqual(manifest.graphs["prompts"]?.plannedMemoryBytes, 4096)
        XCTAssertEqual(manifest.graphs["encoder"]?.delegation.macShare, 0.9)
    }

    func testBadManifestsAreRefusedAsTheVectorsSay() throws {
        let bad = try XCTUnwrap(file()["bad"] as? [[String: Any]])
        XCTAssertFalse(bad.isEmpty)
        for wanted in bad {
            let data = try JSONSerialization.data(withJSONObject: XCTUnwrap(wanted["manifest"]))
            assertRefused(try XCTUnwrap(wanted["error"] as? String), wanted["name"] as? String ?? "") {
                _ = try Manifest.read(data, file: "manifest.json")
            }
        }
    }

    func testEveryMissingKeyIsRefused() throws {
        let good = try XCTUnwrap(file()["good"] as? [String: Any])
        for key in good.keys {
            var spoilt = good
            spoilt[key] = nil
            let data = try JSONSerialization.data(withJSONObject: spoilt)
            assertRefused("input", key) { _ = try Manifest.read(data, file: "manifest.json") }
        }
        assertRefused("input") { _ = try Manifest.read(Data("{".utf8), file: "manifest.json") }
    }

    func testPathsThatLeaveTheFolderAreRefused() {
        for path in ["", "/etc/passwd", "../a", "a/../../b", "a\\b", "C:a", "a\0b"] {
            assertRefused("input", path) { try Manifest.checkPath(path) }
        }
        XCTAssertNoThrow(try Manifest.checkPath("encoder.mlpackage/Data/weights..bin"))
    }
}

final class ModelBundleTests: XCTestCase {
    func testASoundBundleOpens() throws {
        let bundle = try BundleFolder().open()
        XCTAssertEqual(try bundle.url(.encoder).lastPathComponent, "encoder.pte")
        XCTAssertTrue(bundle.has(.prompts))
        XCTAssertThrowsError(try bundle.artifact(.objects)) {
            XCTAssertEqual(
                $0 as? SegError, .noGraph(name: "objects", reason: "the checkpoint has no class embeddings"))
        }
        XCTAssertEqual(try Golden(bundle).values["encoder/mask_features"], [1, 2])
    }

    func testEachDamageHasItsError() throws {
        let damages: [(SegError, (inout BundleFolder) throws -> Void)] = [
            (.wrongHash(name: "encoder.pte"), { try $0.write("encoder.pte", Data("encoder fiLe".utf8)) }),
            (.wrongSize(name: "encoder.pte", bytes: 3, wanted: 12), { try $0.write("encoder.pte", Data("abc".utf8)) }),
            (.missingFile(name: "prompts.pte"), { try $0.remove("prompts.pte") }),
            (.missingFile(name: "SHA256SUMS"), { try $0.remove("SHA256SUMS") }),
            (.wrongHash(name: "encoder.pte"), { try $0.write("SHA256SUMS", Data()) }),
        ]
        for (wanted, spoil) in damages {
            var folder = try BundleFolder()
            try spoil(&folder)
            XCTAssertThrowsError(try folder.open()) { XCTAssertEqual($0 as? SegError, wanted) }
        }
    }

    func testAFolderWithoutManifestIsNoBundle() throws {
        let folder = try BundleFolder()
        try folder.remove("manifest.json")
        XCTAssertThrowsError(try folder.open()) {
            XCTAssertEqual($0 as? SegError, .noBundle(name: folder.url.lastPathComponent))
        }
    }

    func testAGraphWhoseFileIsNotListedIsRefused() throws {
        var folder = try BundleFolder()
        try folder.remove("prompts.pte")
        try folder.finish()
        XCTAssertThrowsError(try folder.open()) {
            XCTAssertEqual($0 as? SegError, .missingFile(name: "prompts.pte"))
        }
    }

    func testALinkOutOfTheFolderIsRefused() throws {
        let folder = try BundleFolder()
        let outside = folder.url.deletingLastPathComponent().appendingPathComponent(UUID().uuidString)
        try Data("encoder file".utf8).write(to: outside)
        try folder.remove("encoder.pte")
        try FileManager.default.createSymbolicLink(
            at: folder.url.appendingPathComponent("encoder.pte"), withDestinationURL: outside)
        XCTAssertThrowsError(try folder.open()) {
            XCTAssertEqual($0 as? SegError, .outsideBundle(name: "encoder.pte"))
        }
    }

    func testABundleThatPythonWroteOpens() throws {
        guard let path = ProcessInfo.processInfo.environment["RMPSAM_BUNDLE"] else {
            throw XCTSkip("RMPSAM_BUNDLE names no bundle")
        }
        let bundle = try ModelBundle(opening: URL(fileURLWithPath: path))
        let golden = try Golden(bundle)
        XCTAssertTrue(try GoldenTensor.judge(stored: golden, now: golden).allSatisfy(\.passes))
        var counts: [String: Int] = [:]
        for (name, artifact) in bundle.manifest.graphs {
            for output in artifact.outputs {
                let thinned = Golden.thin([Float](repeating: 0, count: output.shape.reduce(1, *)))
                counts["\(name)/\(output.name)"] = thinned.count
            }
        }
        XCTAssertEqual(golden.values.mapValues(\.count), counts)
        let read: [String: Any] = [
            "name": bundle.manifest.name, "manifest_sha256": bundle.manifestSHA256,
            "graphs": bundle.manifest.graphs.mapValues(\.path),
            "classes": bundle.manifest.contract.classNames.count,
            "golden": golden.values.mapValues {
                [Double($0.count), Double($0.min() ?? 0), Double($0.max() ?? 0)]
            },
        ]
        let line = try JSONSerialization.data(withJSONObject: read, options: .withoutEscapingSlashes)
        print("BUNDLE " + String(decoding: line, as: UTF8.self))  // for Python, which compares
    }
}

final class SHA256Tests: XCTestCase {
    // From FIPS 180-2, appendix B, and the digest of nothing.
    private let known = [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ]

    func testKnownDigests() {
        for (text, digest) in known {
            XCTAssertEqual(SHA256Digest.hex(of: Data(text.utf8)), digest)
            var plain = PlainSHA256()
            for byte in text.utf8 { plain.update(Data([byte])) }
            XCTAssertEqual(plain.finish(), digest)
        }
    }

    func testAMillionLettersFromAFile() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try Data(repeating: UInt8(ascii: "a"), count: 1_000_000).write(to: url)
        XCTAssertEqual(
            try SHA256Digest.hex(ofFile: url), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
        assertRefused("input") { _ = try SHA256Digest.hex(ofFile: url.appendingPathExtension("none")) }
    }
}
