import XCTest

@testable import SegCore

final class PromptTests: XCTestCase {
    struct Filled: Decodable {
        let points: Flat<Double>
        let labels: Flat<Double>
        let boxes: Flat<Double>
        let imageSize: Flat<Double>
    }
    struct Case: Decodable {
        let prompts: [PromptCase]
        let filled: Filled
    }
    struct Refused: Decodable {
        let prompt: PromptCase
        let error: String
    }
    struct File: Decodable {
        let picture: Extent
        let size: Extent
        let numSlots: Int
        let numPoints: Int
        let cases: [Case]
        let refused: [Refused]
    }

    func testPromptsGoIntoTheSlotsOfTheVectors() throws {
        let file = try Vectors.read("prompts", as: File.self)
        let fit = try Fit(file.picture, into: file.size)
        for wanted in file.cases {
            let prompts = try wanted.prompts.map {
                try $0.prompt.checked(numPoints: file.numPoints, picture: file.picture)
            }
            let inputs = try PromptInputs(prompts, fit: fit, slots: file.numSlots, numPoints: file.numPoints)
            let parts = [wanted.filled.points, wanted.filled.labels, wanted.filled.boxes, wanted.filled.imageSize]
            for (got, part) in zip(inputs.tensors, parts) {
                XCTAssertEqual(got.shape, part.shape)
                assertEqual(got.values, part.values, within: 1e-5)
            }
        }
    }

    func testPromptsThatCannotBeAreRefused() throws {
        let file = try Vectors.read("prompts", as: File.self)
        for (index, wanted) in file.refused.enumerated() {
            assertRefused(wanted.error, "case \(index)") {
                _ = try wanted.prompt.prompt.checked(numPoints: file.numPoints, picture: file.picture)
            }
        }
    }

    func testAModelOfOneHintRefusesMore() {
        let picture = Extent(height: 50, width: 50)
        let tap = Point(x: 1, y: 1)
        let twice = Prompt(points: [tap, tap], labels: [1, 1])
        let mixed = Prompt(points: [tap], labels: [1], box: Box(x1: 0, y1: 0, x2: 9, y2: 9))
        for prompt in [twice, mixed, Prompt(points: [tap], labels: [0])] {
            assertRefused("unsupported") { _ = try prompt.checked(numPoints: 1, picture: picture) }
        }
        XCTAssertNoThrow(try Prompt(points: [tap], labels: [1]).checked(numPoints: 1, picture: picture))
    }

    func testNumbersThatAreNoneAreRefused() {
        let picture = Extent(height: 50, width: 50)
        assertRefused("input") {
            _ = try Prompt(points: [Point(x: .nan, y: 1)], labels: [1]).checked(numPoints: 2, picture: picture)
        }
        assertRefused("input") {
            _ = try Prompt(box: Box(x1: .nan, y1: 0, x2: 9, y2: 9)).checked(numPoints: 2, picture: picture)
        }
        assertRefused("input") {
            _ = try Prompt(points: [Point(x: 1, y: 1)], labels: []).checked(numPoints: 2, picture: picture)
        }
    }

    func testMorePromptsThanSlotsAreRefused() throws {
        let fit = try Fit(Extent(height: 50, width: 50), into: Extent(height: 32, width: 32))
        let prompt = Prompt(points: [Point(x: 1, y: 1)], labels: [1])
        assertRefused("input") { _ = try PromptInputs([prompt, prompt], fit: fit, slots: 1, numPoints: 1) }
    }
}

final class PromptHistoryTests: XCTestCase {
    private let a = Point(x: 1, y: 2)
    private let b = Point(x: 3, y: 4)

    func testTapsRefineOneObjectAndUndoTakesThemBack() throws {
        var history = PromptHistory(limit: 3)
        try history.tap(a)
        try history.tap(b, label: 0)
        history.draw(Box(from: b, to: a))
        XCTAssertEqual(
            history.prompts, [Prompt(points: [a, b], labels: [1, 0], box: Box(x1: 1, y1: 2, x2: 3, y2: 4))])
        history.undo()
        history.undo()
        XCTAssertEqual(history.prompts, [Prompt(points: [a], labels: [1])])
        history.undo()
        XCTAssertTrue(history.prompts.isEmpty)
        XCTAssertFalse(history.canUndo)
        history.undo()
        XCTAssertTrue(history.prompts.isEmpty)
    }

    func testANewObjectIsStartedOnRequest() throws {
        var history = PromptHistory(limit: 3)
        try history.tap(a)
        history.startObject()
        try history.tap(b)
        XCTAssertEqual(history.prompts.count, 2)
        history.startObject()
        history.draw(Box(from: a, to: b))
        XCTAssertEqual(history.prompts.count, 3)
    }

    func testWithOneHintEachTapIsAnObject() throws {
        var history = PromptHistory(limit: 1)
        try history.tap(a)
        try history.tap(b)
        history.draw(Box(from: a, to: b))
        XCTAssertEqual(history.prompts.map(\.points.count), [1, 1, 0])
        assertRefused("unsupported") { try history.tap(a, label: 0) }
    }

    func testAFullObjectAndABackgroundTapWithoutObjectAreRefused() throws {
        var history = PromptHistory(limit: 2)
        assertRefused("input") { try history.tap(a, label: 0) }
        try history.tap(a)
        try history.tap(b)
        assertRefused("unsupported") { try history.tap(a) }
        XCTAssertEqual(history.prompts.count, 1)
        history.clear()
        XCTAssertFalse(history.canUndo)
    }
}
