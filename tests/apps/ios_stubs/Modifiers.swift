// Modifiers of SwiftUI that the app uses, iOS 17.
public enum ContentMode { case fit, fill }
public struct EdgeSet: Sendable { public static let all = EdgeSet(), horizontal = EdgeSet() }
public enum TitleMode { case inline }
public enum ControlSize { case large }
public enum TextAlignment { case leading }
public struct Font: Sendable { public static let caption = Font(), footnote = Font() }
public enum RenderingMode { case palette }
public enum PickerStyleStub { case segmented }
public enum ButtonStyleStub { case bordered }
public enum AccessibilityChildBehavior { case ignore, contain, combine }
public struct AccessibilityTraits: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
    public static let isButton = AccessibilityTraits(rawValue: 1), isSelected = AccessibilityTraits(rawValue: 2)
}
public struct GestureMask: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
    public static let all = GestureMask(rawValue: 3), subviews = GestureMask(rawValue: 2)
}

@MainActor @preconcurrency public protocol Gesture {
    associatedtype Value
}
public struct Ended<Value>: Gesture {}
extension Gesture {
    public func onEnded(_ action: @escaping (Value) -> Void) -> some Gesture { Ended<Value>() }
    public func onChanged(_ action: @escaping (Value) -> Void) -> Ended<Value> { Ended() }
}
public struct SpatialTapGesture: Gesture {
    public struct Value { public let location: CGPoint }
    public init() {}
}
public struct DragGesture: Gesture {
    public struct Value {
        public let startLocation: CGPoint
        public let location: CGPoint
    }
    public init(minimumDistance: CGFloat = 10) {}
}

extension View {
    public func environment<T: AnyObject & Observable>(_ object: T?) -> some View { self }
    public func ignoresSafeArea() -> some View { self }
    public func padding() -> some View { self }
    public func padding(_ edges: EdgeSet) -> some View { self }
    public func font(_ font: Font?) -> some View { self }
    public func foregroundStyle(_ style: some ShapeStyle) -> some View { self }
    public func foregroundStyle(_ first: some ShapeStyle, _ second: some ShapeStyle) -> some View { self }
    public func symbolRenderingMode(_ mode: RenderingMode?) -> some View { self }
    public func shadow(radius: CGFloat) -> some View { self }
    public func position(_ place: CGPoint) -> some View { self }
    public func monospaced() -> some View { self }
    public func monospacedDigit() -> some View { self }
    public func multilineTextAlignment(_ alignment: TextAlignment) -> some View { self }
    public func frame(minHeight: CGFloat) -> some View { self }
    public func frame(maxWidth: CGFloat, maxHeight: CGFloat) -> some View { self }
    public func aspectRatio(_ ratio: CGFloat?, contentMode: ContentMode) -> some View { self }
    public func overlay(@ViewBuilder content: () -> some View) -> some View { self }
    public func contentShape(_ shape: Rectangle) -> some View { self }
    public func gesture(_ gesture: some Gesture, including mask: GestureMask = .all) -> some View { self }
    public func allowsHitTesting(_ enabled: Bool) -> some View { self }
    public func disabled(_ disabled: Bool) -> some View { self }
    public func pickerStyle(_ style: PickerStyleStub) -> some View { self }
    public func buttonStyle(_ style: ButtonStyleStub) -> some View { self }
    public func controlSize(_ size: ControlSize) -> some View { self }
    public func tag(_ value: some Hashable) -> some View { self }
    public func tabItem(@ViewBuilder _ label: () -> some View) -> some View { self }
    public func navigationTitle(_ key: LocalizedStringKey) -> some View { self }
    public func navigationBarTitleDisplayMode(_ mode: TitleMode) -> some View { self }
    public func toolbar(@ToolbarContentBuilder content: () -> some ToolbarContent) -> some View { self }
    public func toolbar(@ViewBuilder content: () -> some View) -> some View { self }
    public func sheet<Item: Identifiable>(
        item: Binding<Item?>, @ViewBuilder content: @escaping (Item) -> some View
    ) -> some View { self }
    public func fileImporter(
        isPresented: Binding<Bool>, allowedContentTypes: [UTType],
        onCompletion: @escaping (Result<URL, any Error>) -> Void
    ) -> some View { self }
    public func task(_ action: @escaping @Sendable @MainActor () async -> Void) -> some View { self }
    public func task<T: Equatable>(id: T, _ action: @escaping @Sendable @MainActor () async -> Void) -> some View {
        self
    }
    public func onReceive(_ source: Published, perform: @escaping (Notification) -> Void) -> some View { self }
    public func onChange<V: Equatable>(of value: V, _ action: @escaping (V, V) -> Void) -> some View { self }
    public func onChange<V: Equatable>(of value: V, _ action: @escaping () -> Void) -> some View { self }
    public func accessibilityLabel(_ key: LocalizedStringKey) -> some View { self }
    public func accessibilityHint(_ key: LocalizedStringKey) -> some View { self }
    public func accessibilityHidden(_ hidden: Bool) -> some View { self }
    public func accessibilityElement(children: AccessibilityChildBehavior = .ignore) -> some View { self }
    public func accessibilityAddTraits(_ traits: AccessibilityTraits) -> some View { self }
    public func accessibilityAction(_ action: @escaping () -> Void) -> some View { self }
}
extension View where Self: Equatable { public func equatable() -> some View { self } }
