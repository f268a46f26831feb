import SegEngine
import SwiftUI

/// Two tabs: a picture, and the camera.
struct RootScreen: View {
    @Environment(Desk.self) private var desk

    var body: some View {
        TabView {
            PhotoScreen().tabItem { Label("tab.photo", systemImage: "photo") }
            CameraScreen().tabItem { Label("tab.camera", systemImage: "camera") }
        }
        .task { await desk.start() }
        .onReceive(NotificationCenter.default.publisher(for: UIApplication.didReceiveMemoryWarningNotification)) { _ in
            Task { await desk.session.freeMemory() }
        }
    }
}
