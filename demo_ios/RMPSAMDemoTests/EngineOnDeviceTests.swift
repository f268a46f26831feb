import SegCore
import SegEngine
import XCTest

@testable import RMPSAMDemo

/// The real engines on a real bundle: `RMPSAM_BUNDLE` names its folder on a simulator, or one lies in Documents.
final class EngineOnDeviceTests: XCTestCase {
    private func engine() throws -> any Engine {
        let named = ProcessInfo.processInfo.environment["RMPSAM_BUNDLE"].flatMap { $0.isEmpty ? nil : $0 }
        let listed = ModelLibrary(documents: URL.documentsDirectory).entries().first?.url
        guard let folder = named.map({ URL(fileURLWithPath: $0) }) ?? listed else {
            throw XCTSkip("no bundle; give RMPSAM_BUNDLE, or copy one into the app's Documents")
        }
        let cache = URL.cachesDirectory.appending(path: "tests")
        return try Engines.open(ModelBundle(opening: folder), cache: cache)
    }

    private func picture() throws -> Picture { try GoldenInputs.picture(Extent(height: 480, width: 640)) }

    func testEveryGraphAnswersAsItShould() async throws {
        let result = try await SelfTest.run(engine())
        XCTAssertTrue(result.passes, "\(result.lines)")
    }

    func testHundredTapsDoNotGrow() async throws {
        let engine = try engine()
        let features = try await engine.encode(picture())
        let prompt = Prompt(points: [Point(x: 200, y: 200)], labels: [1])
        for _ in 0..<10 { _ = try await engine.segment(features, [prompt]) }
        let before = ApplePhone().footprintMb() ?? 0
        for _ in 0..<100 { _ = try await engine.segment(features, [prompt]) }
        XCTAssertLessThan((ApplePhone().footprintMb() ?? 0) - before, 16)
    }

    func testAPromptThatCannotBeIsRefused() async throws {
        let engine = try engine()
        let features = try await engine.encode(picture())
        do {
            _ = try await engine.segment(features, [Prompt(points: [Point(x: 900, y: 2)], labels: [1])])
            XCTFail("nothing was refused")
        } catch {
            XCTAssertEqual((error as? SegError)?.kind, .input)
        }
    }

    /// A smoke test only: `bench` is what measures.
    func testOneTapInTime() throws {
        let engine = try engine()
        let picture = try picture()
        measure(metrics: [XCTClockMetric(), XCTMemoryMetric()]) {
            let done = expectation(description: "mask")
            Task {
                let features = try await engine.encode(picture)
                _ = try await engine.segment(features, [Prompt(points: [Point(x: 9, y: 9)], labels: [1])])
                done.fulfill()
            }
            wait(for: [done], timeout: 60)
        }
    }
}

final class PictureImagesTests: XCTestCase {
    func testAPictureComesBackAsItWas() throws {
        let picture = try GoldenInputs.picture(Extent(height: 48, width: 64))
        let image = try XCTUnwrap(PictureImages.image(picture))
        XCTAssertEqual(PictureImages.picture(image), picture)
    }

    func testWhatIsNoPictureIsRefused() {
        XCTAssertNil(PictureImages.read(Data([1, 2, 3])))
    }
}

final class ErrorTextTests: XCTestCase {
    func testEveryErrorHasASentence() {
        let errors: [SegError] = [
            .damaged(file: "a", what: "b"), .newerSchema(found: 3, known: 2), .noBundle(name: "a"),
            .missingFile(name: "a"), .wrongSize(name: "a", bytes: 1, wanted: 2), .wrongHash(name: "a"),
            .outsideBundle(name: "a"), .noGraph(name: "a", reason: "b"), .noSize(width: 0, height: 0),
            .wrongShape(what: "a"), .notFinite(what: "a"), .noHint, .unknownLabel(3), .emptyBox, .onlyBackground,
            .pointOutside(x: 1, y: 2, picture: Extent(height: 1, width: 1)), .oneHintOnly(points: 1, boxes: 1),
            .tooManyPoints(count: 3, limit: 2), .noEngine(target: "a"), .engine(what: "a"),
        ]
        for error in errors {
            XCTAssertFalse(error.sentence.isEmpty)
            XCTAssertFalse(error.sentence.contains("error."), error.sentence)
        }
    }
}
