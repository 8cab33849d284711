import Glibc
import Testing

@testable import KCore

@Suite struct EventLoopTests {
    @Test func `jobs from many threads run on the loop, each thread's in its order`() throws {
        let loop = try EventLoop()
        let seen = Monitor<[[Int]]>([[], [], [], []])
        let threads = (0..<4).map { thread in
            Thread(name: "test") {
                for number in 0..<1000 {
                    loop.execute { seen.withLock { $0[thread].append(loop.inLoop ? number : -1) } }
                }
            }
        }
        for thread in threads { thread.join() }
        loop.stop()
        seen.withLock { #expect($0 == Array(repeating: Array(0..<1000), count: 4)) }
    }

    @Test func `a job given on the loop runs later, not inside`() throws {
        let loop = try EventLoop()
        let order = Inbox<Int>()
        loop.execute {
            loop.execute { order.add(2) }
            order.add(1)
        }
        #expect(order.wait(count: 2) == [1, 2])
        loop.stop()
    }

    @Test func `stopping runs what was given before and refuses what comes after`() throws {
        let loop = try EventLoop()
        let ran = Inbox<Int>()
        for number in 0..<100 { loop.execute { ran.add(number) } }
        loop.execute { loop.execute { ran.add(100) } }
        loop.stop()
        #expect(ran.all == Array(0...100))
        #expect(!loop.execute { ran.add(-1) })
        loop.stop()
    }

    @Test func `timers keep to the clock`() throws {
        let clock = StepClock()
        let loop = try EventLoop(clock: clock, startsThread: false)
        loop.turn(maxWaitMs: 0)
        let fired = Inbox<Int>()
        loop.schedule(afterMs: 20) { fired.add(20) }
        loop.schedule(afterMs: 10) { fired.add(10) }
        let cancelled = loop.schedule(afterMs: 15) { fired.add(15) }
        loop.schedule(afterMs: 12) { cancelled.cancel() }
        clock.advance(ms: 9)
        loop.turn(maxWaitMs: 0)
        #expect(fired.all == [])
        clock.advance(ms: 1)
        loop.turn(maxWaitMs: 0)
        #expect(fired.all == [10])
        clock.advance(ms: 100)
        loop.turn(maxWaitMs: 0)
        #expect(fired.all == [10, 20])
        #expect(loop.timerCount == 0)
    }

    @Test func `cancelled timers cost no memory`() throws {
        let loop = try EventLoop(clock: StepClock(), startsThread: false)
        loop.turn(maxWaitMs: 0)
        for _ in 0..<10_000 { loop.schedule(afterMs: 30_000) {}.cancel() }
        #expect(loop.timerCount == 0)
    }

    @Test func `a timer set and cancelled from another thread does not run`() throws {
        let loop = try EventLoop()
        let ran = Promise<Bool>()
        let gate = Promise<Bool>()
        loop.execute { _ = gate.wait() }
        let timer = loop.schedule(afterMs: 0) { ran.set(true) }
        timer.cancel()
        gate.set(true)
        loop.schedule(afterMs: 5) { loop.beginToStop(drainMs: 0) }
        loop.stop()
        #expect(!ran.isSet)
    }

    /// Two descriptors are ready in the same turn. The first to be told closes the other and opens a new one, which gets the
    /// number, and the place in the loop, that the other had.
    @Test func `an event of a descriptor that was closed does not reach its successor`() throws {
        let loop = try EventLoop(clock: StepClock(), startsThread: false)
        loop.turn(maxWaitMs: 0)
        let (a, b) = (TestSource(), TestSource())
        try a.open(on: loop)
        try b.open(on: loop)
        a.makeReady()
        b.makeReady()
        let successor = TestSource()
        func replace(_ other: TestSource) {
            let number = other.end()
            #expect(throws: Never.self) { try successor.open(on: loop, insteadOf: number) }
            // Ready in the same turn, as the one before was.
            successor.makeReady()
        }
        a.onReady = { if b.isOpen { replace(b) } }
        b.onReady = { if a.isOpen { replace(a) } }
        loop.turn(maxWaitMs: 0)
        #expect(a.calls + b.calls == 1)
        #expect(successor.isOpen)
        #expect(successor.calls == 0)
        loop.turn(maxWaitMs: 0)
        #expect(successor.calls == 1)
    }

    @Test func `a pool runs what it was given before it stops`() {
        let pool = WorkerPool(name: "test", threads: 3)
        let ran = Inbox<Int>()
        for number in 0..<500 { pool.submit { ran.add(number) } }
        pool.stop()
        #expect(Set(ran.all) == Set(0..<500))
        #expect(!pool.submit { ran.add(-1) })
    }

    @Test func `a pool refuses more than may wait`() {
        let pool = WorkerPool(name: "test", threads: 1, maxQueued: 2)
        let (started, gate) = (Promise<Bool>(), Promise<Bool>())
        pool.submit {
            started.set(true)
            _ = gate.wait()
        }
        _ = started.wait()
        #expect(pool.submit {})
        #expect(pool.submit {})
        #expect(!pool.submit {})
        gate.set(true)
        pool.stop()
    }

    @Test func `a signal calls back outside of its handler`() throws {
        let seen = Promise<Int32>()
        let watcher = try SignalWatcher([SIGUSR2]) { seen.set($0) }
        kill(getpid(), SIGUSR2)
        #expect(seen.wait() == SIGUSR2)
        watcher.stop()
    }
}

/// A pipe that counts how often the loop reports its reading end.
private final class TestSource: EventSource {
    private(set) var descriptor: Int32 = -1
    private var writing: Int32 = -1
    private var loop: EventLoop?
    private var registration = Registration.none
    var calls = 0
    var onReady: () -> Void = {}
    var isOpen: Bool { descriptor >= 0 }

    /// - Parameter number: the descriptor to take the place of; it is closed by that.
    func open(on loop: EventLoop, insteadOf number: Int32? = nil) throws {
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        (descriptor, writing) = (ends[0], ends[1])
        if let number {
            dup2(descriptor, number)
            close(descriptor)
            descriptor = number
        }
        self.loop = loop
        registration = try loop.register(self, descriptor: descriptor, interest: .read)
    }

    func makeReady() { write(writing, "x", 1) }

    /// Leaves the loop. The descriptor stays open, so that nobody but the successor can get its number.
    func end() -> Int32 {
        loop?.deregister(registration)
        close(writing)
        defer { descriptor = -1 }
        return descriptor
    }

    func ready(_: Readiness) {
        calls += 1
        onReady()
    }
    func loopEnds(drain: Bool) { if isOpen { close(end()) } }
    func tick(nowMs: Int64) {}
}
