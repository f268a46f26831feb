import SegCoreTesting
import XCTest

@testable import SegCore

final class SeriesTests: XCTestCase {
    struct Quantile: Decodable {
        let values: [Double]
        let share: Double
        let quantile: Double
    }
    struct Case: Decodable {
        let name: String
        let rounds: [[Double]]
        let clockStepMs: Double
        let refusals: [String]
        let warnings: [String]
    }
    struct File: Decodable {
        let quantiles: [Quantile]
        let series: [Case]
    }

    func testQuantilesAreThoseOfTheVectors() throws {
        for wanted in try Vectors.read("latencies", as: File.self).quantiles {
            XCTAssertEqual(Series.quantile(wanted.values, wanted.share), wanted.quantile, accuracy: 1e-9)
        }
        XCTAssertTrue(Series.quantile([], 0.5).isNaN)
    }

    func testSeriesAreJudgedAsTheVectorsSay() throws {
        for wanted in try Vectors.read("latencies", as: File.self).series {
            XCTAssertEqual(
                Series.refusals(wanted.rounds, clockStepMs: wanted.clockStepMs), wanted.refusals, wanted.name)
            if wanted.refusals.contains("nonpositive-sample") || wanted.rounds.isEmpty { continue }
            XCTAssertEqual(Series.warnings(wanted.rounds), wanted.warnings, wanted.name)
        }
    }
}

final class LatencyReportTests: XCTestCase {
    private let steady = (0..<150).map { 20 + Double(($0 * 37) % 101) / 500 }

    private static let tensor = GoldenTensor(key: "encoder/mask_features", relativeError: 1e-3, signAgreement: 1)

    private func report() throws -> LatencyReport {
        let bundle = try BundleFolder().open()
        let request = try BenchRequest.read(BenchRequestTests.document(), file: "request.json")
        let started = "2026-01-01T00:00:00Z"
        var report = LatencyReport(request: request, bundle: bundle, command: ["--bench"], started: started)
        let rounds = stride(from: 0, to: 150, by: 50).map {
            ReportGraph.Round(samplesMs: Array(steady[$0..<$0 + 50]), thermalStatusMax: 0)
        }
        let check = ReportGraph.Check(first: [Self.tensor], last: [Self.tensor], repeatable: true)
        report.graphs = [ReportGraph(graph: "encoder", rounds: rounds, check: check)]
        report.conditions.thermal = [ReportConditions.Thermal(atMs: 0, status: 0)]
        return report
    }

    func testASteadyCoolPhoneGivesFigures() throws {
        var report = try report()
        report.judge(strict: false, clockStepMs: 1e-3)
        XCTAssertEqual(report.status, .ok)
        XCTAssertEqual(report.warnings, ["clocks-free"])
        let summary = try XCTUnwrap(report.graphs[0].summary)
        XCTAssertEqual(summary.n, 150)
        XCTAssertEqual(summary.p50, Series.quantile(steady, 0.5))
        XCTAssertNotNil(summary.p99)
    }

    func testEachConditionHasItsRefusalAndNoFigures() throws {
        let changes: [(String, (inout LatencyReport) -> Void)] = [
            ("output-mismatch", { $0.graphs[0].check.passes = false }),
            ("output-mismatch", { $0.graphs[0].check.repeatable = false }),
            ("wrong-file", { $0.bundle.files[0].verifiedOnDevice = false }),
            ("throttled", { $0.conditions.thermal.append(.init(atMs: 5, status: 1)) }),
            ("no-thermal-data", { $0.conditions.thermal = [] }),
            ("emulator", { $0.target.emulated = true }),
            ("debuggable", { $0.runner.debuggable = true }),
            ("power-saver", { $0.conditions.powerSaver = true }),
            ("screen-off", { $0.conditions.screenOn = false }),
            ("low-battery", { $0.conditions.batteryPercent = 19 }),
            ("too-few-samples", { $0.graphs[0].rounds[0].samplesMs.removeLast(40) }),
        ]
        for (code, change) in changes {
            var report = try report()
            change(&report)
            report.judge(strict: true, clockStepMs: 1e-3)
            XCTAssertEqual(report.status, .refused, code)
            XCTAssertEqual(report.reasons, [code])
            XCTAssertNil(report.graphs[0].summary)
        }
    }

