import SegCore
import SwiftUI

/// A picture with what was found over it, as large as the space allows.
struct PictureView: View, Equatable {
    let picture: Picture
    let overlay: [UInt8]?

    var body: some View {
        ZStack {
            if let image = PictureImages.image(picture) { shown(image) }
            if let overlay, let image = PictureImages.image(rgba: overlay, picture.extent) {
                shown(image).accessibilityHidden(true)
            }
        }
        .aspectRatio(CGFloat(picture.extent.width) / CGFloat(picture.extent.height), contentMode: .fit)
    }

    private func shown(_ image: CGImage) -> some View {
        Image(decorative: image, scale: 1).resizable().interpolation(.medium)
    }
}
