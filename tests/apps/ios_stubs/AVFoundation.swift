// Signatures of AVFoundation that the app calls, iOS 17. Nothing runs.
@_exported import CoreGraphics
@_exported import Dispatch

public enum AVMediaType { case video }

public class AVCaptureDevice {
    public enum DeviceType { case builtInWideAngleCamera }
    public enum Position { case back, front }
    public static func requestAccess(for type: AVMediaType) async -> Bool { fatalError() }
    public static func `default`(
        _ type: DeviceType, for media: AVMediaType?, position: Position
    ) -> AVCaptureDevice? { fatalError() }
}

public class AVCaptureInput {}
public class AVCaptureDeviceInput: AVCaptureInput {
    public init(device: AVCaptureDevice) throws { fatalError() }
}

public class AVCaptureConnection {
    public func isVideoRotationAngleSupported(_ angle: CGFloat) -> Bool { fatalError() }
    public var videoRotationAngle: CGFloat = 0
}

public class AVCaptureOutput {
    public func connection(with type: AVMediaType) -> AVCaptureConnection? { fatalError() }
}

public class AVCaptureVideoDataOutput: AVCaptureOutput {
    public override init() {}
    public var alwaysDiscardsLateVideoFrames = true
    public var videoSettings: [String: Any] = [:]
    public func setSampleBufferDelegate(
        _ delegate: (any AVCaptureVideoDataOutputSampleBufferDelegate)?, queue: DispatchQueue?
    ) {}
}

public final class CMSampleBuffer {}
public func CMSampleBufferGetImageBuffer(_ buffer: CMSampleBuffer) -> CVPixelBuffer? { fatalError() }

public protocol AVCaptureVideoDataOutputSampleBufferDelegate: AnyObject {
    func captureOutput(
        _ output: AVCaptureOutput, didOutput sampleBuffer: CMSampleBuffer, from connection: AVCaptureConnection)
}

public class AVCaptureSession {
    public enum Preset { case vga640x480 }
    public init() {}
    public var inputs: [AVCaptureInput] { fatalError() }
    public var sessionPreset: Preset = .vga640x480
    public func canAddInput(_ input: AVCaptureInput) -> Bool { fatalError() }
    public func addInput(_ input: AVCaptureInput) {}
    public func canAddOutput(_ output: AVCaptureOutput) -> Bool { fatalError() }
    public func addOutput(_ output: AVCaptureOutput) {}
    public func beginConfiguration() {}
    public func commitConfiguration() {}
    public func startRunning() {}
    public func stopRunning() {}
}
