import Foundation

/// Writes what `Npz` reads: stored arrays of float32.
public enum ZipFile {
    /// An archive; `method` is what its entries claim to be compressed with.
    public static func npz(_ arrays: [String: [Float]], method: Int = 0) -> Data {
        var (body, directory) = (Data(), Data())
        for (name, values) in arrays.sorted(by: { $0.key < $1.key }) {
            let (path, content) = (Data((name + ".npy").utf8), npy(values))
            let about =
                number(20, 2) + number(0, 2) + number(method, 2) + number(0, 8) + number(content.count, 4)
                + number(content.count, 4) + number(path.count, 2) + number(0, 2)
            directory += number(0x0201_4b50, 4) + number(20, 2) + about
            directory += number(0, 10) + number(body.count, 4) + path
            body += number(0x0403_4b50, 4) + about + path + content
        }
        let end =
            number(0x0605_4b50, 4) + number(0, 4) + number(arrays.count, 2) + number(arrays.count, 2)
            + number(directory.count, 4) + number(body.count, 4) + number(0, 2)
        return body + directory + end
    }

    private static func npy(_ values: [Float]) -> Data {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(values.count),), }\n"
        var data = Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0]) + number(header.utf8.count, 2) + Data(header.utf8)
        for value in values { data += number(Int(value.bitPattern), 4) }
        return data
    }

    private static func number(_ value: Int, _ length: Int) -> Data {
        Data((0..<length).map { UInt8(truncatingIfNeeded: $0 < 8 ? value >> (8 * $0) : 0) })
    }
}
