import SegCore
import SegEngine
import SwiftUI

/// The camera, segmented at the rate that the phone manages.
struct CameraScreen: View {
    @Environment(Desk.self) private var desk
    @Environment(\.scenePhase) private var phase
    @State private var camera = Camera()
    @State private var session = Session()
    @State private var isAllowed: Bool?

    var body: some View {
        Group {
            if isAllowed == false {
                ContentUnavailableView(
                    "camera.denied", systemImage: "camera.badge.ellipsis", description: Text("camera.denied.hint"))
            } else if let picture = session.picture {
                PictureView(picture: picture, overlay: session.overlay).accessibilityLabel("camera.picture")
            } else {
                ProgressView("camera.starting")
            }
        }
        .frame(maxWidth: .infinity, maxHeight: .infinity)
        .task(id: phase) { await follow() }
    }

    private func follow() async {
        guard phase == .active, let engine = desk.session.engine else { return }
        isAllowed = await Camera.isAllowed()
        guard isAllowed == true else { return }
        await session.use(engine)
        await session.follow(camera.start())
        camera.stop()
    }
}