    func testAChecksErrorIsTheLargerOneAndNoneWhereItIsNoNumber() {
        let mask = GoldenTensor(key: "prompts/mask_logits", relativeError: .infinity, signAgreement: 0.5)
        let encoder = ReportGraph.Check(first: [Self.tensor], last: [Self.tensor], repeatable: true)
        XCTAssertEqual(encoder.goldenMaxAbs, 1e-3)
        XCTAssertEqual(encoder.tolerance, 0.02)
        XCTAssertNil(encoder.signAgreement)
        XCTAssertTrue(encoder.passes)
        let prompts = ReportGraph.Check(first: [mask], last: [mask], repeatable: true)
        XCTAssertNil(prompts.goldenMaxAbs)
        XCTAssertNil(prompts.tolerance)
        XCTAssertEqual(prompts.signAgreement, 0.5)
        XCTAssertFalse(prompts.passes)
    }

    func testUnknownIsNullAndEveryKeyIsThere() throws {
        let report = try report()
        let data = try StrictJSON.write(report, keys: .snake)
        let document = try XCTUnwrap(JSONSerialization.jsonObject(with: data) as? [String: Any])
        let keys = [
            "schema", "status", "reasons", "warnings", "tool", "started", "finished", "bundle", "target", "runner",
            "conditions", "protocol", "load", "graphs", "pipeline", "memory", "plan",
        ]
        XCTAssertEqual(Set(document.keys), Set(keys))
        let target = try XCTUnwrap(document["target"] as? [String: Any])
        XCTAssertTrue(target["serial_hash"] is NSNull)
        XCTAssertTrue(target["ram_mb"] is NSNull)
        let pipeline = try XCTUnwrap(document["pipeline"] as? [String: Any])
        XCTAssertTrue(pipeline["tap_to_mask_ms_p50"] is NSNull)
        let again = try StrictJSON.read(LatencyReport.self, from: data, file: "report.json", keys: .snake)
        XCTAssertEqual(again, report)
    }

    func testAMissingKeyIsNoNull() throws {
        let data = try StrictJSON.write(try report(), keys: .snake)
        let whole = try XCTUnwrap(String(data: data, encoding: .utf8))
        let text = whole.replacingOccurrences(of: "\"plan\":null,", with: "")
        XCTAssertLessThan(text.utf8.count, data.count)
        assertRefused("input") {
            _ = try StrictJSON.read(LatencyReport.self, from: Data(text.utf8), file: "report.json", keys: .snake)
        }
    }
}

final class BenchRequestTests: XCTestCase {
    static func document(_ changes: [String: Any?] = [:]) throws -> Data {
        var keys: [String: Any] = [
            "schema": "rmpsam.bench-request/1", "bundle": "bundle/small", "graphs": NSNull(), "rounds": 3, "warmup": 5,
            "runs": 50, "min_round_s": 2, "max_round_s": 60, "cooldown_s": 300, "loads": 3,
            "compute_units": "cpuAndNeuralEngine", "strict": true,
        ]
        for (key, value) in changes { keys[key] = value }
        return try JSONSerialization.data(withJSONObject: keys)
    }

    func testARequestIsRead() throws {
        let request = try BenchRequest.read(Self.document(["graphs": ["encoder"]]), file: "request.json")
        XCTAssertEqual(request.graphs, [.encoder])
        XCTAssertEqual(request.computeUnits, .cpuAndNeuralEngine)
        XCTAssertEqual(request.cooldownS, 300)
    }

    func testRequestsThatCannotBeAreRefused() throws {
        let changes: [[String: Any?]] = [
            ["schema": "rmpsam.bench-request/2"], ["bundle": "../elsewhere"], ["rounds": 0], ["runs": "50"],
            ["extra": 1], ["strict": nil], ["compute_units": "tpu"], ["graphs": ["decoder"]], ["max_round_s": 0],
        ]
        for change in changes {
            let data = try Self.document(change)
            assertRefused("input", "\(change)") { _ = try BenchRequest.read(data, file: "request.json") }
        }
    }
}
