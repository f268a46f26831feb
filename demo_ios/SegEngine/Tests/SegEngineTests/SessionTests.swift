import Foundation
import SegCore
import Testing

@testable import SegEngine

@MainActor
struct SessionTests {
    private let extent = Extent(height: 48, width: 80)

    private func started() async throws -> (Session, FakeEngine) {
        let engine = FakeEngine(try ModelBundle(opening: try await FakeBundle.make()))
        let session = Session()
        await session.use(engine) { try await SelfTest.run($0) }
        return (session, engine)
    }

    @Test func aTapGivesAMaskAndAnOverlay() async throws {
        let (session, engine) = try await started()
        #expect(session.selfTest?.passes == true)
        await session.show(try GoldenInputs.picture(extent))
        await session.tap(Point(x: 4, y: 5))
        #expect(session.answers.count == 1)
        #expect(session.overlay?.count == extent.count * 4)
        #expect(session.failure == nil)
        #expect(session.times.lines.map(\.step) == [.encode, .prompt, .paint])
        #expect(!session.isBusy)
        await session.tap(Point(x: 6, y: 5))
        #expect(session.answers.count == 2)
        await session.undo()
        #expect(session.answers.count == 1)
        await session.undo()
        #expect(session.answers.isEmpty)
        #expect(session.overlay == nil)
        let runs = await engine.runs
        #expect(runs[.encoder] == 2)  // once for the self-test, once for the picture
    }

    @Test func whatTheModelCannotReadIsSaidAndNothingChanges() async throws {
        let (session, _) = try await started()
        await session.show(try GoldenInputs.picture(extent))
        await session.tap(Point(x: 4, y: 5))
        await session.tap(Point(x: 4, y: 5), label: 0)
        #expect(session.failure == .oneHintOnly(points: 1, boxes: 0))
        #expect(session.answers.count == 1)
        await session.everything()
        #expect(session.failure?.kind == .unsupported)
        session.clear()
        #expect(session.failure == nil)
    }

    @Test func aResultThatComesTooLateIsDropped() async throws {
        let (session, engine) = try await started()
        await session.show(try GoldenInputs.picture(extent))
        await engine.hold(.prompts)
        let tap = Task { await session.tap(Point(x: 4, y: 5)) }
        await engine.untilHeld()
        #expect(session.isBusy)
        session.clear()
        await engine.release()
        await tap.value
        #expect(session.answers.isEmpty)
        #expect(session.overlay == nil)
    }

    @Test func aTapDuringEncodingWaitsForIt() async throws {
        let (session, engine) = try await started()
        let picture = try GoldenInputs.picture(extent)
        await engine.hold(.encoder)
        let show = Task { await session.show(picture) }
        await engine.untilHeld()
        let tap = Task { await session.tap(Point(x: 4, y: 5)) }
        while session.history.prompts.isEmpty { await Task.yield() }
        await engine.release()
        await show.value
        await tap.value
        #expect(session.answers.count == 1)
        let runs = await engine.runs
        #expect(runs[.encoder] == 2)
    }

    @Test func anotherModelKeepsThePicture() async throws {
        let (session, _) = try await started()
        let picture = try GoldenInputs.picture(extent)
        await session.show(picture)
        await session.tap(Point(x: 4, y: 5))
        let other = FakeEngine(try ModelBundle(opening: try await FakeBundle.make()))
        await session.use(other) { try await SelfTest.run($0) }
        #expect(session.picture == picture)
        #expect(session.answers.isEmpty)
    }

    @Test func aModelWhoseTestCannotRunIsNotTaken() async throws {
        let session = Session()
        let engine = FakeEngine(try ModelBundle(opening: try await FakeBundle.make()))
        await session.use(engine) { _ in throw SegError.engine(what: "error 20") }
        #expect(session.engine == nil)
        #expect(session.failure == .engine(what: "error 20"))
    }

    @Test func theCameraIsFollowedByTheNewestPicture() async throws {
        let (session, engine) = try await started()
        let (stream, continuation) = AsyncStream.makeStream(of: Picture.self, bufferingPolicy: .bufferingNewest(1))
        for height in [32, 40, 48] {
            continuation.yield(try GoldenInputs.picture(Extent(height: height, width: 64)))
        }
        continuation.finish()
        await session.follow(stream)
        #expect(session.picture?.extent.height == 48)
        #expect(session.answers.count == 1)
        let runs = await engine.runs
        #expect(runs[.encoder] == 2)
    }

    @Test func memoryIsFreedAndComesBack() async throws {
        let (session, engine) = try await started()
        await session.show(try GoldenInputs.picture(extent))
        await session.freeMemory()
        await session.tap(Point(x: 4, y: 5))
        #expect(session.answers.count == 1)
        let runs = await engine.runs
        #expect(runs[.encoder] == 3)
    }
}
