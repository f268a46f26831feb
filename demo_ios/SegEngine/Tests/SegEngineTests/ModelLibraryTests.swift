import Foundation
import SegCore
import XCTest

@testable import SegEngine

final class ModelLibraryTests: XCTestCase {
    func testBundlesAreListedImportedAndReplacedOnlyBySoundOnes() async throws {
        let documents = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        let library = ModelLibrary(documents: documents)
        XCTAssertTrue(library.entries().isEmpty)
        let source = try await FakeBundle.make()
        let entry = try library.add(source)
        XCTAssertEqual(entry.name, "small_64x96")
        XCTAssertEqual(entry.detail, "fp32 · xnnpack")
        XCTAssertEqual(library.entries().map(\.name), ["small_64x96"])
        try Data("broken".utf8).write(to: source.appendingPathComponent("encoder.pte"))
        XCTAssertThrowsError(try library.add(source)) { XCTAssertTrue($0 is SegError) }
        XCTAssertNoThrow(try ModelBundle(opening: entry.url))
        let folder = documents.appendingPathComponent("models").path
        let models = try FileManager.default.contentsOfDirectory(atPath: folder)
        XCTAssertEqual(models, [source.lastPathComponent])
    }

    func testAFolderThatIsNoBundleIsRefused() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        XCTAssertThrowsError(try ModelLibrary(documents: folder).add(folder)) {
            XCTAssertEqual($0 as? SegError, .noBundle(name: folder.lastPathComponent))
        }
    }
}
