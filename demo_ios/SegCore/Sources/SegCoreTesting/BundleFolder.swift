import Foundation
import SegCore

/// A small bundle on disk, written from the vectors' manifest with true sums; tests then spoil it.
public struct BundleFolder {
    /// Where it lies.
    public let url: URL
    /// What stands in its manifest.
    public private(set) var manifest: [String: Any]

    /// An encoder, prompts and a golden pair of two numbers.
    public init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("bundle-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        let file = try JSONSerialization.jsonObject(with: VectorFolder.data("manifests")) as? [String: Any]
        manifest = file?["good"] as? [String: Any] ?? [:]
        try write("encoder.pte", Data("encoder file".utf8))
        try write("prompts.pte", Data("prompts file".utf8))
        try write(Golden.fileName, ZipFile.npz(["encoder/mask_features": [1, 2]]))
        try finish()
    }

    /// Opens and verifies it.
    public func open() throws -> ModelBundle { try ModelBundle(opening: url) }

    /// A file, without its sum.
    public func write(_ name: String, _ data: Data) throws {
        try data.write(to: url.appendingPathComponent(name))
    }

    /// Deletes a file, without its sum.
    public func remove(_ name: String) throws {
        try FileManager.default.removeItem(at: url.appendingPathComponent(name))
    }

    /// Sets one key of the manifest, and the sums.
    public mutating func change(_ key: String, _ value: Any) throws {
        manifest[key] = value
        try seal()
    }

    /// Writes manifest and sums of all files that are there.
    public mutating func finish() throws {
        var files: [String: Any] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: url.path)
        where name != ModelBundle.manifestName && name != ModelBundle.sumsName {
            let data = try Data(contentsOf: url.appendingPathComponent(name))
            files[name] = ["sha256": SHA256Digest.hex(of: data), "size_bytes": data.count]
        }
        try change("files", files)
    }

    private func seal() throws {
        let data = try JSONSerialization.data(withJSONObject: manifest)
        try write(ModelBundle.manifestName, data)
        var lines = ["\(SHA256Digest.hex(of: data))  \(ModelBundle.manifestName)"]
        for (name, entry) in manifest["files"] as? [String: [String: Any]] ?? [:] {
            lines.append("\(entry["sha256"] ?? "")  \(name)")
        }
        try write(ModelBundle.sumsName, Data((lines.joined(separator: "\n") + "\n").utf8))
    }
}
