import Foundation

/// Where the golden vectors lie that Python writes: `tests/golden/vectors`, or what `RMPSAM_VECTORS` names.
public enum VectorFolder {
    /// One file's bytes, named without `.json`.
    public static func data(_ name: String) throws -> Data {
        try Data(contentsOf: folder.appendingPathComponent(name + ".json"))
    }

    private static let folder: URL = {
        if let given = ProcessInfo.processInfo.environment["RMPSAM_VECTORS"] {
            return URL(fileURLWithPath: given)
        }
        let repository = (0..<5).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent() }
        return repository.appendingPathComponent("tests/golden/vectors")
    }()
}
