import Foundation

/// Any JSON value, to look at a document before its type is known.
enum JSONValue: Codable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case text(String)
    case list([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        case .list(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

/// JSON without tolerance: a key that is missing, unknown or of another type is an error that names it.
public enum StrictJSON {
    /// How names in Swift become keys.
    public enum Keys: Sendable {
        /// As the type's coding keys say.
        case exact
        /// `minRoundS` is `min_round_s`.
        case snake
    }

    /// Reads a document. `file` is the name that an error mentions.
    ///
    /// Throws `SegError.damaged`.
    public static func read<Value: Codable>(
        _ type: Value.Type, from data: Data, file: String, keys: Keys = .exact
    ) throws -> Value {
        do {
            let decoder = JSONDecoder()
            let given = try decoder.decode(JSONValue.self, from: data)
            decoder.keyDecodingStrategy = keys == .snake ? .convertFromSnakeCase : .useDefaultKeys
            let value = try decoder.decode(Value.self, from: data)
            // What is read, written again, must be the same document: no key was passed over.
            let again = try JSONDecoder().decode(JSONValue.self, from: write(value, keys: keys))
            if let place = difference(given, again, at: "") {
                throw SegError.damaged(file: file, what: "\(place) is unknown or not as it must be")
            }
            return value
        } catch let error as DecodingError {
            throw SegError.damaged(file: file, what: sentence(error))
        }
    }

    /// Writes a document with sorted keys; equal values give equal bytes.
    public static func write(_ value: some Encodable, keys: Keys = .exact) throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = keys == .snake ? .convertToSnakeCase : .useDefaultKeys
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value)
    }

    private static func difference(_ a: JSONValue, _ b: JSONValue, at path: String) -> String? {
        switch (a, b) {
        case (.object(let left), .object(let right)):
            for key in Set(left.keys).union(right.keys).sorted() {
                guard let l = left[key], let r = right[key] else { return path + "." + key }
                if let place = difference(l, r, at: path + "." + key) { return place }
            }
            return nil
        case (.list(let left), .list(let right)):
            guard left.count == right.count else { return path }
            return zip(left, right).enumerated().lazy.compactMap { index, pair in
                difference(pair.0, pair.1, at: "\(path)[\(index)]")
            }.first
        default:
            return a == b ? nil : path
        }
    }

    private static func sentence(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let context): "\(path(context)).\(key.stringValue) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            "\(path(context)): \(context.debugDescription)"
        @unknown default: "cannot be read"
        }
    }

    private static func path(_ context: DecodingError.Context) -> String {
        context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? "." + $0.stringValue }.joined()
    }
}
