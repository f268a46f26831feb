import SegCoreTesting
import XCTest

@testable import SegCore

final class GoldenTests: XCTestCase {
    struct Shapes: Decodable {
        let size: Extent
        let numSlots: Int
        let numPoints: Int
        let mean: [Double]
        let std: [Double]
    }
    struct Thinned: Decodable {
        let stride: Int
        let tolerance: Double
        let values: [Double]
    }
    struct Judged: Decodable {
        let name: String
        let now: [String: [Float]]
        let passes: [String: Bool]
    }
    struct File: Decodable {
        let contract: Shapes
        let pixelValues: Thinned
        let prompts: [String: Flat<Double>]
        let stored: [String: [Float]]
        let judged: [Judged]
    }

    func testTheFormulaGivesTheInputOfTheVectors() throws {
        let file = try Vectors.read("goldens", as: File.self)
        let about = file.contract
        let inputs = try GoldenInputs(
            size: about.size, slots: about.numSlots, numPoints: about.numPoints, mean: about.mean, std: about.std)
        XCTAssertEqual(inputs.pixelValues.shape, [1, 3, about.size.height, about.size.width])
        let places = stride(from: 0, to: inputs.pixelValues.values.count, by: file.pixelValues.stride)
        assertEqual(
            places.map { inputs.pixelValues.values[$0] }, file.pixelValues.values, within: file.pixelValues.tolerance)
        for (name, got) in zip(["points", "labels", "boxes", "image_size"], inputs.prompts.tensors) {
            let wanted = try XCTUnwrap(file.prompts[name])
            XCTAssertEqual(got.shape, wanted.shape)
            assertEqual(got.values, wanted.values, within: 1e-6, name)
        }
    }

    func testAnswersAreJudgedAsTheVectorsSay() throws {
        let file = try Vectors.read("goldens", as: File.self)
        let stored = Golden(values: file.stored)
        for wanted in file.judged {
            let judged = try GoldenTensor.judge(stored: stored, now: Golden(values: wanted.now))
            let passes = Dictionary(uniqueKeysWithValues: judged.map { ($0.key, $0.passes) })
            XCTAssertEqual(passes, wanted.passes, wanted.name)
        }
    }

    func testOtherTensorsAndOtherCountsDoNotPass() throws {
        let stored = Golden(values: ["encoder/mask_features": [1, 2]])
        assertRefused("input") { _ = try GoldenTensor.judge(stored: stored, now: Golden(values: [:])) }
        for wrong: [Float] in [[1], [1, .nan], [1, .infinity]] {
            let judged = try GoldenTensor.judge(stored: stored, now: Golden(values: ["encoder/mask_features": wrong]))
            XCTAssertEqual(judged.map(\.passes), [false])
        }
    }

    func testThinningKeepsAtMostFourThousand() {
        XCTAssertEqual(Golden.thin([1, 2, 3]), [1, 2, 3])
        let many = (0..<10_000).map(Float.init)
        XCTAssertEqual(Golden.thin(many), stride(from: 0, to: 10_000, by: 3).map(Float.init))
        XCTAssertEqual(Golden.thin((0..<8_000).map(Float.init)).count, 2_667)
    }
}

final class NpzTests: XCTestCase {
    func testAnArchiveThatIsWrittenIsRead() throws {
        let data = ZipFile.npz(["encoder/mask_features": [1.5, -2], "prompts/iou": [0.25]])
        let arrays = try Npz.read(data, file: "golden.npz")
        XCTAssertEqual(arrays["encoder/mask_features"]?.values, [1.5, -2])
        XCTAssertEqual(arrays["prompts/iou"]?.shape, [1])
        XCTAssertEqual(arrays.count, 2)
    }

    func testNoCutOffOrChangedArchiveCrashes() {
        let whole = ZipFile.npz(["a/b": [1, 2, 3]])
        for count in 0..<whole.count {
            XCTAssertThrowsError(try Npz.read(whole.prefix(count), file: "golden.npz")) {
                XCTAssertTrue($0 is SegError)
            }
        }
        for place in whole.indices {
            var changed = whole
            changed[place] ^= 0xff
            do { _ = try Npz.read(changed, file: "golden.npz") } catch { XCTAssertTrue(error is SegError) }
        }
    }

    func testCompressedAndOtherTypesAreRefused() {
        let data = ZipFile.npz(["a/b": [1, 2, 3]])
        for (from, to) in [("<f4", "<f8"), ("False", "True ")] {
            var text = [UInt8](data)
            let (old, new) = (Array(from.utf8), Array(to.utf8))
            for start in 0...text.count - old.count where Array(text[start..<start + old.count]) == old {
                text.replaceSubrange(start..<start + old.count, with: new)
            }
            assertRefused("input") { _ = try Npz.read(Data(text), file: "golden.npz") }
        }
        assertRefused("input") {
            _ = try Npz.read(ZipFile.npz(["a/b": [1]], method: 8), file: "golden.npz")
        }
    }
}
