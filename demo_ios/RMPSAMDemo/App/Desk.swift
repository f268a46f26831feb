import Foundation
import Observation
import SegCore
import SegEngine
import UIKit

/// What all screens share: the session, the bundles, and the one in use.
@MainActor
@Observable
final class Desk {
    let session = Session()
    private(set) var models: [ModelLibrary.Entry] = []
    private(set) var current: ModelLibrary.Entry?
    private(set) var isOpening = false
    private let library = ModelLibrary(documents: URL.documentsDirectory)

    /// Lists the bundles, and opens the first one where none is open.
    func start() async {
        models = library.entries()
        if current == nil, let first = models.first { await open(first) }
    }

    /// Verifies a bundle and takes it into use, self-test included.
    func open(_ entry: ModelLibrary.Entry) async {
        isOpening = true
        defer { isOpening = false }
        do {
            let engine = try await Self.engine(entry.url)
            let device = ApplePhone.machine + ProcessInfo.processInfo.operatingSystemVersionString
            let folder = URL.applicationSupportDirectory.appending(path: "selftests")
            await session.use(engine) { try await SelfTest.once($0, device: device, folder: folder) }
            current = session.engine == nil ? nil : entry
        } catch {
            session.fail(error as? SegError ?? .engine(what: error.localizedDescription))
        }
    }

    /// Copies a bundle that a person chose in Files, and opens it.
    func add(_ url: URL) async {
        let isScoped = url.startAccessingSecurityScopedResource()
        defer { if isScoped { url.stopAccessingSecurityScopedResource() } }
        isOpening = true
        defer { isOpening = false }
        do {
            let entry = try await Self.copy(url, library)
            models = library.entries()
            await open(entry)
        } catch {
            session.fail(error as? SegError ?? .engine(what: error.localizedDescription))
        }
    }

    private nonisolated static func engine(_ url: URL) async throws -> any Engine {
        let cache = URL.applicationSupportDirectory.appending(path: "compiled")
        return try Engines.open(ModelBundle(opening: url), cache: cache)
    }

    private nonisolated static func copy(_ url: URL, _ library: ModelLibrary) async throws -> ModelLibrary.Entry {
        try library.add(url)
    }
}
