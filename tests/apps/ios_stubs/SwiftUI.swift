// Views of SwiftUI that the app uses, iOS 17: which there are, with which arguments. Modifiers are in Modifiers.swift.
@_exported import AVFoundation
@_exported import Observation

@MainActor @preconcurrency public protocol View {
    associatedtype Body: View
    @ViewBuilder var body: Body { get }
}
extension Never: View { public var body: Never { fatalError() } }

@MainActor @preconcurrency public protocol Primitive: View where Body == Never {}
extension Primitive { public var body: Never { fatalError() } }

public struct EmptyView: Primitive { public nonisolated init() {} }
public struct Group2<A, B>: Primitive { nonisolated init() {} }
public struct Tuple<each Part>: Primitive { nonisolated init() {} }
extension Optional: View where Wrapped: View { public var body: Never { fatalError() } }

@resultBuilder public enum ViewBuilder {
    public static func buildExpression<V: View>(_ view: V) -> V { view }
    public static func buildBlock() -> EmptyView { EmptyView() }
    public static func buildBlock<V: View>(_ view: V) -> V { view }
    public static func buildBlock<each V: View>(_ view: repeat each V) -> Tuple<repeat each V> { Tuple() }
    public static func buildIf<V: View>(_ view: V?) -> V? { view }
    public static func buildEither<A: View, B: View>(first: A) -> Group2<A, B> { Group2() }
    public static func buildEither<A: View, B: View>(second: B) -> Group2<A, B> { Group2() }
}

@MainActor @preconcurrency public protocol Scene {}
public struct WindowGroup<Content: View>: Scene { public init(@ViewBuilder content: () -> Content) {} }
@MainActor @preconcurrency public protocol App {
    associatedtype Body: Scene
    var body: Body { get }
    init()
}
extension App { public static func main() {} }

@MainActor @preconcurrency public protocol ToolbarContent {}
public struct AnyToolbar: ToolbarContent { nonisolated init() {} }
@resultBuilder public enum ToolbarContentBuilder {
    public static func buildBlock(_ items: any ToolbarContent...) -> AnyToolbar { AnyToolbar() }
}
public enum ToolbarItemPlacement { case topBarLeading, topBarTrailing }
public struct ToolbarItem: ToolbarContent {
    public init(placement: ToolbarItemPlacement, @ViewBuilder content: () -> some View) {}
}
public struct ToolbarItemGroup: ToolbarContent {
    public init(placement: ToolbarItemPlacement, @ViewBuilder content: () -> some View) {}
}

public struct LocalizedStringKey: ExpressibleByStringInterpolation {
    public init(stringLiteral value: String) {}
}

@propertyWrapper public struct State<Value> {
    public init(wrappedValue: Value) {}
    public var wrappedValue: Value { get { fatalError() } nonmutating set {} }
    public var projectedValue: Binding<Value> { fatalError() }
}
extension State where Value: ExpressibleByNilLiteral { public init() {} }
@propertyWrapper public struct Binding<Value> {
    public init(get: @escaping () -> Value, set: @escaping (Value) -> Void) {}
    public var wrappedValue: Value { get { fatalError() } nonmutating set {} }
    public var projectedValue: Binding<Value> { self }
}
@propertyWrapper public struct Environment<Value> {
    public init(_ path: KeyPath<EnvironmentValues, Value>) {}
    public init(_ type: Value.Type) where Value: AnyObject, Value: Observable {}
    public var wrappedValue: Value { fatalError() }
}
public enum ScenePhase { case active, inactive, background }
public struct DismissAction { @MainActor public func callAsFunction() {} }
public struct EnvironmentValues {
    public var scenePhase: ScenePhase { fatalError() }
    public var dismiss: DismissAction { fatalError() }
    public var accessibilityVoiceOverEnabled: Bool { fatalError() }
}

