import XCTest

@testable import SegCore

final class GeometryTests: XCTestCase {
    struct FitCase: Decodable {
        let picture: Extent
        let size: Extent
        let fitted: Extent
        let points: [[Double]]
        let pointsInInput: [[Double]]
        let box: [Double]
        let boxInInput: [Double]
    }

    func testPicturesAndPointsLieInTheInputAsTheVectorsSay() throws {
        for wanted in try Vectors.read("fits", as: [FitCase].self) {
            let fit = try Fit(wanted.picture, into: wanted.size)
            XCTAssertEqual(fit.fitted, wanted.fitted)
            for (point, inInput) in zip(wanted.points, wanted.pointsInInput) {
                let mapped = fit.toInput(Point(x: point[0], y: point[1]))
                XCTAssertEqual(mapped.x, inInput[0], accuracy: 1e-9)
                XCTAssertEqual(mapped.y, inInput[1], accuracy: 1e-9)
                let back = fit.toPicture(mapped)
                XCTAssertEqual(back.x, point[0], accuracy: 1e-6)
                XCTAssertEqual(back.y, point[1], accuracy: 1e-6)
            }
            let b = wanted.box
            let box = fit.toInput(Box(x1: b[0], y1: b[1], x2: b[2], y2: b[3]))
            for (got, number) in zip([box.x1, box.y1, box.x2, box.y2], wanted.boxInInput) {
                XCTAssertEqual(got, number, accuracy: 1e-9)
            }
        }
    }

    func testSizesThatCannotBeAreRefused() {
        let size = Extent(height: 64, width: 96)
        for picture in [Extent(height: 0, width: 4), Extent(height: 4, width: -1)] {
            assertRefused("input") { _ = try Fit(picture, into: size) }
        }
        for side in [0, 31, 33, 2080] {
            assertRefused("input") { _ = try Fit(size, into: Extent(height: side, width: 64)) }
        }
    }

    struct ResizeCase: Decodable {
        let picture: Flat<UInt8>
        let target: Extent
        let resized: Flat<UInt8>
    }

    func testResizingIsExact() throws {
        for wanted in try Vectors.read("resizes", as: [ResizeCase].self) {
            let resized = try picture(wanted.picture).resized(to: wanted.target)
            XCTAssertEqual(resized.rgb, wanted.resized.values)
            XCTAssertEqual([resized.extent.height, resized.extent.width, 3], wanted.resized.shape)
        }
    }

    struct CanvasCase: Decodable {
        let picture: Flat<UInt8>
        let size: Extent
        let mean: [Double]
        let std: [Double]
        let tolerance: Double
        let pixelValues: Flat<Double>
    }

    func testPixelValuesAreThoseOfTheVectors() throws {
        for wanted in try Vectors.read("canvases", as: [CanvasCase].self) {
            let picture = try picture(wanted.picture)
            let fit = try Fit(picture.extent, into: wanted.size)
            let canvas = try picture.pixelValues(fit, mean: wanted.mean, std: wanted.std)
            XCTAssertEqual(canvas.shape, wanted.pixelValues.shape)
            assertEqual(canvas.values, wanted.pixelValues.values, within: wanted.tolerance)
        }
    }

    func testAFitOfAnotherPictureIsRefused() throws {
        let picture = try Picture(extent: Extent(height: 2, width: 2), rgb: [UInt8](repeating: 9, count: 12))
        let fit = try Fit(Extent(height: 3, width: 2), into: Extent(height: 32, width: 32))
        assertRefused("input") { _ = try picture.pixelValues(fit, mean: [0, 0, 0], std: [1, 1, 1]) }
        assertRefused("input") { _ = try Picture(extent: Extent(height: 2, width: 2), rgb: [1, 2, 3]) }
    }

    private func picture(_ flat: Flat<UInt8>) throws -> Picture {
        try Picture(extent: Extent(height: flat.shape[0], width: flat.shape[1]), rgb: flat.values)
    }
}
