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

    @Test func `a thread is started by the first job that finds none idle`() {
        let pool = WorkerPool(name: "test", threads: 2)
        let isOpen = Monitor(false)
        let ran = Monitor(0)
        #expect(pool.threadCount == 0)
        for count in 1...4 {
            pool.submit {
                _ = isOpen.wait(timeoutMs: 30_000) { $0 ? true : nil }
                ran.update { $0 += 1 }
            }
            #expect(pool.threadCount == min(count, 2))
        }
        isOpen.update { $0 = true }
        pool.stop()
        #expect(ran.withLock { $0 } == 4)
    }

    @Test func `a stop with a limit does not wait for a job that does not end`() {
        let pool = WorkerPool(name: "test", threads: 2)
        let isOpen = Monitor(false)
        let ran = Monitor(false)
        pool.submit {
            _ = isOpen.wait(timeoutMs: 30_000) { $0 ? true : nil }
            ran.update { $0 = true }
        }
        #expect(!pool.stop(timeoutMs: 1))
        #expect(!ran.withLock { $0 })
        isOpen.update { $0 = true }
        #expect(pool.stop())
        #expect(ran.withLock { $0 })
    }

    @Test func `a job is let go when it is done, however many wait behind it`() throws {
        let pool = WorkerPool(name: "test", threads: 1)
        let isOpen = Monitor(false)
        let answer = Monitor<Bool?>(nil)
        // Nothing is taken before all are there.
        pool.submit { _ = isOpen.wait(timeoutMs: 30_000) { $0 ? true : nil } }
        var held: Held? = Held()
        let weak = Weak(try #require(held))
        pool.submit { [held] in withExtendedLifetime(held) {} }
        held = nil
        pool.submit { answer.update { $0 = weak.isGone } }
        pool.submit {}
        isOpen.update { $0 = true }
        let isGone: Bool? = answer.wait(timeoutMs: 30_000) { $0 }
        #expect(isGone == true)
        pool.stop()
    }

    @Test func `where the system gives no thread, jobs wait for the next one, and a stop loses none`() {
        let mayStart = Monitor(false)
        let pool = WorkerPool(name: "test", threads: 1) { name, body in
            mayStart.withLock { $0 } ? Thread(ifPossible: name, body) : nil
        }
        let ran = Monitor<[Int]>([])
        for number in 0..<2 { #expect(pool.submit { ran.update { $0.append(number) } }) }
        #expect(pool.threadCount == 0 && ran.withLock { $0 }.isEmpty)
        mayStart.update { $0 = true }
        pool.submit { ran.update { $0.append(2) } }
        #expect(ran.wait(timeoutMs: 30_000) { $0.count == 3 ? true : nil } == true)
        pool.stop()
        #expect(ran.withLock { $0 } == [0, 1, 2])

        let poor = WorkerPool(name: "test", threads: 1) { _, _ in nil }
        let late = Monitor<[Int]>([])
        for number in 0..<2 { poor.submit { late.update { $0.append(number) } } }
        #expect(poor.stop())
        #expect(late.withLock { $0 } == [0, 1])
        #expect(!poor.submit {})
    }
}
