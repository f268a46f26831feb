/// A row-major float32 array with its shape, the form in which numbers go to an engine and come back.
public struct Tensor: Equatable, Sendable {
    /// Sides, outermost first.
    public let shape: [Int]
    /// As many as the product of the sides.
    public var values: [Float]

    /// Throws `SegError.wrongShape` where the count is not the product of the sides.
    public init(shape: [Int], values: [Float]) throws {
        guard shape.allSatisfy({ $0 >= 0 }), shape.reduce(1, *) == values.count else {
            throw SegError.wrongShape(what: "\(values.count) values and shape \(shape)")
        }
        self.shape = shape
        self.values = values
    }

    /// A tensor of one value.
    public init(repeating value: Float, shape: [Int]) {
        self.shape = shape
        values = [Float](repeating: value, count: shape.reduce(1, *))
    }

    /// The part at `index` of the first axis behind a batch of one: `[1, N, ...]` gives `[...]`.
    public func part(_ index: Int) throws -> Tensor {
        guard shape.count >= 2, shape[0] == 1, (0..<shape[1]).contains(index) else {
            throw SegError.wrongShape(what: "part \(index) and shape \(shape)")
        }
        let inner = Array(shape.dropFirst(2))
        let length = inner.reduce(1, *)
        return try Tensor(shape: inner, values: Array(values[index * length..<(index + 1) * length]))
    }
}

extension Picture {
    /// The encoder's input `[1, 3, H, W]`: resized, normalised, in the top left corner; padding is zero, the mean
    /// colour.
    ///
    /// Throws `SegError.wrongShape` where the fit is for another picture.
    public func pixelValues(_ fit: Fit, mean: [Double], std: [Double]) throws -> Tensor {
        guard extent == fit.picture, mean.count == 3, std.count == 3 else {
            throw SegError.wrongShape(what: "picture \(extent) and fit for \(fit.picture)")
        }
        let small = try resized(to: fit.fitted)
        var canvas = Tensor(repeating: 0, shape: [1, 3, fit.size.height, fit.size.width])
        for channel in 0..<3 {
            let table = (0..<256).map { (Float($0) - Float(mean[channel])) / Float(std[channel]) }
            for y in 0..<fit.fitted.height {
                let source = y * fit.fitted.width * 3 + channel
                let target = channel * fit.size.count + y * fit.size.width
                for x in 0..<fit.fitted.width {
                    canvas.values[target + x] = table[Int(small.rgb[source + x * 3])]
                }
            }
        }
        return canvas
    }
}
