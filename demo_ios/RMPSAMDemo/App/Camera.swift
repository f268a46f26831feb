import AVFoundation
import SegCore

/// The back camera as a stream of upright pictures that holds the newest one only.
final class Camera: NSObject, AVCaptureVideoDataOutputSampleBufferDelegate, @unchecked Sendable {
    // Sendable by hand: all that changes is touched on `queue` alone.
    private let queue = DispatchQueue(label: "camera")
    private let session = AVCaptureSession()
    private var continuation: AsyncStream<Picture>.Continuation?

    /// Whether a person has allowed the camera; asks where that is open.
    static func isAllowed() async -> Bool {
        await AVCaptureDevice.requestAccess(for: .video)
    }

    /// Starts the camera. The stream ends with `stop`, or at once where there is no camera.
    func start() -> AsyncStream<Picture> {
        let (stream, continuation) = AsyncStream.makeStream(of: Picture.self, bufferingPolicy: .bufferingNewest(1))
        queue.async { [self] in
            self.continuation = continuation
            guard configure() else { return continuation.finish() }
            session.startRunning()
        }
        return stream
    }

    /// Stops the camera and ends the stream.
    func stop() {
        queue.async { [self] in
            session.stopRunning()
            continuation?.finish()
            continuation = nil
        }
    }

    func captureOutput(
        _ output: AVCaptureOutput, didOutput sampleBuffer: CMSampleBuffer, from connection: AVCaptureConnection
    ) {
        guard let buffer = CMSampleBufferGetImageBuffer(sampleBuffer), let picture = PictureImages.picture(buffer)
        else {
            return
        }
        continuation?.yield(picture)
    }

    private func configure() -> Bool {
        if !session.inputs.isEmpty { return true }
        guard let device = AVCaptureDevice.default(.builtInWideAngleCamera, for: .video, position: .back),
            let input = try? AVCaptureDeviceInput(device: device), session.canAddInput(input)
        else { return false }
        session.beginConfiguration()
        defer { session.commitConfiguration() }
        session.sessionPreset = .vga640x480
        session.addInput(input)
        let output = AVCaptureVideoDataOutput()
        output.alwaysDiscardsLateVideoFrames = true
        output.videoSettings = [kCVPixelBufferPixelFormatTypeKey as String: kCVPixelFormatType_32BGRA]
        output.setSampleBufferDelegate(self, queue: queue)
        guard session.canAddOutput(output) else { return false }
        session.addOutput(output)
        let upright: CGFloat = 90
        if let connection = output.connection(with: .video), connection.isVideoRotationAngleSupported(upright) {
            connection.videoRotationAngle = upright
        }
        return true
    }
}
