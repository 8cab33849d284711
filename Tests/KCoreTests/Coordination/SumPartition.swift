import Testing

@testable import KCore

/// A coordinator's partition over an empty log in memory, and what it answers.
struct SumPartition {
    let log = MemoryCoordinatorLog()
    let answers = Answers()
    let partition: CoordinatorPartition<SumMachine>

    init() {
        partition = CoordinatorPartition(log: log, clock: ManualClock())
        partition.loaded(partition.beginLoading(), SumMachine(), nextOffset: 0)
    }
}

/// Tests of one partition.
protocol SumPartitionSuite {
    var bench: SumPartition { get }
}

extension SumPartitionSuite {
    var log: MemoryCoordinatorLog { bench.log }
    var answers: Answers { bench.answers }
    var partition: CoordinatorPartition<SumMachine> { bench.partition }

    /// Adds a number, in a transaction if there is a producer; the answer is the sum.
    func add(_ key: String, _ number: Int, in producer: CoordinatorProducer? = nil) {
        let body: (inout SumMachine, inout CoordinatorTurn<SumMachine.Record>, CoordinatorReply<String>) -> Void = {
            machine, turn, reply in
            turn.send(machine.add(key, number, &turn), to: reply)
        }
        if let producer {
            partition.run(in: producer, answers.reply, body)
        } else {
            partition.run(answers.reply, body)
        }
    }

    /// What a machine is that has read the log.
    func reloaded() throws -> SumMachine {
        var machine = SumMachine()
        _ = try CoordinatorLoader.load(log, into: &machine) { offset, reason in Issue.record("\(offset): \(reason)") }
        return machine
    }
}
