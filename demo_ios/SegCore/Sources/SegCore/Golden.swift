import Foundation

/// The golden pair: a formula's input, and what the shipped files answered, thinned out. A device checks itself with
/// it.
public struct Golden: Equatable, Sendable {
    /// The pair's name inside a bundle.
    public static let fileName = "golden.npz"
    static let maxValues = 4096

    /// `graph/name` to thinned values.
    public var values: [String: [Float]]

    /// From values, for example those of this device.
    public init(values: [String: [Float]]) {
        self.values = values
    }

    /// Reads the pair of a verified bundle. Throws `SegError`.
    public init(_ bundle: ModelBundle) throws {
        guard let data = try? Data(contentsOf: bundle.folder.appendingPathComponent(Golden.fileName)) else {
            throw SegError.missingFile(name: Golden.fileName)
        }
        values = try Npz.read(data, file: Golden.fileName).mapValues(\.values)
    }

    /// Every n-th number, n odd so that it does not keep step with a power of two.
    public static func thin(_ values: [Float]) -> [Float] {
        var step = (values.count + maxValues - 1) / maxValues
        step += step % 2 == 0 ? 1 : 0
        return stride(from: 0, to: values.count, by: max(step, 1)).map { values[$0] }
    }
}

/// The golden input: a picture and prompts made by formula.
public struct GoldenInputs: Equatable, Sendable {
    /// `[1, 3, H, W]`.
    public let pixelValues: Tensor
    /// One tap, and one box where there is a second slot.
    public let prompts: PromptInputs

    /// For a contract. Throws `SegError.noSize`.
    public init(_ contract: ModelContract) throws {
        let sizes = contract.sizes
        try self.init(
            size: sizes.size, slots: sizes.numSlots, numPoints: sizes.numPoints, mean: contract.mean, std: contract.std)
    }

    init(size: Extent, slots: Int, numPoints: Int, mean: [Double], std: [Double]) throws {
        let picture = try GoldenInputs.picture(size)
        pixelValues = try picture.pixelValues(Fit(size, into: size), mean: mean, std: std)
        let (height, width) = (Double(size.height), Double(size.width))
        var inputs = PromptInputs(slots: slots, numPoints: numPoints, fitted: size)
        inputs.set(point: Point(x: 0.4 * width, y: 0.55 * height), label: 1, at: 0, slot: 0)
        if slots > 1 {
            let box = Box(x1: 0.15 * width, y1: 0.3 * height, x2: 0.65 * width, y2: 0.8 * height)
            inputs.set(box: box, slot: 1)
        }
        prompts = inputs
    }

    /// The formula's picture, which fills the model input.
    public static func picture(_ size: Extent) throws -> Picture {
        var rgb: [UInt8] = []
        rgb.reserveCapacity(size.count * 3)
        for row in 0..<size.height {
            for column in 0..<size.width {
                let (y, x) = (Double(row) / Double(size.height), Double(column) / Double(size.width))
                let disc = pow(x - 0.4, 2) + pow(y - 0.55, 2) < 0.06 ? 1.0 : 0.0
                let channels = [0.5 + 0.4 * sin(9 * x + 5 * y), 0.2 + 0.6 * disc, 0.5 + 0.4 * cos(14 * x * y)]
                rgb += channels.map { UInt8((255 * $0).rounded(.toNearestOrEven)) }
            }
        }
        return try Picture(extent: size, rgb: rgb)
    }
}

/// How one output compares with the stored one.
public struct GoldenTensor: Equatable, Sendable {
    /// `graph/name`.
    public let key: String
    /// Largest difference, relative to the largest stored value.
    public let relativeError: Double
    /// Share of equal signs.
    public let signAgreement: Double

    /// Masks by their signs, since one flipped cell moves all later logits; the encoder by its numbers.
    public var passes: Bool {
        guard relativeError.isFinite else { return false }
        if isEncoder { return relativeError <= Self.encoderError }
        return signAgreement >= 0.98 || !isMask
    }

    static let encoderError = 0.02

    var isEncoder: Bool { key.hasPrefix("encoder/") }

    var isMask: Bool { key.hasSuffix("/mask_logits") }

    /// Compares all tensors, sorted by name. Throws `SegError.damaged` where the two hold others.
    public static func judge(stored: Golden, now: Golden) throws -> [GoldenTensor] {
        guard Set(stored.values.keys) == Set(now.values.keys) else {
            let wrong = Set(stored.values.keys).symmetricDifference(now.values.keys).sorted()
            throw SegError.damaged(file: Golden.fileName, what: "differs in " + wrong.joined(separator: ", "))
        }
        return stored.values.sorted { $0.key < $1.key }.map { key, wanted in
            compare(key, wanted, now.values[key] ?? [])
        }
    }

    private static func compare(_ key: String, _ wanted: [Float], _ got: [Float]) -> GoldenTensor {
        guard wanted.count == got.count, !wanted.isEmpty else {
            return GoldenTensor(key: key, relativeError: .infinity, signAgreement: 0)
        }
        let largest = Double(wanted.map(abs).max() ?? 0)
        let differences = zip(wanted, got).map { abs(Double($0) - Double($1)) }
        // max() passes over NaN in some places, and a NaN must fail.
        let error = differences.contains { !$0.isFinite } ? .infinity : differences.max() ?? 0
        let agreeing = zip(wanted, got).reduce(0) { $0 + (($1.0 > 0) == ($1.1 > 0) ? 1 : 0) }
        return GoldenTensor(
            key: key, relativeError: error / (largest == 0 ? 1 : largest),
            signAgreement: Double(agreeing) / Double(wanted.count))
    }
}
