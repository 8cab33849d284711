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

    private func filled(_ number: Int) throws -> MemoryCoordinatorLog {
        let log = MemoryCoordinatorLog(0)
        _ = try log.append(
            RecordBatchBuilder.batch([Record(timestamp: 0, key: Bytes("a"), value: Bytes("\(number)"))]))
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
