import CoreGraphics
import CoreVideo
import Foundation
import ImageIO
import SegCore

/// Pictures in and out of the system's own images.
enum PictureImages {
    /// The longest side that is worked on; a phone's screen shows no more.
    static let longest = 2048

    /// Reads a file's bytes upright, whatever its orientation tag says, shrunk to `longest`.
    static func read(_ data: Data) -> Picture? {
        let options: [CFString: Any] = [
            kCGImageSourceCreateThumbnailFromImageAlways: true,
            kCGImageSourceCreateThumbnailWithTransform: true,
            kCGImageSourceThumbnailMaxPixelSize: longest,
        ]
        guard let source = CGImageSourceCreateWithData(data as CFData, nil),
            let image = CGImageSourceCreateThumbnailAtIndex(source, 0, options as CFDictionary)
        else { return nil }
        return picture(image)
    }

    /// An upright image as 8-bit RGB in the standard colour space.
    static func picture(_ image: CGImage) -> Picture? {
        let extent = Extent(height: image.height, width: image.width)
        var rgba = [UInt8](repeating: 0, count: extent.count * 4)
        let isDrawn = rgba.withUnsafeMutableBytes { bytes in
            guard
                let space = CGColorSpace(name: CGColorSpace.sRGB),
                let context = CGContext(
                    data: bytes.baseAddress, width: extent.width, height: extent.height, bitsPerComponent: 8,
                    bytesPerRow: extent.width * 4, space: space,
                    bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue)
            else { return false }
            context.draw(image, in: CGRect(x: 0, y: 0, width: extent.width, height: extent.height))
            return true
        }
        return isDrawn ? try? Picture(extent: extent, rgb: withoutAlpha(rgba)) : nil
    }

    /// A camera's buffer of 32-bit BGRA, already upright.
    static func picture(_ buffer: CVPixelBuffer) -> Picture? {
        CVPixelBufferLockBaseAddress(buffer, .readOnly)
        defer { CVPixelBufferUnlockBaseAddress(buffer, .readOnly) }
        guard let base = CVPixelBufferGetBaseAddress(buffer) else { return nil }
        let extent = Extent(height: CVPixelBufferGetHeight(buffer), width: CVPixelBufferGetWidth(buffer))
        let stride = CVPixelBufferGetBytesPerRow(buffer)
        var rgb = [UInt8](repeating: 0, count: extent.count * 3)
        let bytes = UnsafeRawBufferPointer(start: base, count: stride * extent.height)
        for y in 0..<extent.height {
            for x in 0..<extent.width {
                let (source, target) = (y * stride + x * 4, (y * extent.width + x) * 3)
                rgb[target] = bytes[source + 2]
                rgb[target + 1] = bytes[source + 1]
                rgb[target + 2] = bytes[source]
            }
        }
        return try? Picture(extent: extent, rgb: rgb)
    }

    /// An image of 8-bit RGB.
    static func image(_ picture: Picture) -> CGImage? {
        var rgba = [UInt8](repeating: 255, count: picture.extent.count * 4)
        for pixel in 0..<picture.extent.count {
            for channel in 0..<3 { rgba[pixel * 4 + channel] = picture.rgb[pixel * 3 + channel] }
        }
        return image(rgba: rgba, picture.extent)
    }

    /// An image of 8-bit RGBA with premultiplied alpha.
    static func image(rgba: [UInt8], _ extent: Extent) -> CGImage? {
        guard let provider = CGDataProvider(data: Data(rgba) as CFData),
            let space = CGColorSpace(name: CGColorSpace.sRGB)
        else { return nil }
        return CGImage(
            width: extent.width, height: extent.height, bitsPerComponent: 8, bitsPerPixel: 32,
            bytesPerRow: extent.width * 4, space: space,
            bitmapInfo: CGBitmapInfo(rawValue: CGImageAlphaInfo.premultipliedLast.rawValue), provider: provider,
            decode: nil, shouldInterpolate: true, intent: .defaultIntent)
    }

    private static func withoutAlpha(_ rgba: [UInt8]) -> [UInt8] {
        var rgb = [UInt8](repeating: 0, count: rgba.count / 4 * 3)
        for pixel in 0..<rgba.count / 4 {
            for channel in 0..<3 { rgb[pixel * 3 + channel] = rgba[pixel * 4 + channel] }
        }
        return rgb
    }
}
