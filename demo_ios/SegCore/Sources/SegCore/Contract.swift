/// The separately run parts of the model.
public enum Graph: String, Codable, CaseIterable, Sendable {
    /// Pixel values to mask features.
    case encoder
    /// Mask features to every object of the picture.
    case objects
    /// Mask features and prompts to masks.
    case prompts
    /// Mask features of several frames to objects.
    case clip
}

/// What an export was made for.
public enum Target: String, Codable, Sendable {
    /// ExecuTorch files with the XNNPACK delegate.
    case xnnpack
    /// ExecuTorch files with its own kernels.
    case portable
    /// ExecuTorch files with the Core ML delegate.
    case coreml
    /// Core ML packages.
    case coremlPackage = "coreml-package"
    /// ExecuTorch files for graphics processors of other phones.
    case vulkan
    /// ExecuTorch files for neural processors of other phones.
    case qnn
    /// Another format.
    case onnx
}

/// The numbers that fix every shape of an export.
public struct GraphSizes: Codable, Equatable, Sendable {
    /// The model input in pixels.
    public let size: Extent
    /// Of the mask features.
    public let channels: Int
    /// Nil where queries are as wide as the mask features.
    @Nullable public var queryWidth: Int?
    /// Object queries.
    public let numQueries: Int
    /// Without "no object".
    public let numClasses: Int
    /// Prompts that one run answers.
    public let numSlots: Int
    /// Points that one prompt holds.
    public let numPoints: Int
    /// Frames of the clip graph, 0 without one.
    public let clipFrames: Int

    enum CodingKeys: String, CodingKey {
        case size, channels
        case queryWidth = "query_width"
        case numQueries = "num_queries"
        case numClasses = "num_classes"
        case numSlots = "num_slots"
        case numPoints = "num_points"
        case clipFrames = "clip_frames"
    }

    /// The mask grid is a quarter of the model input.
    public var grid: Extent { Extent(height: size.height / 4, width: size.width / 4) }

    func check() throws {
        try Fit.check(size)
        let counts = [channels, numQueries, numClasses, numPoints]
        guard (1...64).contains(numSlots), (0...5).contains(clipFrames), counts.allSatisfy({ $0 >= 1 }) else {
            throw SegError.wrongShape(what: "the contract's sizes")
        }
    }
}

/// Where logits become answers.
public struct Thresholds: Codable, Equatable, Sendable {
    /// A pixel belongs to a mask where its logit is above.
    public let mask: Double
    /// A query needs this class score to enter a panoptic map.
    public let objectMask: Double
    /// And must keep this share of its own mask there.
    public let iou: Double
    /// Objects at most.
    public let maxInstances: Int

    enum CodingKeys: String, CodingKey {
        case mask, iou
        case objectMask = "object_mask"
        case maxInstances = "max_instances"
    }
}

/// What whoever runs a model must know besides its graphs. The app holds none of these numbers itself.
public struct ModelContract: Codable, Equatable, Sendable {
    /// Name of the architecture.
    public let preset: String
    /// False for seeded weights, which only show that the files run.
    public let trained: Bool
    /// Shapes.
    public let sizes: GraphSizes
    /// Of 8-bit RGB.
    public let mean: [Double]
    /// Of 8-bit RGB.
    public let std: [Double]
    /// A click stands for a box of this half width in pixels of the model input.
    public let clickHalfWidth: Double
    /// Things first, then stuff.
    public let classNames: [String]
    /// Classes below this index are countable.
    public let numThings: Int
    /// Where logits become answers.
    public let thresholds: Thresholds

    enum CodingKeys: String, CodingKey {
        case preset, trained, sizes, mean, std, thresholds
        case clickHalfWidth = "click_half_width"
        case classNames = "class_names"
        case numThings = "num_things"
    }

    func check(file: String) throws {
        guard mean.count == 3, std.count == 3 else {
            throw SegError.damaged(file: file, what: "mean and std need three values each")
        }
        do {
            try sizes.check()
        } catch let error as SegError {
            throw SegError.damaged(file: file, what: error.description)
        }
    }
}
