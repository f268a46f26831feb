import SegCore
import XCTest

@testable import SegEngine

final class EngineTests: XCTestCase {
    private let extent = Extent(height: 48, width: 80)

    private func picture() throws -> Picture { try GoldenInputs.picture(extent) }

    func testMorePromptsThanSlotsTakeMoreRuns() async throws {
        let engine = FakeEngine(try ModelBundle(opening: try await FakeBundle.make()))
        let features = try await engine.encode(picture())
        let prompts = (0..<9).map { Prompt(points: [Point(x: Double($0), y: 1)], labels: [1]) }
        let answers = try await engine.segment(features, prompts)
        XCTAssertEqual(answers.count, 9)
        XCTAssertEqual(answers.map(\.mask.extent), [Extent](repeating: extent, count: 9))
        let runs = await engine.runs
        XCTAssertEqual(runs[.prompts], 3)
    }

    func testABadPromptIsRefusedBeforeAnythingRuns() async throws {
        let engine = FakeEngine(try ModelBundle(opening: try await FakeBundle.make()))
        let features = try await engine.encode(picture())
        let prompts = [Prompt(points: [Point(x: 1, y: 1)], labels: [1]), Prompt()]
        do {
            _ = try await engine.segment(features, prompts)
            XCTFail("nothing was refused")
        } catch {
            XCTAssertEqual(error as? SegError, .noHint)
        }
        let runs = await engine.runs
        XCTAssertNil(runs[.prompts])
    }

    func testAMissingGraphIsNamedWithItsReason() async throws {
        let engine = FakeEngine(try ModelBundle(opening: try await FakeBundle.make()))
        let features = try await engine.encode(picture())
        do {
            _ = try await engine.objects(features)
            XCTFail("nothing was refused")
        } catch {
            XCTAssertEqual(
                error as? SegError, .noGraph(name: "objects", reason: "the checkpoint has no class embeddings"))
        }
    }

    func testAnEngineThatThisBuildLacksIsRefused() async throws {
        let bundle = try ModelBundle(opening: try await FakeBundle.make())
        #if canImport(ExecuTorch)
            throw XCTSkip("this build has the engine")
        #else
            XCTAssertThrowsError(try Engines.open(bundle, cache: bundle.folder)) {
                XCTAssertEqual($0 as? SegError, .noEngine(target: "xnnpack"))
            }
        #endif
    }

    func testVersionsAreComparedNumberByNumber() {
        XCTAssertTrue(Engines.isOlder("1.4.0", than: "1.4.1"))
        XCTAssertTrue(Engines.isOlder("1.4", than: "1.4.1"))
        XCTAssertTrue(Engines.isOlder("1.9.0", than: "1.10"))
        XCTAssertFalse(Engines.isOlder("1.4.1+cpu", than: "1.4.1"))
        XCTAssertFalse(Engines.isOlder("17.5", than: "17.0"))
    }
}

final class SelfTestTests: XCTestCase {
    func testADeviceThatAnswersAsTheFilesDidPassesAndIsRemembered() async throws {
        let url = try await FakeBundle.make()
        let engine = FakeEngine(try ModelBundle(opening: url))
        let folder = url.deletingLastPathComponent().appendingPathComponent(UUID().uuidString)
        let first = try await SelfTest.once(engine, device: "phone 1", folder: folder)
        XCTAssertTrue(first.passes)
        XCTAssertEqual(first.lines.map(\.key), ["encoder/mask_features", "prompts/iou", "prompts/mask_logits"])
        await engine.answerWrongly(by: 1)
        let kept = try await SelfTest.once(engine, device: "phone 1", folder: folder)
        XCTAssertEqual(kept, first)
        let other = try await SelfTest.once(engine, device: "phone 2", folder: folder)
        XCTAssertFalse(other.passes)
    }
}
