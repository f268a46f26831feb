import Foundation
import SegCore
import SegCoreTesting

@testable import SegEngine

/// A bundle on disk whose golden pair is what `FakeEngine` answers.
enum FakeBundle {
    static func make() async throws -> URL {
        var folder = try BundleFolder()
        let answers = try await SelfTest.answers(FakeEngine(folder.open()), [.encoder, .prompts])
        try folder.write(Golden.fileName, ZipFile.npz(answers.values))
        try folder.finish()
        return folder.url
    }
}