public struct Text: Primitive {
    public init(_ key: LocalizedStringKey) {}
    public init(verbatim text: String) {}
}
public struct Image: Primitive {
    public enum Interpolation { case none, low, medium, high }
    public enum Scale { case small }
    public init(systemName: String) {}
    public init(decorative image: CGImage, scale: CGFloat) {}
    public func resizable() -> Image { self }
    public func interpolation(_ value: Interpolation) -> Image { self }
}
public struct Label: Primitive {
    public init(_ key: LocalizedStringKey, systemImage: String) {}
    public init(@ViewBuilder title: () -> some View, @ViewBuilder icon: () -> some View) {}
}
public struct Button: Primitive {
    public init(_ key: LocalizedStringKey, action: @escaping @MainActor () -> Void) {}
    public init(_ key: LocalizedStringKey, systemImage: String, action: @escaping @MainActor () -> Void) {}
    public init(action: @escaping @MainActor () -> Void, @ViewBuilder label: () -> some View) {}
}
public enum HorizontalAlignment { case leading, center, trailing }
public enum VerticalAlignment { case top, center, bottom }
public struct Alignment: Sendable { public static let topLeading = Alignment(); public static let center = Alignment() }
public struct VStack: Primitive {
    public init(alignment: HorizontalAlignment = .center, spacing: CGFloat? = nil, @ViewBuilder content: () -> some View) {}
}
public struct HStack: Primitive {
    public init(alignment: VerticalAlignment = .center, spacing: CGFloat? = nil, @ViewBuilder content: () -> some View) {}
}
public struct ZStack: Primitive {
    public init(alignment: Alignment = .center, @ViewBuilder content: () -> some View) {}
}
public struct Group: Primitive { public init(@ViewBuilder content: () -> some View) {} }
public struct ViewThatFits: Primitive { public init(@ViewBuilder content: () -> some View) {} }
public struct List: Primitive { public init(@ViewBuilder content: () -> some View) {} }
public struct Section: Primitive {
    public init(@ViewBuilder content: () -> some View) {}
    public init(_ key: LocalizedStringKey, @ViewBuilder content: () -> some View) {}
    public init(
        @ViewBuilder content: () -> some View, @ViewBuilder header: () -> some View, @ViewBuilder footer: () -> some View
    ) {}
}
public struct LabeledContent: Primitive {
    public init(_ key: LocalizedStringKey, @ViewBuilder content: () -> some View) {}
    public init(@ViewBuilder content: () -> some View, @ViewBuilder label: () -> some View) {}
}
public struct ForEach: Primitive {
    public init<D: RandomAccessCollection>(_ data: D, @ViewBuilder content: @escaping (D.Element) -> some View)
    where D.Element: Identifiable {}
    public init<D: RandomAccessCollection, ID: Hashable>(
        _ data: D, id: KeyPath<D.Element, ID>, @ViewBuilder content: @escaping (D.Element) -> some View
    ) {}
}
public struct Spacer: Primitive { public init(minLength: CGFloat? = nil) {} }
public struct ProgressView: Primitive {
    public init() {}
    public init(_ key: LocalizedStringKey) {}
}
public struct NavigationStack: Primitive { public init(@ViewBuilder root: () -> some View) {} }
public struct TabView: Primitive { public init(@ViewBuilder content: () -> some View) {} }
public struct ContentUnavailableView: Primitive {
    public init(_ key: LocalizedStringKey, systemImage: String, description: Text? = nil) {}
    public init(
        @ViewBuilder label: () -> some View, @ViewBuilder description: () -> some View,
        @ViewBuilder actions: () -> some View
    ) {}
}
public struct Picker: Primitive {
    public init<T: Hashable>(_ key: LocalizedStringKey, selection: Binding<T>, @ViewBuilder content: () -> some View) {}
}
public struct GeometryProxy { public var size: CGSize { fatalError() } }
public struct GeometryReader: Primitive {
    public init(@ViewBuilder content: @escaping (GeometryProxy) -> some View) {}
}
public struct Color: Primitive, ShapeStyle {
    public static let black = Color(), clear = Color(), white = Color(), green = Color(), red = Color()
}
public protocol ShapeStyle {}
public struct Secondary: ShapeStyle {}
extension ShapeStyle where Self == Color {
    public static var white: Color { Color() }
    public static var green: Color { Color() }
    public static var red: Color { Color() }
}
extension ShapeStyle where Self == Secondary { public static var secondary: Secondary { Secondary() } }
public struct StrokeStyle { public init(lineWidth: CGFloat = 1, dash: [CGFloat] = []) {} }
public struct Path: Primitive {
    public func stroke(_ content: some ShapeStyle, style: StrokeStyle) -> some View { self }
    public func stroke(_ content: some ShapeStyle, lineWidth: CGFloat = 1) -> some View { self }
}
public struct Rectangle: Primitive {
    public init() {}
    public func path(in rect: CGRect) -> Path { Path() }
}
public struct SharePreview { public init(_ title: Text, image: Image) {} }
public struct ShareLink: Primitive {
    public init(item: String, @ViewBuilder label: () -> some View) {}
    public init<T: Transferable>(item: T, preview: SharePreview, @ViewBuilder label: () -> some View) {}
}
public protocol TransferRepresentation<Item> { associatedtype Item: Transferable }
public protocol Transferable: Sendable {
    associatedtype Representation: TransferRepresentation
    static var transferRepresentation: Representation { get }
}
public struct DataRepresentation<Item: Transferable>: TransferRepresentation {
    public init(exportedContentType: UTType, exporting: @escaping @Sendable (Item) async throws -> Data) {}
}
public struct UTType: Sendable {
    public static let png = UTType(), folder = UTType()
    public var identifier: String { fatalError() }
}
public enum AccessibilityNotification {
    public struct Announcement {
        public init(_ text: String) {}
        public func post() {}
    }
}
extension Data: Transferable { public static var transferRepresentation: DataRepresentation<Data> { fatalError() } }
public struct PhotosPickerItem: Equatable, Sendable {
    public func loadTransferable<T: Transferable>(type: T.Type) async throws -> T? { fatalError() }
}
public enum PhotosFilter { case images }
public struct PhotosPicker: Primitive {
    public init(selection: Binding<PhotosPickerItem?>, matching: PhotosFilter?, @ViewBuilder label: () -> some View) {}
}
public struct Published {}
extension NotificationCenter { public func publisher(for name: Notification.Name) -> Published { Published() } }
