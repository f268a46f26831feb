import Foundation

/// An opened bundle: every byte is what the manifest says.
public struct ModelBundle: Equatable, Sendable {
    /// Where it lies.
    public let folder: URL
    /// What it says of itself.
    public let manifest: Manifest
    /// Of the manifest's bytes, which names the bundle.
    public let manifestSHA256: String

    /// The manifest's name.
    public static let manifestName = "manifest.json"
    /// The list of sums, in the form that `sha256sum -c` reads.
    public static let sumsName = "SHA256SUMS"

    /// Opens a bundle and verifies every file, links followed.
    ///
    /// Throws `SegError`: no bundle, a newer schema, a damaged, missing or exchanged file, a path that leaves the
    /// folder.
    public init(opening folder: URL) throws {
        let data = try ModelBundle.manifestData(folder)
        self.folder = folder
        manifest = try Manifest.read(data, file: ModelBundle.manifestName)
        manifestSHA256 = SHA256Digest.hex(of: data)
        for name in manifest.paths {
            try checkInside(name)
        }
        try checkSums()
        for (name, entry) in manifest.files.sorted(by: { $0.key < $1.key }) {
            try ModelBundle.check(folder.appendingPathComponent(name), entry, name: name)
        }
        for artifact in manifest.graphs.values
        where !FileManager.default.fileExists(atPath: folder.appendingPathComponent(artifact.path).path) {
            throw SegError.missingFile(name: artifact.path)
        }
    }

    /// Only the manifest, not verified: enough for a list of bundles.
    public static func peek(_ folder: URL) throws -> Manifest {
        try Manifest.read(manifestData(folder), file: manifestName)
    }

    /// The graph's description. Throws `SegError.noGraph` with the manifest's reason.
    public func artifact(_ graph: Graph) throws -> Artifact {
        guard let artifact = manifest.graphs[graph.rawValue] else {
            let reason = manifest.leftOut[graph.rawValue] ?? "it was not exported"
            throw SegError.noGraph(name: graph.rawValue, reason: reason)
        }
        return artifact
    }

    /// File or folder of one graph. Throws `SegError.noGraph`.
    public func url(_ graph: Graph) throws -> URL {
        try folder.appendingPathComponent(artifact(graph).path)
    }

    /// Whether the bundle has the graph.
    public func has(_ graph: Graph) -> Bool { manifest.graphs[graph.rawValue] != nil }

    private static func manifestData(_ folder: URL) throws -> Data {
        guard let data = try? Data(contentsOf: folder.appendingPathComponent(manifestName)) else {
            throw SegError.noBundle(name: folder.lastPathComponent)
        }
        return data
    }

    private func checkInside(_ name: String) throws {
        let root = folder.resolvingSymlinksInPath().standardizedFileURL.pathComponents
        let path = folder.appendingPathComponent(name).resolvingSymlinksInPath().standardizedFileURL.pathComponents
        guard path.count > root.count, Array(path.prefix(root.count)) == root else {
            throw SegError.outsideBundle(name: name)
        }
    }

    /// The list of sums holds exactly the manifest's own sum and those of all files.
    private func checkSums() throws {
        let name = ModelBundle.sumsName
        guard let data = try? Data(contentsOf: folder.appendingPathComponent(name)),
            let text = String(data: data, encoding: .utf8)
        else {
            throw SegError.missingFile(name: name)
        }
        var expected = manifest.files.mapValues(\.sha256)
        expected[ModelBundle.manifestName] = manifestSHA256
        let lines = text.split(separator: "\n", omittingEmptySubsequences: true)
        let listed = Set(lines.map(String.init))
        for (file, sum) in expected.sorted(by: { $0.key < $1.key }) where !listed.contains("\(sum)  \(file)") {
            throw SegError.wrongHash(name: file)
        }
        guard lines.count == expected.count else {
            throw SegError.damaged(file: name, what: "\(lines.count) sums; wanted \(expected.count)")
        }
    }

    private static func check(_ url: URL, _ entry: FileEntry, name: String) throws {
        let values = try? url.resourceValues(forKeys: [.fileSizeKey, .isRegularFileKey])
        guard values?.isRegularFile == true, let bytes = values?.fileSize else {
            throw SegError.missingFile(name: name)
        }
        guard bytes == entry.sizeBytes else {
            throw SegError.wrongSize(name: name, bytes: bytes, wanted: entry.sizeBytes)
        }
        guard try SHA256Digest.hex(ofFile: url) == entry.sha256 else { throw SegError.wrongHash(name: name) }
    }
}
