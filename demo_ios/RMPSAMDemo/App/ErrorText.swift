import Foundation
import SegCore

extension SegError {
    /// A sentence for a person: what is wrong, and what to do next.
    var sentence: String {
        switch self {
        case .damaged(let name, _), .wrongHash(let name), .wrongSize(let name, _, _):
            String(localized: "error.damaged \(name)")
        case .missingFile(let name): String(localized: "error.missing \(name)")
        case .newerSchema: String(localized: "error.newer")
        case .noBundle(let name): String(localized: "error.noBundle \(name)")
        case .outsideBundle: String(localized: "error.outside")
        case .noGraph(let name, _): String(localized: "error.noGraph \(name)")
        case .noEngine(let target): String(localized: "error.noEngine \(target)")
        case .engine(let what): String(localized: "error.engine \(what)")
        case .noSize, .wrongShape, .notFinite: String(localized: "error.numbers")
        default: promptSentence
        }
    }

    private var promptSentence: String {
        switch self {
        case .pointOutside: String(localized: "error.pointOutside")
        case .emptyBox: String(localized: "error.emptyBox")
        case .onlyBackground: String(localized: "error.onlyBackground")
        case .oneHintOnly: String(localized: "error.oneHintOnly")
        case .tooManyPoints(_, let limit): String(localized: "error.tooManyPoints \(limit.formatted())")
        default: String(localized: "error.noHint")
        }
    }
}
