import Foundation

#if canImport(CryptoKit)
    import CryptoKit
#endif

/// SHA-256 as 64 hexadecimal digits: CryptoKit where there is one, else the standard's algorithm in plain Swift.
public enum SHA256Digest {
    /// Of bytes in memory.
    public static func hex(of data: Data) -> String {
        var hasher = Hasher()
        hasher.update(data)
        return hasher.finish()
    }

    /// Of a file, a megabyte at a time. Throws `SegError.missingFile` where it cannot be read.
    public static func hex(ofFile url: URL) throws -> String {
        guard let handle = try? FileHandle(forReadingFrom: url) else {
            throw SegError.missingFile(name: url.lastPathComponent)
        }
        defer { try? handle.close() }
        var hasher = Hasher()
        while let chunk = try handle.read(upToCount: 1 << 20), !chunk.isEmpty {
            hasher.update(chunk)
        }
        return hasher.finish()
    }

    #if canImport(CryptoKit)
        private struct Hasher {
            private var inner = CryptoKit.SHA256()
            mutating func update(_ data: Data) { inner.update(data: data) }
            func finish() -> String { SHA256Digest.hex(inner.finalize()) }
        }
    #else
        private typealias Hasher = PlainSHA256
    #endif

    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}

/// SHA-256 of FIPS 180-4, fed piece by piece.
struct PlainSHA256 {
    private var state: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]
    private var pending: [UInt8] = []
    private var length: UInt64 = 0

    mutating func update(_ data: Data) {
        length += UInt64(data.count)
        pending.append(contentsOf: data)
        let whole = pending.count / 64 * 64
        for start in stride(from: 0, to: whole, by: 64) { block(start) }
        pending.removeFirst(whole)
    }

    func finish() -> String {
        var last = self
        last.pending.append(0x80)
        while last.pending.count % 64 != 56 { last.pending.append(0) }
        for shift in stride(from: 56, through: 0, by: -8) {
            last.pending.append(UInt8(truncatingIfNeeded: (length * 8) >> UInt64(shift)))
        }
        for start in stride(from: 0, to: last.pending.count, by: 64) { last.block(start) }
        return SHA256Digest.hex(
            last.state.flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) } })
    }

    private mutating func block(_ start: Int) {
        let words = schedule(start)
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        var (e, f, g, h) = (state[4], state[5], state[6], state[7])
        for i in 0..<64 {
            let s1 = Self.turn(e, 6) ^ Self.turn(e, 11) ^ Self.turn(e, 25)
            let first = h &+ s1 &+ ((e & f) ^ (~e & g)) &+ Self.constants[i] &+ words[i]
            let s0 = Self.turn(a, 2) ^ Self.turn(a, 13) ^ Self.turn(a, 22)
            let second = s0 &+ ((a & b) ^ (a & c) ^ (b & c))
            (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
        }
        for (i, value) in [a, b, c, d, e, f, g, h].enumerated() { state[i] &+= value }
    }

    private func schedule(_ start: Int) -> [UInt32] {
        var words = [UInt32](repeating: 0, count: 64)
        for i in 0..<16 {
            for byte in 0..<4 { words[i] = words[i] << 8 | UInt32(pending[start + i * 4 + byte]) }
        }
        for i in 16..<64 {
            let (x, y) = (words[i - 15], words[i - 2])
            let s0 = Self.turn(x, 7) ^ Self.turn(x, 18) ^ (x >> 3)
            let s1 = Self.turn(y, 17) ^ Self.turn(y, 19) ^ (y >> 10)
            words[i] = words[i - 16] &+ s0 &+ words[i - 7] &+ s1
        }
        return words
    }

    private static func turn(_ value: UInt32, _ bits: UInt32) -> UInt32 { value >> bits | value << (32 - bits) }

    private static let constants: [UInt32] = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ]
}
