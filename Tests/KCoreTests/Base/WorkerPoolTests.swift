import Synchronization
import Testing

@testable import KCore

@Suite struct WorkerPoolTests {
    private final class Held: Sendable {}

    private final class Weak: @unchecked Sendable {
        private let lock = Mutex(())
        private weak var object: Held?
        init(_ object: Held) { self.object = object }
        var isGone: Bool { lock.withLock { _ in object == nil } }
    }

    @Test func `a job is let go when it is done, however many wait behind it`() throws {
        let pool = WorkerPool(name: "test", threads: 1)
        let isOpen = Monitor(false)
        let answer = Monitor<Bool?>(nil)
        // Nothing is taken before all are there.
        pool.submit { _ = isOpen.wait(timeoutMs: 10_000) { $0 ? true : nil } }
        var held: Held? = Held()
        let weak = Weak(try #require(held))
        pool.submit { [held] in withExtendedLifetime(held) {} }
        held = nil
        pool.submit { answer.update { $0 = weak.isGone } }
        pool.submit {}
        isOpen.update { $0 = true }
        let isGone: Bool? = answer.wait(timeoutMs: 10_000) { $0 }
        #expect(isGone == true)
        pool.stop()
    }
}
