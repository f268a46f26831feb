import Foundation
import SegCore

/// The app without a face: `--bench request.json` measures, writes `Documents/bench/report.json` and ends the process.
public struct BenchEntry: Sendable {
    /// What a computer waits for on the app's standard output.
    public static let done = "RMPSAM_BENCH_DONE"
    /// Followed by one sentence.
    public static let failed = "RMPSAM_BENCH_FAILED"

    /// How it ended: the exit status and the line to print.
    public struct Outcome: Equatable, Sendable {
        /// 0 figures, 6 refused, else as the Python tool's errors: 2 input, 4 unsupported, 7 device.
        public let status: Int32
        /// One line.
        public let line: String
    }

    private let home: URL
    private let request: String
    /// Size of the picture that the steps around the graphs are timed with.
    var picture = Extent(height: 1080, width: 1440)

    /// Nil without `--bench`. Paths are relative to `home`, the app's container.
    public init?(arguments: [String], home: URL) {
        guard let flag = arguments.firstIndex(of: "--bench") else { return nil }
        request = arguments.indices.contains(flag + 1) ? arguments[flag + 1] : ""
        self.home = home
    }

    /// Measures and writes the report; never throws, since nobody is there to catch.
    public func run(phone: any Phone, open: (ModelBundle, BenchRequest) throws -> any Engine) async -> Outcome {
        do {
            let report = try await measure(phone, open)
            let data = try StrictJSON.write(report, keys: .snake)
            let folder = home.appendingPathComponent("Documents/bench", isDirectory: true)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try data.write(to: folder.appendingPathComponent("report.json"), options: .atomic)
            return Outcome(status: report.status == .ok ? 0 : 6, line: "\(Self.done) \(SHA256Digest.hex(of: data))")
        } catch {
            let sentence = "\(error)".replacingOccurrences(of: "\n", with: " ")
            return Outcome(status: Self.status(error), line: "\(Self.failed) \(sentence)")
        }
    }

    private func measure(
        _ phone: any Phone, _ open: (ModelBundle, BenchRequest) throws -> any Engine
    ) async throws -> LatencyReport {
        try Manifest.checkPath(request)
        guard let data = try? Data(contentsOf: home.appendingPathComponent(request)) else {
            throw SegError.missingFile(name: request)
        }
        let wanted = try BenchRequest.read(data, file: request)
        let bundle = try ModelBundle(opening: home.appendingPathComponent("Documents/" + wanted.bundle))
        let engine = try open(bundle, wanted)
        return try await BenchRunner(engine, wanted, phone, picture: picture).run(command: ["--bench", request])
    }

    private static func status(_ error: any Error) -> Int32 {
        switch (error as? SegError)?.kind {
        case .input: 2
        case .unsupported: 4
        case .device, nil: 7
        }
    }
}
