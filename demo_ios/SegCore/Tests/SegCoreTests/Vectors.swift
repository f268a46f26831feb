import Foundation
import SegCoreTesting
import XCTest

@testable import SegCore

/// The golden vectors that Python writes and all three languages read.
enum Vectors {
    static func read<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: VectorFolder.data(name))
    }
}

/// An array of the vectors.
struct Flat<Value: Decodable & Equatable>: Decodable, Equatable {
    let shape: [Int]
    let values: [Value]
}

struct PromptCase: Decodable {
    let points: [[Double]]
    let labels: [Int]
    let box: [Double]?

    var prompt: Prompt {
        Prompt(
            points: points.map { Point(x: $0[0], y: $0[1]) }, labels: labels,
            box: box.map { Box(x1: $0[0], y1: $0[1], x2: $0[2], y2: $0[3]) })
    }
}

func assertEqual(
    _ got: [Float], _ wanted: [Double], within tolerance: Double, _ name: String = "", file: StaticString = #filePath,
    line: UInt = #line
) {
    XCTAssertEqual(got.count, wanted.count, name, file: file, line: line)
    let worst = zip(got, wanted).map { abs(Double($0) - $1) }.max() ?? 0
    XCTAssertLessThanOrEqual(worst, tolerance, name, file: file, line: line)
}

func assertRefused(
    _ kind: String, _ name: String = "", file: StaticString = #filePath, line: UInt = #line, _ action: () throws -> Void
) {
    XCTAssertThrowsError(try action(), name, file: file, line: line) { error in
        XCTAssertEqual((error as? SegError)?.kind.rawValue, kind, "\(name): \(error)", file: file, line: line)
    }
}
