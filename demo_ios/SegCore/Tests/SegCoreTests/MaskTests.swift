import XCTest

@testable import SegCore

final class MaskTests: XCTestCase {
    struct Runs: Decodable {
        let runs: [Int]
    }
    struct Case: Decodable {
        let picture: Extent
        let size: Extent
        let maskLogits: Flat<Float>
        let mask: Runs
        let area: Int
    }

    func testMasksAreThoseOfTheVectors() throws {
        for wanted in try Vectors.read("masks", as: [Case].self) {
            let decoder = MaskDecoder(try Fit(wanted.picture, into: wanted.size))
            let mask = try decoder.mask(wanted.maskLogits.values)
            XCTAssertEqual(mask.area, wanted.area)
            // Python ends the list with the last run of the mask, whichever it is.
            XCTAssertEqual(mask.runs, wanted.mask.runs)
        }
    }

    func testAConstantStaysWhatItIs() throws {
        let fit = try Fit(Extent(height: 37, width: 91), into: Extent(height: 64, width: 32))
        let logits = try MaskDecoder(fit).logits([Float](repeating: 2.5, count: 16 * 8))
        XCTAssertTrue(logits.allSatisfy { abs($0 - 2.5) < 1e-5 })
    }

    func testBrokenLogitsAreRefused() throws {
        let decoder = MaskDecoder(try Fit(Extent(height: 9, width: 9), into: Extent(height: 32, width: 32)))
        var logits = [Float](repeating: 0, count: 64)
        assertRefused("input") { _ = try decoder.logits(Array(logits.dropLast())) }
        logits[5] = .nan
        assertRefused("input") { _ = try decoder.logits(logits) }
    }

    func testAMaskKnowsItsBoxAndShare() throws {
        let extent = Extent(height: 3, width: 4)
        var bits = [Bool](repeating: false, count: 12)
        XCTAssertNil(try Mask(extent: extent, bits: bits).box)
        (bits[5], bits[10]) = (true, true)
        let mask = try Mask(extent: extent, bits: bits)
        XCTAssertEqual(mask.box, Box(x1: 1, y1: 1, x2: 3, y2: 3))
        XCTAssertEqual(mask.share, 2.0 / 12)
        XCTAssertEqual(mask.runs, [5, 1, 4, 1, 1])
    }
}

final class PanopticTests: XCTestCase {
    struct Segment: Decodable {
        let id: Int
        let label: Int
        let isThing: Bool
        let area: Int
        let box: [Double]
    }
    struct Case: Decodable {
        let classLogits: Flat<Float>
        let maskLogits: Flat<Float>
        let numThings: Int
        let objectMask: Double
        let iou: Double
        let map: Flat<Int32>
        let segments: [Segment]
    }

    func testMapsAndSegmentsAreThoseOfTheVectors() throws {
        for wanted in try Vectors.read("panoptics", as: [Case].self) {
            let shape = wanted.maskLogits.shape
            let extent = Extent(height: shape[1], width: shape[2])
            let merge = PanopticMerge(numThings: wanted.numThings, objectMask: wanted.objectMask, iou: wanted.iou)
            let logits = try Tensor(shape: wanted.classLogits.shape, values: wanted.classLogits.values)
            let map = try merge.merge(classLogits: logits, extent: extent) {
                Array(wanted.maskLogits.values[$0 * extent.count..<($0 + 1) * extent.count])
            }
            XCTAssertEqual(map.values, wanted.map.values)
            let segments = wanted.segments.map {
                PanopticSegment(
                    id: $0.id, label: $0.label, isThing: $0.isThing, area: $0.area,
                    box: Box(x1: $0.box[0], y1: $0.box[1], x2: $0.box[2], y2: $0.box[3]))
            }
            XCTAssertEqual(map.segments, segments)
        }
    }

    func testBrokenLogitsAreRefused() throws {
        let merge = PanopticMerge(numThings: 1, objectMask: 0.1, iou: 0.1)
        let extent = Extent(height: 1, width: 2)
        let broken = try Tensor(shape: [1, 3], values: [.nan, 0, 0])
        assertRefused("input") { _ = try merge.merge(classLogits: broken, extent: extent) { _ in [0, 0] } }
        let sound = try Tensor(shape: [1, 3], values: [9, 0, 0])
        assertRefused("input") { _ = try merge.merge(classLogits: sound, extent: extent) { _ in [.nan, 0] } }
        assertRefused("input") { _ = try merge.merge(classLogits: sound, extent: extent) { _ in [0] } }
    }
}

final class OverlayPainterTests: XCTestCase {
    func testABorderIsDrawnInWhiteThenColourThenTint() throws {
        let extent = Extent(height: 1, width: 8)
        let mask = try Mask(extent: extent, bits: [false, true, true, true, true, true, true, true])
        let labels = try OverlayPainter.labels([mask], extent: extent)
        let painted = try OverlayPainter(opacity: 0.5, outline: 2).paint(labels, extent: extent)
        let alphas = (0..<8).map { painted[$0 * 4 + 3] }
        XCTAssertEqual(alphas, [0, 255, 255, 127, 127, 127, 127, 127])
        XCTAssertEqual(Array(painted[4..<7]), [255, 255, 255])
        XCTAssertEqual(Array(painted[8..<11]), [0, 114, 178])
        XCTAssertEqual(Array(painted[12..<15]), [0, 57, 89])
    }

    func testTheLastMaskLiesOnTop() throws {
        let extent = Extent(height: 1, width: 3)
        let below = try Mask(extent: extent, bits: [true, true, false])
        let above = try Mask(extent: extent, bits: [false, true, true])
        XCTAssertEqual(try OverlayPainter.labels([below, above], extent: extent), [1, 2, 2])
        assertRefused("input") { _ = try OverlayPainter.labels([below], extent: Extent(height: 3, width: 1)) }
    }
}
