import Foundation
import SegCore

/// Bundles below the app's Documents: dropped there by a cable, through Files, or imported.
public struct ModelLibrary: Sendable {
    /// A folder that looks like a bundle; it is verified when it is opened.
    public struct Entry: Identifiable, Hashable, Sendable {
        /// Where it lies.
        public let url: URL
        /// The manifest's name, or the folder's where the manifest cannot be read.
        public let name: String
        /// Precision and target, for a list.
        public let detail: String

        /// Its place.
        public var id: URL { url }
    }

    private let documents: URL

    /// For the app's Documents.
    public init(documents: URL) {
        self.documents = documents
    }

    /// All bundles in Documents, `models` and `bundle` below it, by name.
    public func entries() -> [Entry] {
        let folders = ["", "models", "bundle"].map { documents.appendingPathComponent($0, isDirectory: true) }
        let found = folders.flatMap { folder in
            (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        }
        return found.compactMap(entry).sorted { ($0.name, $0.url.path) < ($1.name, $1.url.path) }
    }

    /// Copies a bundle into `models` and verifies the copy; nothing is left behind where it fails. An older one of the
    /// same folder name is replaced only by a sound one.
    ///
    /// Throws `SegError`, or the system's error for a full disk.
    public func add(_ folder: URL) throws -> Entry {
        _ = try ModelBundle.peek(folder)
        let models = documents.appendingPathComponent("models", isDirectory: true)
        try FileManager.default.createDirectory(at: models, withIntermediateDirectories: true)
        let temporary = models.appendingPathComponent("." + UUID().uuidString, isDirectory: true)
        defer { try? FileManager.default.removeItem(at: temporary) }
        try FileManager.default.copyItem(at: folder, to: temporary)
        let bundle = try ModelBundle(opening: temporary)
        let target = models.appendingPathComponent(folder.lastPathComponent, isDirectory: true)
        if FileManager.default.fileExists(atPath: target.path) { try FileManager.default.removeItem(at: target) }
        try FileManager.default.moveItem(at: temporary, to: target)
        return Entry(url: target, name: bundle.manifest.name, detail: Self.detail(bundle.manifest))
    }

    private func entry(_ url: URL) -> Entry? {
        let manifest = url.appendingPathComponent(ModelBundle.manifestName)
        guard !url.lastPathComponent.hasPrefix("."), FileManager.default.fileExists(atPath: manifest.path) else {
            return nil
        }
        guard let read = try? ModelBundle.peek(url) else {
            return Entry(url: url, name: url.lastPathComponent, detail: "")
        }
        return Entry(url: url, name: read.name, detail: Self.detail(read))
    }

    private static func detail(_ manifest: Manifest) -> String {
        let targets = Set(manifest.graphs.values.map(\.target.rawValue)).sorted()
        return ([manifest.recipe.name] + targets).joined(separator: " · ")
    }
}
