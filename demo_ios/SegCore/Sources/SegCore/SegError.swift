import Foundation

/// What can go wrong, as facts: the app has a sentence in its string catalog for each, `description` is for reports.
public enum SegError: Error, Equatable, Sendable {
    /// A file is not what its name promises: which one, and what is wrong.
    case damaged(file: String, what: String)
    /// A manifest of a later version of the tool.
    case newerSchema(found: Int, known: Int)
    /// A folder without a manifest, or no folder.
    case noBundle(name: String)
    /// A file that the manifest names is not there.
    case missingFile(name: String)
    /// A file is cut off, or of another export.
    case wrongSize(name: String, bytes: Int, wanted: Int)
    /// A file's SHA-256 differs from the manifest's.
    case wrongHash(name: String)
    /// The manifest names a path outside of its own folder.
    case outsideBundle(name: String)
    /// The bundle lacks a graph: why, as the manifest says it.
    case noGraph(name: String, reason: String)
    /// A side below one pixel, or a model input that is no multiple of 32 from 32 to 2048.
    case noSize(width: Int, height: Int)
    /// Numbers that do not belong together.
    case wrongShape(what: String)
    /// NaN or infinity where a number is needed.
    case notFinite(what: String)
    /// Neither point nor box.
    case noHint
    /// A point beyond the picture's edges.
    case pointOutside(x: Double, y: Double, picture: Extent)
    /// A label that is neither 1 nor 0.
    case unknownLabel(Int)
    /// A box without area inside the picture.
    case emptyBox
    /// Background points alone say nothing of what is wanted.
    case onlyBackground
    /// The model reads one foreground click or one box in a prompt.
    case oneHintOnly(points: Int, boxes: Int)
    /// More points than the model reads in one prompt.
    case tooManyPoints(count: Int, limit: Int)
    /// This build has no engine for the bundle's files.
    case noEngine(target: String)
    /// The engine failed: its own words.
    case engine(what: String)

    /// Who can do something about it; the names are those of the Python tool's errors.
    public enum Kind: String, Sendable {
        /// The file or the prompt is wrong.
        case input
        /// Right, but not for this model or this version.
        case unsupported
        /// The phone or its engine failed.
        case device
    }

    /// Sorts the cases as the Python tool does.
    public var kind: Kind {
        switch self {
        case .newerSchema, .noGraph, .oneHintOnly, .tooManyPoints, .noEngine: .unsupported
        case .engine: .device
        default: .input
        }
    }
}

extension SegError: CustomStringConvertible {
    /// One line for logs and reports: the value, the limit, the next step.
    public var description: String {
        switch self {
        case .damaged(let file, let what): "\(file): \(what); copy the bundle again"
        case .newerSchema(let found, let known): "schema \(found); this app reads up to \(known); update the app"
        case .noBundle(let name): "\(name) has no manifest.json; it is no bundle, or was copied in part"
        case .missingFile(let name): "\(name) is missing; copy the bundle again"
        case .wrongSize(let name, let bytes, let wanted): "\(name) has \(bytes) bytes; wanted \(wanted); copy it again"
        case .wrongHash(let name): "\(name): its sha256 is not the one in the manifest; copy the bundle again"
        case .outsideBundle(let name): "\(name) lies outside of the bundle; do not use this bundle"
        case .noGraph(let name, let reason): "the bundle has no \(name) graph: \(reason)"
        case .noSize(let width, let height): "\(width) x \(height) px is no size"
        case .wrongShape(let what): "\(what) do not belong together"
        case .notFinite(let what): "\(what) hold NaN or infinity"
        default: promptDescription
        }
    }

    private var promptDescription: String {
        switch self {
        case .noHint: "no point and no box; give at least one"
        case .pointOutside(let x, let y, let picture):
            "point \(x),\(y) lies outside of the picture of \(picture.width) x \(picture.height) px"
        case .unknownLabel(let label): "point label \(label); known: 1 foreground, 0 background"
        case .emptyBox: "the box has no area inside the picture"
        case .onlyBackground: "background points and nothing wanted; give a box or a foreground point as well"
        case .oneHintOnly(let points, let boxes):
            "this model reads one foreground click or one box a prompt; got \(points) points and \(boxes) boxes"
        case .tooManyPoints(let count, let limit): "this model reads up to \(limit) points a prompt; got \(count)"
        case .noEngine(let target): "no engine for \(target) in this build"
        case .engine(let what): what
        default: ""
        }
    }
}
