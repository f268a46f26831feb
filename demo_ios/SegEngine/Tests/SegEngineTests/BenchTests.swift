import Foundation
import SegCore
import XCTest

@testable import SegEngine

final class BenchTests: XCTestCase {
    private func home(_ changes: [String: Any] = [:]) async throws -> URL {
        let home = FileManager.default.temporaryDirectory.appendingPathComponent("home-" + UUID().uuidString)
        let documents = home.appendingPathComponent("Documents/bundle")
        try FileManager.default.createDirectory(at: documents, withIntermediateDirectories: true)
        try FileManager.default.moveItem(at: try await FakeBundle.make(), to: documents.appendingPathComponent("small"))
        var request: [String: Any] = [
            "schema": "rmpsam.bench-request/1", "bundle": "bundle/small", "graphs": NSNull(), "rounds": 3, "warmup": 2,
            "runs": 50, "min_round_s": 0.5, "max_round_s": 60, "cooldown_s": 20, "loads": 3, "compute_units": "all",
            "strict": true,
        ]
        request.merge(changes) { $1 }
        let data = try JSONSerialization.data(withJSONObject: request)
        try data.write(to: documents.appendingPathComponent("request.json"))
        return home
    }

    private func bench(
        _ home: URL, _ phone: FakePhone = FakePhone(), wrong: (Float, Float) = (0, 0),
        plans: [Graph: ReportPlan]? = nil
    ) async throws -> (BenchEntry.Outcome, LatencyReport?) {
        let entry = BenchEntry(arguments: ["app", "--bench", "Documents/bundle/request.json"], home: home)
        var unwrapped = try XCTUnwrap(entry)
        unwrapped.picture = Extent(height: 27, width: 36)
        let outcome = await unwrapped.run(phone: phone) { bundle, _ in
            FakeEngine(bundle, phone, wrong: wrong, plans: plans)
        }
        let file = home.appendingPathComponent("Documents/bench/report.json")
        guard let data = try? Data(contentsOf: file) else { return (outcome, nil) }
        XCTAssertEqual(outcome.line, "RMPSAM_BENCH_DONE \(SHA256Digest.hex(of: data))")
        return (outcome, try StrictJSON.read(LatencyReport.self, from: data, file: "report.json", keys: .snake))
    }

    func testASteadyPhoneGivesAReport() async throws {
        let (outcome, found) = try await bench(home())
        let report = try XCTUnwrap(found)
        XCTAssertEqual(outcome.status, 0, "\(report.reasons)")
        XCTAssertEqual(report.graphs.map(\.graph), ["encoder", "prompts"])
        XCTAssertEqual(report.graphs.map(\.rounds.count), [3, 3])
        XCTAssertEqual(report.graphs[0].summary?.n, 150)
        XCTAssertEqual(report.graphs[0].check.goldenMaxAbs, 0)
        XCTAssertEqual(report.load.coldMs, [60, 60, 60])
        XCTAssertEqual(report.runner.delegates, ["XnnpackBackend"])
        XCTAssertEqual(report.protocol.cooldownS, [0, 0, 0])
        XCTAssertNotNil(report.pipeline.promptMsP50)
        XCTAssertNil(report.plan)
        // Python checks the document against its own reading of the schema.
        if let path = ProcessInfo.processInfo.environment["RMPSAM_REPORT"] {
            try StrictJSON.write(report, keys: .snake).write(to: URL(fileURLWithPath: path))
        }
    }

    func testThePlanOfAllGraphsIsThatOfEachByItsTime() async throws {
        let half = ReportPlan(ane: 0.5, cpu: 0.5)
        let (_, found) = try await bench(home(), plans: [.encoder: half, .prompts: ReportPlan(gpu: 1)])
        let report = try XCTUnwrap(found)
        let medians = try report.graphs.map { try XCTUnwrap($0.summary).p50 }
        let share = medians[0] / (medians[0] + medians[1])
        let plan = try XCTUnwrap(report.plan)
        XCTAssertEqual(plan.ane, share / 2, accuracy: 1e-9)
        XCTAssertEqual(plan.cpu, share / 2, accuracy: 1e-9)
        XCTAssertEqual(plan.gpu, 1 - share, accuracy: 1e-9)
        let (_, partial) = try await bench(home(), plans: [.encoder: half])
        XCTAssertNil(partial?.plan)
    }

    func testAWrongAnswerIsNoLatency() async throws {
        let (outcome, report) = try await bench(home(), wrong: (1, 0))
        XCTAssertEqual(outcome.status, 6)
        XCTAssertEqual(report?.reasons, ["output-mismatch"])
        XCTAssertNil(report?.graphs[0].summary)
    }

    func testAnswersThatDifferFromRunToRunAreRefused() async throws {
        let (outcome, report) = try await bench(home(), wrong: (0, 1e-6))
        XCTAssertEqual(outcome.status, 6)
        XCTAssertEqual(report?.graphs.map(\.check.repeatable), [false, false])
    }

    func testAHotPhoneRestsAndIsRefusedWhenItStaysHot() async throws {
        let phone = FakePhone()
        await phone.heatUp([Int](repeating: 2, count: 500))
        let (outcome, report) = try await bench(home(), phone)
        XCTAssertEqual(outcome.status, 6)
        XCTAssertEqual(report?.reasons, ["throttled"])
        XCTAssertEqual(report?.protocol.cooldownS, [20, 20, 20])
        let rested = await phone.rested
        XCTAssertEqual(rested, 60)
    }

    func testAPhoneThatCoolsDownGoesOn() async throws {
        let phone = FakePhone()
        await phone.heatUp([2, 1, 0])
        let (outcome, report) = try await bench(home(), phone)
        XCTAssertEqual(outcome.status, 0)
        XCTAssertEqual(report?.protocol.cooldownS, [10, 0, 0])
    }

    func testAPhoneThatSlowsDownIsRefused() async throws {
        let phone = FakePhone()
        await phone.slowDown(by: 0.005)
        let (_, report) = try await bench(home(), phone)
        XCTAssertEqual(report?.reasons.contains("slows-down"), true)
    }

    func testARoundEndsAtItsLongest() async throws {
        let (_, report) = try await bench(home(["runs": 5000, "max_round_s": 1]))
        let counts = report?.graphs.flatMap(\.rounds).map(\.samplesMs.count) ?? []
        XCTAssertTrue(counts.allSatisfy { (45...55).contains($0) }, "\(counts)")
    }

    func testFailuresHaveTheirStatusAndOneLine() async throws {
        let cases: [([String: Any], Int32)] = [
            (["runs": 0], 2), (["bundle": "bundle/none"], 2), (["bundle": "../small"], 2), (["graphs": ["objects"]], 4),
        ]
        for (change, status) in cases {
            let (outcome, report) = try await bench(home(change))
            XCTAssertEqual(outcome.status, status, outcome.line)
            XCTAssertTrue(outcome.line.hasPrefix("RMPSAM_BENCH_FAILED "))
            XCTAssertFalse(outcome.line.contains("\n"))
            XCTAssertNil(report)
        }
    }

    func testWithoutTheFlagTheAppHasAFace() {
        let home = FileManager.default.temporaryDirectory
        XCTAssertNil(BenchEntry(arguments: ["app"], home: home))
        XCTAssertNotNil(BenchEntry(arguments: ["app", "--bench"], home: home))
    }

    func testAStampIsUTC() {
        let stamp = BenchRunner.stamp()
        XCTAssertNotNil(stamp.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/), stamp)
    }
}
