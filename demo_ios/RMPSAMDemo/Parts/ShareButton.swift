import CoreGraphics
import CoreTransferable
import ImageIO
import SegCore
import SwiftUI
import UniformTypeIdentifiers

/// Shares the picture with its masks.
struct ShareButton: View {
    @Environment(Desk.self) private var desk

    var body: some View {
        if let picture = desk.session.picture, let overlay = desk.session.overlay {
            ShareLink(
                item: SharedPicture(picture: picture, overlay: overlay),
                preview: SharePreview(Text("share.title"), image: Image(systemName: "photo"))
            ) {
                Label("share.title", systemImage: "square.and.arrow.up")
            }
        }
    }
}

/// A picture with its masks as PNG, made when somebody takes it.
struct SharedPicture: Transferable {
    let picture: Picture
    let overlay: [UInt8]

    static var transferRepresentation: some TransferRepresentation {
        DataRepresentation(exportedContentType: .png) { (shared: SharedPicture) in try shared.png() }
    }

    private func png() throws -> Data {
        let data = NSMutableData()
        guard let image = drawn(),
            let target = CGImageDestinationCreateWithData(data, UTType.png.identifier as CFString, 1, nil)
        else { throw SegError.wrongShape(what: "picture") }
        CGImageDestinationAddImage(target, image, nil)
        guard CGImageDestinationFinalize(target) else { throw SegError.wrongShape(what: "picture") }
        return data as Data
    }

    private func drawn() -> CGImage? {
        let rect = CGRect(x: 0, y: 0, width: picture.extent.width, height: picture.extent.height)
        guard let below = PictureImages.image(picture),
            let above = PictureImages.image(rgba: overlay, picture.extent),
            let space = CGColorSpace(name: CGColorSpace.sRGB),
            let context = CGContext(
                data: nil, width: picture.extent.width, height: picture.extent.height, bitsPerComponent: 8,
                bytesPerRow: 0, space: space, bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue)
        else { return nil }
        context.draw(below, in: rect)
        context.draw(above, in: rect)
        return context.makeImage()
    }
}
