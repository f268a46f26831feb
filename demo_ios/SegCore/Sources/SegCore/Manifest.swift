import Foundation

/// Name, static shape, dtype and meaning of one tensor at a graph's border.
public struct TensorSpec: Codable, Equatable, Sendable {
    /// As the graph calls it.
    public let name: String
    /// Sides, outermost first.
    public let shape: [Int]
    /// For a reader.
    public let meaning: String
    /// As numpy names it.
    public let dtype: String
}

/// An operator that the delegate did not take.
public struct Leftover: Codable, Equatable, Sendable {
    /// Its name.
    public let `operator`: String
    /// How often.
    public let count: Int
    /// Of the graph's multiply-adds.
    public let macShare: Double

    enum CodingKeys: String, CodingKey {
        case `operator`, count
        case macShare = "mac_share"
    }
}

/// How much of a graph the delegate took.
public struct Delegation: Codable, Equatable, Sendable {
    /// Its name.
    public let delegate: String
    /// Parts that were handed over.
    public let subgraphs: Int
    /// Operators in them.
    public let operatorsDelegated: Int
    /// Operators in all.
    public let operatorsTotal: Int
    /// Multiply-adds in them.
    public let macsDelegated: Int
    /// Multiply-adds in all.
    public let macsTotal: Int
    /// What stayed.
    public let leftovers: [Leftover]

    enum CodingKeys: String, CodingKey {
        case delegate, subgraphs, leftovers
        case operatorsDelegated = "operators_delegated"
        case operatorsTotal = "operators_total"
        case macsDelegated = "macs_delegated"
        case macsTotal = "macs_total"
    }

    /// Delegated share of the multiply-adds, 0 to 1.
    public var macShare: Double { Double(macsDelegated) / Double(max(macsTotal, 1)) }
}

/// One lowered graph: its file or folder below the bundle, its border, and what is known of it.
public struct Artifact: Codable, Equatable, Sendable {
    /// Below the bundle's folder.
    public let path: String
    /// Which part of the model.
    public let graph: Graph
    /// Which engine reads it.
    public let target: Target
    /// For example `fp32`.
    public let precision: String
    /// Of the file or folder.
    public let sizeBytes: Int
    /// In call order.
    public let inputs: [TensorSpec]
    /// In call order.
    public let outputs: [TensorSpec]
    /// What the delegate took.
    public let delegation: Delegation
    /// Without the delegate's own workspace; nil where the engine does not tell.
    @Nullable public var plannedMemoryBytes: Int?

    enum CodingKeys: String, CodingKey {
        case path, graph, target, precision, inputs, outputs, delegation
        case sizeBytes = "size_bytes"
        case plannedMemoryBytes = "planned_memory_bytes"
    }
}

/// Hash and length of one file of the bundle.
public struct FileEntry: Codable, Equatable, Sendable {
    /// 64 hexadecimal digits.
    public let sha256: String
    /// Length.
    public let sizeBytes: Int

    enum CodingKeys: String, CodingKey {
        case sha256
        case sizeBytes = "size_bytes"
    }
}

/// How weights and activations are stored.
public struct Recipe: Codable, Equatable, Sendable {
    /// `fp32`, `fp16` or a quantization recipe.
    public let name: String
    /// Hash of the calibration pictures.
    @Nullable public var calibrationSHA256: String?
    /// How many there were.
    public let calibrationPictures: Int

    enum CodingKeys: String, CodingKey {
        case name
        case calibrationSHA256 = "calibration_sha256"
        case calibrationPictures = "calibration_pictures"
    }
}

/// The JSON contract between the Python tool and the apps: an app's only source of numbers.
public struct Manifest: Codable, Equatable, Sendable {
    /// The schema that this code reads.
    public static let schema = 2

    /// Of the bundle.
    public let name: String
    /// What the model expects and knows.
    public let contract: ModelContract
    /// Of the weights that were exported.
    public let checkpointSHA256: String
    /// By name of the graph.
    public let graphs: [String: Artifact]
    /// Which rewrites ran, and how many modules each changed.
    public let rewrites: [String: Int]
    /// How weights and activations are stored.
    public let recipe: Recipe
    /// Graphs that are not here, and why.
    public let leftOut: [String: String]
    /// What wrote it.
    public let versions: [String: String]
    /// What can read it.
    public let lowestRuntime: [String: String]
    /// Of code and weights.
    public let licences: [String: String]
    /// Who made the golden outputs: `files` or `eager`.
    public let goldenSource: String
    /// Hash and length of every file but the manifest.
    public let files: [String: FileEntry]
    /// Version of this document.
    public let schema: Int

    enum CodingKeys: String, CodingKey {
        case name, contract, graphs, rewrites, recipe, versions, licences, files, schema
        case checkpointSHA256 = "checkpoint_sha256"
        case leftOut = "left_out"
        case lowestRuntime = "lowest_runtime"
        case goldenSource = "golden_source"
    }

    /// Reads a manifest. `file` is the name that an error mentions.
    ///
    /// Throws `SegError.newerSchema`, `.damaged` for a key that is missing, unknown or of the wrong type, and
    /// `.outsideBundle` for a path that leaves the folder.
    public static func read(_ data: Data, file: String) throws -> Manifest {
        try checkSchema(data, file: file)
        let manifest = try StrictJSON.read(Manifest.self, from: data, file: file)
        try manifest.contract.check(file: file)
        for name in manifest.paths {
            try checkPath(name)
        }
        return manifest
    }

    /// All paths that the manifest names.
    public var paths: [String] { files.keys.sorted() + graphs.values.map(\.path).sorted() }

    /// Refuses a path that is empty, absolute, or climbs; links are followed when the files are checked.
    public static func checkPath(_ name: String) throws {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let leaves =
            name.isEmpty || name.hasPrefix("/") || parts.contains("..") || name.contains("\\")
            || name.contains(":") || name.contains("\0")
        if leaves { throw SegError.outsideBundle(name: name) }
    }

    private static func checkSchema(_ data: Data, file: String) throws {
        guard let document = try? JSONDecoder().decode(JSONValue.self, from: data) else {
            throw SegError.damaged(file: file, what: "no JSON")
        }
        guard case .object(let keys) = document, case .number(let found)? = keys["schema"], found == found.rounded(),
            abs(found) < 1e6
        else {
            throw SegError.damaged(file: file, what: "no schema; it is no bundle's manifest")
        }
        if Int(found) > schema { throw SegError.newerSchema(found: Int(found), known: schema) }
        if Int(found) < schema { throw SegError.damaged(file: file, what: "schema \(Int(found)); wanted \(schema)") }
    }
}
