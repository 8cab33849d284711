import Synchronization
import Testing

@testable import KCore

/// Loads that are overtaken, or whose first step the log does not take; on a loop and with workers that are turned by hand.
@Suite struct CoordinatorLoadTests {
    private let answers = Answers()
    private let clock = ManualClock()
    private let loop: EventLoop
    private let workers = WorkerPool(name: "none", threads: 1) { _, _ in nil }

    init() throws { loop = try EventLoop(clock: clock, startsThread: false) }

    private func makeRuntime(
        afterLoading: @escaping @Sendable () -> CoordinatorShard<SumMachine>.FirstStep = { { _, _ in } }
    ) -> CoordinatorRuntime<SumMachine> {
        CoordinatorRuntime(
            loops: [loop], workers: workers, clock: clock, logger: .silent, makeMachine: { _ in SumMachine() },
            afterLoading: afterLoading)
    }

    /// A batch for each number.
    private func filled(_ numbers: Int...) throws -> MemoryCoordinatorLog {
        let log = MemoryCoordinatorLog(0)
        for number in numbers {
            _ = try log.append(
                RecordBatchBuilder.batch([Record(timestamp: 0, key: Bytes("a"), value: Bytes("\(number)"))]))
        }
        return log
    }

    private func turn() { for _ in 0..<3 { loop.turn(maxWaitMs: 0) } }

    private func add(_ runtime: CoordinatorRuntime<SumMachine>) -> String? {
        runtime.submit(to: 0, answers.reply) { machine, turn, reply in
            turn.send(machine.add("a", 1, &turn), to: reply)
        }
        turn()
        return answers.list.last
    }

    @Test func `what the load of a log brings that was given up is not taken for that of the next one`() throws {
        let runtime = makeRuntime()
        runtime.lead(try filled(41))
        turn()
        runtime.resign(0)
        runtime.lead(try filled(7))
        turn()
        #expect(workers.runNext())
        turn()
        #expect(add(runtime) == "COORDINATOR_LOAD_IN_PROGRESS")
        #expect(workers.runNext())
        turn()
        #expect(add(runtime) == "a=8")
        runtime.stop()
        turn()
    }

    /// Why nobody wants a load any more.
    enum End: CaseIterable {
        case resigned, stopped, overtaken
    }

    private func end(_ end: End, _ runtime: CoordinatorRuntime<SumMachine>, next: MemoryCoordinatorLog) {
        switch end {
        case .resigned: runtime.resign(0)
        case .stopped: runtime.stop()
        case .overtaken: runtime.lead(next)
        }
        turn()
    }

    @Test(arguments: End.allCases) func `a load that nobody wants any more does not begin to read`(_ why: End) throws {
        let runtime = makeRuntime()
        let log = try filled(1, 2, 3)
        runtime.lead(log)
        turn()
        end(why, runtime, next: MemoryCoordinatorLog(0))
        #expect(workers.runNext())
        #expect(log.state.withLock { $0.reads } == 0)
        runtime.stop()
        turn()
    }

    @Test(arguments: End.allCases) func `a load that nobody wants any more reads no further`(_ why: End) throws {
        let runtime = makeRuntime()
        let (log, next) = (try filled(1, 2, 3), try filled(7))
        runtime.lead(log)
        turn()
        log.state.withLock { $0.onRead = { end(why, runtime, next: next) } }
        #expect(workers.runNext())
        #expect(log.state.withLock { $0.reads } == 1)
        #expect(workers.runNext() == (why == .overtaken))
        turn()
        if why == .overtaken { #expect(add(runtime) == "a=8") }
        runtime.stop()
        turn()
    }

    @Test func `a first step that the log did not take is made again as it was when the log first began to be read`()
        throws
    {
        let loads = Monitor(0)
        let runtime = makeRuntime {
            loads.update { $0 += 1 }
            let number = loads.withLock { $0 } * 1000
            return { machine, turn in _ = machine.add("a", number, &turn) }
        }
        let log = try filled(41)
        runtime.lead(log)
        turn()
        log.state.withLock { $0.failure = .kafkaStorageError }
        #expect(workers.runNext())
        turn()
        #expect(add(runtime) == "NOT_COORDINATOR")
        log.state.withLock { $0.failure = nil }
        clock.advance(ms: 60_000)
        turn()
        #expect(workers.runNext())
        turn()
        #expect(add(runtime) == "a=1042")
        runtime.stop()
        turn()
    }
}
