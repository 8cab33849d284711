import Synchronization
import Testing

@testable import KCore

/// kproduce when it is told to stop.
@Suite struct ProduceInterruptionTests {
    /// Runs kproduce against a broker that takes nothing, and interrupts it once it has tried.
    /// - Parameter afterwards: what happens once the signal is there.
    private func run(
        _ broker: FakeBroker, _ words: String..., input: String, graceMs: Int64,
        afterwards: @escaping @Sendable () -> Void = {}
    ) throws -> (status: KCore.ExitStatus, errors: String) {
        let interruption = Interruption()
        let test = TestConsole(tool: "kproduce", input: input, interruption: interruption)
        guard case .run(_, let arguments) = try ArgumentParser.parse(.kproduce, ["-t", "t"] + words) else {
            throw ToolError("not a run")
        }
        let client = try KafkaClient(try broker.config(ProduceOptions.properties(arguments)))
        defer { client.close() }
        let run = ProduceRun(try ProduceSettings(arguments), client, test.console, graceMs: graceMs)
        let signals = WorkerPool(name: "signal", threads: 2)
        defer { signals.stop() }
        signals.submit {
            expectEventually("two requests") { broker.state.withLock { $0.produceRequests } >= 2 }
            interruption.raise(2)
        }
        signals.submit {
            _ = interruption.wait()
            afterwards()
        }
        return (try run.run(), test.errors.text)
    }

    @Test func `what a broker that has gone did not get is named soon after a signal`() throws {
        let broker = try FakeBroker(faults: Array(repeating: .closeBefore, count: 100_000))
        defer { broker.stop() }
        let (status, errors) = try run(broker, input: "a\nb\nc\n", graceMs: 20)
        #expect(status == .failed)
        #expect(errors.hasPrefix("kproduce: records 1-3 for t, partition 0 not delivered: interrupted; until then: "))
        #expect(errors.hasSuffix(", 3 failed\n"))
    }

    @Test func `a sender that is held back lets go, and says how much was not sent`() throws {
        let broker = try FakeBroker(faults: Array(repeating: .closeBefore, count: 100_000))
        defer { broker.stop() }
        let input = String(repeating: String(repeating: "x", count: 99) + "\n", count: 5000)
        let (status, errors) = try run(
            broker, "--buffer-memory", "100k", "--batch-size", "16k", input: input, graceMs: 20)
        #expect(status == .failed)
        // Every record is either one that failed or behind the last of those.
        let failed = try #require(errors.split(separator: ", ").last?.split(separator: " ").first.flatMap { Int($0) })
        #expect(errors.contains("interrupted: record \(failed + 1) and what was read behind it were not sent\n"))
        #expect(errors.contains("records 1-\(failed) for t, partition 0 not delivered: interrupted; until then: "))
    }

    @Test func `what can be delivered within the grace is, and the end is clean`() throws {
        let broker = try FakeBroker(faults: Array(repeating: .closeBefore, count: 100_000))
        defer { broker.stop() }
        let (status, errors) = try run(broker, input: "a\nb\nc\n", graceMs: 60_000) {
            broker.state.withLock { $0.faults = [] }
        }
        #expect(status == .signal(2))
        #expect(errors.hasSuffix(", 0 failed\n"))
        #expect(try broker.values() == ["a", "b", "c"])
    }
}
