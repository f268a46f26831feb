import Foundation

/// Reads numpy's archives of float32 arrays: a zip without compression, of `.npy` files.
public enum Npz {
    /// By name without `.npy`. `file` is the name that an error mentions.
    ///
    /// Throws `SegError.damaged` for anything but stored float32 arrays in C order.
    public static func read(_ data: Data, file: String) throws -> [String: Tensor] {
        let bytes = Bytes(data: [UInt8](data), file: file)
        var arrays: [String: Tensor] = [:]
        for entry in try entries(bytes) {
            guard entry.name.hasSuffix(".npy") else { throw bytes.damage("\(entry.name) is no array") }
            arrays[String(entry.name.dropLast(4))] = try array(bytes, entry)
        }
        return arrays
    }

    private struct Entry {
        let name: String
        let start: Int
        let size: Int
    }

    /// Walks the central directory, which the last record of the file points to.
    private static func entries(_ bytes: Bytes) throws -> [Entry] {
        var end = bytes.data.count - 22
        while end >= max(0, bytes.data.count - 22 - 65535), try bytes.number(end, 4) != 0x0605_4b50 { end -= 1 }
        guard end >= 0, try bytes.number(end, 4) == 0x0605_4b50 else { throw bytes.damage("no zip archive") }
        let count = try bytes.number(end + 10, 2)
        var place = try bytes.number(end + 16, 4)
        return try (0..<count).map { _ in
            guard try bytes.number(place, 4) == 0x0201_4b50 else { throw bytes.damage("a broken directory") }
            let (method, size) = (try bytes.number(place + 10, 2), try bytes.number(place + 20, 4))
            guard method == 0 else { throw bytes.damage("compressed; wanted stored") }
            let nameLength = try bytes.number(place + 28, 2)
            let name = try bytes.text(place + 46, nameLength)
            let header = try bytes.number(place + 42, 4)
            let start = try header + 30 + bytes.number(header + 26, 2) + bytes.number(header + 28, 2)
            place += try 46 + nameLength + bytes.number(place + 30, 2) + bytes.number(place + 32, 2)
            return Entry(name: name, start: start, size: size)
        }
    }

    /// An array: a magic number, a version, a Python dictionary as header, and the values.
    private static func array(_ bytes: Bytes, _ entry: Entry) throws -> Tensor {
        guard entry.size >= 10, try bytes.text(entry.start + 1, 5) == "NUMPY" else {
            throw bytes.damage("\(entry.name) is no array")
        }
        let isFirst = try bytes.number(entry.start + 6, 1) == 1
        let length = try bytes.number(entry.start + 8, isFirst ? 2 : 4)
        let header = try bytes.text(entry.start + (isFirst ? 10 : 12), length)
        guard header.contains("'descr': '<f4'"), header.contains("'fortran_order': False") else {
            throw bytes.damage("\(entry.name) is no float32 array in C order")
        }
        let shape = try shape(header, bytes, entry)
        let start = entry.start + (isFirst ? 10 : 12) + length
        let count = (entry.start + entry.size - start) / 4
        let values = try (0..<max(count, 0)).map {
            Float(bitPattern: UInt32(truncatingIfNeeded: try bytes.number(start + $0 * 4, 4)))
        }
        return try Tensor(shape: shape, values: values)
    }

    private static func shape(_ header: String, _ bytes: Bytes, _ entry: Entry) throws -> [Int] {
        guard let open = header.range(of: "'shape': ("),
            let close = header.range(of: ")", range: open.upperBound..<header.endIndex)
        else { throw bytes.damage("\(entry.name) has no shape") }
        let sides = header[open.upperBound..<close.lowerBound].split(separator: ",")
        return try sides.compactMap { side in
            let digits = side.trimmingCharacters(in: .whitespaces)
            if digits.isEmpty { return nil }
            guard let value = Int(digits), value >= 0, value < 1 << 32 else {
                throw bytes.damage("\(entry.name) has a broken shape")
            }
            return value
        }
    }
}

/// Little-endian reading that never leaves the data.
private struct Bytes {
    let data: [UInt8]
    let file: String

    func damage(_ what: String) -> SegError { .damaged(file: file, what: what) }

    func number(_ start: Int, _ length: Int) throws -> Int {
        guard start >= 0, start <= data.count - length else { throw damage("cut off") }
        return (0..<length).reduce(0) { $0 | Int(data[start + $1]) << (8 * $1) }
    }

    func text(_ start: Int, _ length: Int) throws -> String {
        guard start >= 0, length >= 0, start <= data.count - length,
            let text = String(bytes: data[start..<start + length], encoding: .utf8)
        else { throw damage("cut off") }
        return text
    }
}
