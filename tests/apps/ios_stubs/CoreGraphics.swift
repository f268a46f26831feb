// Signatures of Core Graphics, Core Video and Image I/O that the app calls. Nothing runs.
@_exported import UIKit

public final class CGColorSpace: Sendable {
    public static let sRGB: CFString = ""
    public init?(name: CFString) { fatalError() }
}

public final class CGDataProvider {
    public init?(data: CFData) { fatalError() }
}

public enum CGImageAlphaInfo: UInt32 { case premultipliedLast = 1, noneSkipLast = 5 }
public enum CGColorRenderingIntent: Int32 { case defaultIntent }

public struct CGBitmapInfo: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
}

public final class CGImage: Sendable {
    public init?(
        width: Int, height: Int, bitsPerComponent: Int, bitsPerPixel: Int, bytesPerRow: Int, space: CGColorSpace,
        bitmapInfo: CGBitmapInfo, provider: CGDataProvider, decode: UnsafePointer<CGFloat>?, shouldInterpolate: Bool,
        intent: CGColorRenderingIntent
    ) { fatalError() }
    public var width: Int { fatalError() }
    public var height: Int { fatalError() }
}

public final class CGContext {
    public init?(
        data: UnsafeMutableRawPointer?, width: Int, height: Int, bitsPerComponent: Int, bytesPerRow: Int,
        space: CGColorSpace, bitmapInfo: UInt32
    ) { fatalError() }
    public func draw(_ image: CGImage, in rect: CGRect) { fatalError() }
    public func makeImage() -> CGImage? { fatalError() }
}

public final class CGImageSource {}
public final class CGImageDestination {}
public let kCGImageSourceCreateThumbnailFromImageAlways: CFString = "1"
public let kCGImageSourceCreateThumbnailWithTransform: CFString = "2"
public let kCGImageSourceThumbnailMaxPixelSize: CFString = "3"
public func CGImageSourceCreateWithData(_ data: CFData, _ options: CFDictionary?) -> CGImageSource? { fatalError() }
public func CGImageSourceCreateThumbnailAtIndex(
    _ source: CGImageSource, _ index: Int, _ options: CFDictionary?
) -> CGImage? { fatalError() }
public func CGImageDestinationCreateWithData(
    _ data: CFMutableData, _ type: CFString, _ count: Int, _ options: CFDictionary?
) -> CGImageDestination? { fatalError() }
public func CGImageDestinationAddImage(_ target: CGImageDestination, _ image: CGImage, _ properties: CFDictionary?) {}
public func CGImageDestinationFinalize(_ target: CGImageDestination) -> Bool { fatalError() }

public final class CVPixelBuffer {}
public struct CVPixelBufferLockFlags: OptionSet, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public static let readOnly = CVPixelBufferLockFlags(rawValue: 1)
}
public let kCVPixelBufferPixelFormatTypeKey: CFString = "format"
public let kCVPixelFormatType_32BGRA: UInt32 = 1
@discardableResult
public func CVPixelBufferLockBaseAddress(_ b: CVPixelBuffer, _ f: CVPixelBufferLockFlags) -> Int32 { fatalError() }
@discardableResult
public func CVPixelBufferUnlockBaseAddress(_ b: CVPixelBuffer, _ f: CVPixelBufferLockFlags) -> Int32 { fatalError() }
public func CVPixelBufferGetBaseAddress(_ b: CVPixelBuffer) -> UnsafeMutableRawPointer? { fatalError() }
public func CVPixelBufferGetHeight(_ b: CVPixelBuffer) -> Int { fatalError() }
public func CVPixelBufferGetWidth(_ b: CVPixelBuffer) -> Int { fatalError() }
public func CVPixelBufferGetBytesPerRow(_ b: CVPixelBuffer) -> Int { fatalError() }
