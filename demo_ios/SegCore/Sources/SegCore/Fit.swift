/// Height and width in pixels. In JSON it is `[height, width]`.
public struct Extent: Hashable, Sendable {
    /// Rows.
    public let height: Int
    /// Columns.
    public let width: Int

    /// Any two numbers; whoever needs pixels checks them.
    public init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    /// Pixels.
    public var count: Int { height * width }
}

extension Extent: Codable {
    /// Reads `[height, width]`, refusing another count.
    public init(from decoder: any Decoder) throws {
        let sides = try [Int](from: decoder)
        guard sides.count == 2 else {
            let context = DecodingError.Context(
                codingPath: decoder.codingPath, debugDescription: "\(sides.count) sides; wanted 2")
            throw DecodingError.dataCorrupted(context)
        }
        self.init(height: sides[0], width: sides[1])
    }

    /// Writes `[height, width]`.
    public func encode(to encoder: any Encoder) throws {
        try [height, width].encode(to: encoder)
    }
}

/// A place in pixels, origin top left.
public struct Point: Hashable, Sendable {
    /// To the right.
    public let x: Double
    /// Downwards.
    public let y: Double

    /// Any numbers; prompts are checked against the picture.
    public init(x: Double, y: Double) {
        self.x = x
        self.y = y
    }
}

/// An upright rectangle in pixels, right and bottom exclusive.
public struct Box: Hashable, Sendable {
    /// Left.
    public let x1: Double
    /// Top.
    public let y1: Double
    /// Right.
    public let x2: Double
    /// Bottom.
    public let y2: Double

    /// Any numbers; prompts are checked against the picture.
    public init(x1: Double, y1: Double, x2: Double, y2: Double) {
        (self.x1, self.y1, self.x2, self.y2) = (x1, y1, x2, y2)
    }

    /// The rectangle between two corners, whichever they are.
    public init(from a: Point, to b: Point) {
        self.init(x1: min(a.x, b.x), y1: min(a.y, b.y), x2: max(a.x, b.x), y2: max(a.y, b.y))
    }
}

/// How a picture lies in the model input: resized in proportion, in the top left corner of a canvas of zeros.
///
/// Coordinates scale by fitted / picture side without a half-pixel shift, as RMP-SAM divides positions by the sides.
public struct Fit: Hashable, Sendable {
    /// The picture as read, upright.
    public let picture: Extent
    /// The picture inside of the model input.
    public let fitted: Extent
    /// The model input.
    public let size: Extent

    /// Fits a picture into the model input, as large as its proportions allow.
    ///
    /// Throws `SegError.noSize` for a side below one pixel, or a model input that is no multiple of 32 from 32 to 2048.
    public init(_ picture: Extent, into size: Extent) throws {
        guard picture.height >= 1, picture.width >= 1 else {
            throw SegError.noSize(width: picture.width, height: picture.height)
        }
        try Fit.check(size)
        let scale = min(
            Double(size.width) / Double(picture.width), Double(size.height) / Double(picture.height))
        self.picture = picture
        self.size = size
        fitted = Extent(
            height: Fit.side(picture.height, scale, most: size.height),
            width: Fit.side(picture.width, scale, most: size.width))
    }

    /// Throws `SegError.noSize` for a model input that is no multiple of 32 from 32 to 2048.
    public static func check(_ size: Extent) throws {
        for side in [size.height, size.width] where side % 32 != 0 || !(32...2048).contains(side) {
            throw SegError.noSize(width: size.width, height: size.height)
        }
    }

    private static func side(_ side: Int, _ scale: Double, most: Int) -> Int {
        min(max(Int(Double(side) * scale + 0.5), 1), most)
    }

    /// From the picture's frame to the model input's.
    public func toInput(_ point: Point) -> Point {
        Point(
            x: point.x * (Double(fitted.width) / Double(picture.width)),
            y: point.y * (Double(fitted.height) / Double(picture.height)))
    }

    /// From the model input's frame to the picture's.
    public func toPicture(_ point: Point) -> Point {
        Point(
            x: point.x * (Double(picture.width) / Double(fitted.width)),
            y: point.y * (Double(picture.height) / Double(fitted.height)))
    }

    /// From the picture's frame to the model input's.
    public func toInput(_ box: Box) -> Box {
        let (a, b) = (toInput(Point(x: box.x1, y: box.y1)), toInput(Point(x: box.x2, y: box.y2)))
        return Box(x1: a.x, y1: a.y, x2: b.x, y2: b.y)
    }
}
