import Synchronization
import Testing

@testable import KCore

/// A coordinator's partition over a log in memory, whose markers a test writes when it wants to.
final class TransactionBench {
    typealias Producer = TransactionMachine.Producer
    let log = MemoryCoordinatorLog()
    let clock = ManualClock()
    let ends = Ends()
    var settings = TransactionMachine.Settings()
    private(set) var partition: CoordinatorPartition<TransactionMachine>
    var nextId: Int64 = 1000

    final class Ends: Sendable {
        private let list = Mutex<[TransactionEnd]>([])
        func add(_ end: TransactionEnd) { list.withLock { $0.append(end) } }
        func take() -> [TransactionEnd] {
            list.withLock { list in
                defer { list = [] }; return list
            }
        }
    }

    init() {
        partition = CoordinatorPartition(log: log, clock: clock)
        reload()
    }

    /// A crash: what was not appended is gone.
    func reload() {
        partition = CoordinatorPartition(log: log, clock: clock)
        let number = partition.beginLoading()
        var machine = TransactionMachine(partition: 0, settings: settings, writeMarkers: { [ends] in ends.add($0) })
        _ = ends.take()
        let end = (try? CoordinatorLoader.load(log, into: &machine) { Issue.record("\($0): \($1)") }) ?? 0
        partition.loaded(number, machine, nextOffset: end)
        partition.flush()
    }

    func step<R>(
        _ body: (inout TransactionMachine, inout CoordinatorTurn<TransactionLogRecord>) -> R
    ) -> R? {
        defer { partition.flush() }
        return partition.ask(body)
    }

    var states: NameMap<TransactionState> { partition.machine?.states ?? NameMap() }

    func initialize(_ id: String, expected: Producer? = nil, timeoutMs: Int32 = 60_000)
        -> TransactionMachine.Initialized
    {
        let answer = step { $0.initProducer(id, timeoutMs: timeoutMs, expected: expected, freshId: nil, &$1) }
        guard answer == .needsProducerId else { return answer ?? .failed(.notCoordinator) }
        nextId += 1
        let fresh = nextId
        return step { $0.initProducer(id, timeoutMs: timeoutMs, expected: expected, freshId: fresh, &$1) }
            ?? .failed(.notCoordinator)
    }

    func add(_ id: String, _ producer: Producer, _ partitions: [Int32], version: Int16 = 0) -> ErrorCode {
        let set = Set(partitions.map { TopicPartition(topic: "t", partition: $0) })
        return step { $0.addPartitions(id, producer, set, clientVersion: version, &$1) } ?? .notCoordinator
    }

    func end(_ id: String, _ producer: Producer, commit: Bool, bumps: Bool = false) -> TransactionMachine.Ended {
        let answer = step { $0.end(id, producer, isCommit: commit, bumpsEpoch: bumps, &$1) }
        guard answer == .needsProducerId else { return answer ?? .failed(.notCoordinator) }
        nextId += 1
        let fresh = nextId
        return step { $0.end(id, producer, isCommit: commit, bumpsEpoch: bumps, freshId: fresh, &$1) }
            ?? .failed(.notCoordinator)
    }

    /// Says that all markers that were asked for are written.
    @discardableResult
    func completeMarkers() -> [TransactionEnd] {
        let ends = ends.take()
        for end in ends { _ = step { $0.markersWritten(end, &$1) } }
        return ends
    }

    func tick() {
        partition.tick()
        partition.flush()
    }
}

@Suite struct TransactionMachineTests {
    typealias Producer = TransactionMachine.Producer
    let bench = TransactionBench()

    @Test func `a new id gets a producer id with epoch 0, and each start of a producer the next epoch`() {
        #expect(bench.initialize("a") == .producer(Producer(id: 1001, epoch: 0)))
        #expect(bench.initialize("a") == .producer(Producer(id: 1001, epoch: 1)))
        #expect(bench.initialize("b") == .producer(Producer(id: 1002, epoch: 0)))
        bench.reload()
        #expect(bench.initialize("a") == .producer(Producer(id: 1001, epoch: 2)))
    }

    @Test func `no id, no time and too much time are refused`() {
        #expect(bench.initialize("") == .failed(.invalidRequest))
        #expect(bench.initialize("a", timeoutMs: 0) == .failed(.invalidTransactionTimeout))
        #expect(bench.initialize("a", timeoutMs: 900_001) == .failed(.invalidTransactionTimeout))
        #expect(bench.states.isEmpty)
    }

    @Test func `a transaction commits: decided, marked, complete`() throws {
        let producer = Producer(id: 1001, epoch: 0)
        _ = bench.initialize("a")
        #expect(bench.add("a", producer, [0, 1]) == .none)
        #expect(bench.states["a"]?.status == .ongoing)
        #expect(bench.end("a", producer, commit: true) == .decided(producer))
        #expect(bench.states["a"]?.status == .prepareCommit)
        #expect(bench.end("a", producer, commit: true) == .failed(.concurrentTransactions))
        #expect(bench.end("a", producer, commit: false) == .failed(.invalidTxnState))
        #expect(bench.add("a", producer, [2]) == .concurrentTransactions)
        #expect(bench.initialize("a") == .failed(.concurrentTransactions))
        let end = try #require(bench.completeMarkers().first)
        #expect(end.isCommit && end.producerEpoch == 0 && end.partitions.count == 2)
        #expect(bench.states["a"]?.status == .completeCommit)
        #expect(bench.end("a", producer, commit: true) == .decided(producer))
        #expect(bench.end("a", producer, commit: false) == .failed(.invalidTxnState))
        #expect(bench.add("a", producer, [2]) == .none)
        #expect(bench.states["a"]?.partitions == [TopicPartition(topic: "t", partition: 2)])
    }

    @Test func `ids that look the same and differ in bytes are two producers`() {
        let first = bench.initialize("caf\u{E9}")
        #expect(bench.initialize("cafe\u{301}") == .producer(Producer(id: 1002, epoch: 0)))
        #expect(first == .producer(Producer(id: 1001, epoch: 0)))
        #expect(bench.add("caf\u{E9}", Producer(id: 1001, epoch: 0), [0]) == .none)
    }

    @Test func `transactions that time out together are aborted, however small segments are`() {
        let ids = (0..<100).map { "id \($0)" }
        for id in ids {
            guard case .producer(let producer) = bench.initialize(id, timeoutMs: 1000) else {
                Issue.record("\(id) gets no producer")
                continue
            }
            #expect(bench.add(id, producer, [0]) == .none)
        }
        bench.log.state.withLock { $0.maxBatchBytes = 2000 }
        bench.clock.advance(ms: 2000)
        bench.reload()
        bench.tick()
        #expect(bench.partition.phase == .active)
        #expect(ids.allSatisfy { bench.states[$0]?.status == .prepareAbort })
    }

    @Test func `forged ids and epochs change nothing`() {
        _ = bench.initialize("a")
        _ = bench.initialize("a")
        let before = bench.states
        for (producer, code) in [
            (Producer(id: 7, epoch: 1), ErrorCode.invalidProducerIdMapping),
            (Producer(id: 1001, epoch: 0), .producerFenced), (Producer(id: 1001, epoch: 2), .producerFenced),
        ] {
            for bumps in [false, true] {
                #expect(bench.add("a", producer, [0]) == code)
                #expect(bench.end("a", producer, commit: true, bumps: bumps) == .failed(code))
            }
        }
        #expect(bench.add("nobody", Producer(id: 1001, epoch: 1), [0]) == .invalidProducerIdMapping)
        #expect(bench.end("a", Producer(id: 1001, epoch: 1), commit: true) == .failed(.invalidTxnState))
        #expect(bench.states == before)
    }

    @Test func `a new producer aborts what the old one left open, and fences it`() throws {
        let old = Producer(id: 1001, epoch: 0)
        _ = bench.initialize("a")
        _ = bench.add("a", old, [0])
        #expect(bench.initialize("a") == .failed(.concurrentTransactions))
        #expect(bench.end("a", old, commit: true) == .failed(.producerFenced))
        let end = try #require(bench.completeMarkers().first)
        #expect(!end.isCommit && end.producerEpoch == 1)
        #expect(bench.initialize("a") == .producer(Producer(id: 1001, epoch: 2)))
        #expect(bench.add("a", old, [0]) == .producerFenced)
    }

    @Test func `a decision outlives a crash, and its markers are written again`() {
        let producer = Producer(id: 1001, epoch: 0)
        _ = bench.initialize("a")
        _ = bench.add("a", producer, [0, 1])
        _ = bench.end("a", producer, commit: true)
        bench.reload()
        #expect(bench.completeMarkers().map(\.partitions.count) == [2])
        #expect(bench.states["a"]?.status == .completeCommit)
        bench.reload()
        #expect(bench.completeMarkers().isEmpty)
    }

    @Test func `markers that come late or twice complete nothing else`() throws {
        let producer = Producer(id: 1001, epoch: 0)
        _ = bench.initialize("a")
        _ = bench.add("a", producer, [0])
        _ = bench.end("a", producer, commit: false)
        let first = try #require(bench.completeMarkers().first)
        _ = bench.add("a", producer, [0])
        _ = bench.end("a", producer, commit: true)
        _ = bench.step { $0.markersWritten(first, &$1) }
        #expect(bench.states["a"]?.status == .prepareCommit)
    }

    @Test func `a transaction that takes too long is aborted, also when the coordinator was gone meanwhile`() {
        let producer = Producer(id: 1001, epoch: 0)
        _ = bench.initialize("a", timeoutMs: 1000)
        _ = bench.add("a", producer, [0])
        bench.clock.advance(ms: 1000)
        bench.tick()
        #expect(bench.states["a"]?.status == .ongoing)
        bench.reload()
        bench.clock.advance(ms: 1)
        #expect(bench.partition.machine?.nextTickMs ?? .max <= bench.clock.monotonicMs)
        bench.tick()
        #expect(bench.states["a"]?.status == .prepareAbort)
        #expect(bench.end("a", producer, commit: true) == .failed(.producerFenced))
        #expect(bench.completeMarkers().map(\.producerEpoch) == [1])
    }

    @Test func `an id that nobody uses is forgotten, one with an open transaction is not`() {
        _ = bench.initialize("idle")
        _ = bench.initialize("busy", timeoutMs: 900_000)
        let open = Producer(id: 1002, epoch: 0)
        bench.clock.advance(ms: bench.settings.idExpirationMs - 1)
        bench.tick()
        #expect(bench.states.count == 2)
        _ = bench.add("busy", open, [0])
        bench.clock.advance(ms: bench.settings.expiryIntervalMs)
        bench.tick()
        #expect(bench.states.sortedNames == ["busy"])
        bench.reload()
        #expect(bench.states.sortedNames == ["busy"])
    }

    @Test func `a producer that says who it is gets the next epoch once, however often it asks`() {
        _ = bench.initialize("a")
        let first = Producer(id: 1001, epoch: 0)
        #expect(bench.initialize("a", expected: first) == .producer(Producer(id: 1001, epoch: 1)))
        #expect(bench.initialize("a", expected: first) == .producer(Producer(id: 1001, epoch: 1)))
        #expect(
            bench.initialize("a", expected: Producer(id: 1001, epoch: 1)) == .producer(Producer(id: 1001, epoch: 2)))
        #expect(bench.initialize("a", expected: first) == .failed(.producerFenced))
        #expect(bench.initialize("a", expected: Producer(id: 5, epoch: 2)) == .failed(.producerFenced))
    }

    @Test func `when epochs are used up the producer gets another id`() {
        _ = bench.initialize("a")
        var last = Producer(id: 1001, epoch: 0)
        while last.epoch < Int16.max - 1 {
            guard case .producer(let next) = bench.initialize("a", expected: last) else {
                Issue.record("no producer after \(last)")
                return
            }
            last = next
        }
        #expect(bench.initialize("a", expected: last) == .producer(Producer(id: 1002, epoch: 0)))
        // It did not hear of that and asks again.
        #expect(bench.initialize("a", expected: last) == .producer(Producer(id: 1002, epoch: 0)))
    }

    @Test func `every transaction has its epoch when the client wants that, and a late end touches no other`() throws {
        var producer = Producer(id: 1001, epoch: 0)
        _ = bench.initialize("a")
        for _ in 0..<3 {
            let before = producer
            #expect(bench.add("a", producer, [0], version: 2) == .none)
            producer.epoch += 1
            #expect(bench.end("a", before, commit: true, bumps: true) == .decided(producer))
            #expect(bench.end("a", before, commit: true, bumps: true) == .failed(.concurrentTransactions))
            #expect(try #require(bench.completeMarkers().first).producerEpoch == producer.epoch)
            #expect(bench.end("a", before, commit: true, bumps: true) == .decided(producer))
            #expect(bench.end("a", before, commit: false, bumps: true) == .failed(.invalidTxnState))
            #expect(bench.add("a", producer, [1], version: 2) == .none)
            #expect(bench.end("a", before, commit: true, bumps: true) == .failed(.producerFenced))
            #expect(bench.states["a"]?.status == .ongoing)
            let open = producer
            producer.epoch += 1
            #expect(bench.end("a", open, commit: false, bumps: true) == .decided(producer))
            bench.completeMarkers()
        }
    }

    @Test func `a transaction that is given up while the one before it still ends waits for that`() {
        _ = bench.initialize("a")
        _ = bench.add("a", Producer(id: 1001, epoch: 0), [0], version: 2)
        let next = Producer(id: 1001, epoch: 1)
        #expect(bench.end("a", Producer(id: 1001, epoch: 0), commit: true, bumps: true) == .decided(next))
        #expect(bench.end("a", next, commit: false, bumps: true) == .failed(.concurrentTransactions))
        #expect(bench.states["a"]?.status == .prepareCommit)
        bench.completeMarkers()
        #expect(bench.end("a", next, commit: false, bumps: true) == .decided(Producer(id: 1001, epoch: 2)))
        #expect(bench.completeMarkers().map(\.isCommit) == [false])
    }

    @Test func `who is fenced does not get the epoch that fences it for ending its transaction`() throws {
        let zombie = Producer(id: 1001, epoch: 0)
        _ = bench.initialize("a")
        _ = bench.add("a", zombie, [0], version: 2)
        #expect(bench.initialize("a") == .failed(.concurrentTransactions))
        #expect(bench.end("a", zombie, commit: false, bumps: true) == .failed(.producerFenced))
        #expect(try #require(bench.completeMarkers().first).producerEpoch == 2)
        #expect(bench.end("a", zombie, commit: false, bumps: true) == .failed(.producerFenced))
        #expect(bench.end("a", zombie, commit: true, bumps: true) == .failed(.producerFenced))
        #expect(bench.initialize("a") == .producer(Producer(id: 1001, epoch: 3)))
    }

    @Test func `nor where there is no epoch left`() throws {
        let last = Producer(id: 1001, epoch: TransactionState.lastUsableEpoch)
        _ = bench.initialize("a")
        for epoch in 0..<TransactionState.lastUsableEpoch {
            _ = bench.step { machine, turn in
                _ = machine.initProducer(
                    "a", timeoutMs: 60_000, expected: Producer(id: 1001, epoch: epoch), freshId: nil, &turn)
            }
        }
        #expect(bench.add("a", last, [0], version: 2) == .none)
        #expect(bench.initialize("a") == .failed(.concurrentTransactions))
        bench.completeMarkers()
        #expect(bench.end("a", last, commit: false, bumps: true) == .failed(.producerFenced))
        #expect(bench.initialize("a") == .producer(Producer(id: 1002, epoch: 0)))
    }

    @Test func `an empty transaction can be aborted and not committed where epochs are raised`() {
        _ = bench.initialize("a")
        let producer = Producer(id: 1001, epoch: 0)
        #expect(bench.end("a", producer, commit: true, bumps: true) == .failed(.invalidTxnState))
        #expect(bench.end("a", producer, commit: false, bumps: true) == .decided(Producer(id: 1001, epoch: 1)))
        #expect(bench.completeMarkers().map(\.partitions.count) == [0])
        #expect(bench.states["a"]?.status == .completeAbort)
    }

    @Test func `the last epoch of an id is followed by another id, and the end can be asked for again`() throws {
        _ = bench.initialize("a")
        var state = try #require(bench.states["a"])
        state.producerEpoch = Int16.max - 1
        _ = bench.step { [state] in $0.keep(state, of: "a", &$1) }
        let last = Producer(id: 1001, epoch: Int16.max - 1)
        _ = bench.add("a", last, [0], version: 2)
        let next = Producer(id: 1002, epoch: 0)
        #expect(bench.end("a", last, commit: true, bumps: true) == .decided(next))
        // It goes on at once, while the markers are still being written.
        #expect(bench.add("a", next, [0], version: 2) == .concurrentTransactions)
        #expect(bench.end("a", next, commit: false, bumps: true) == .failed(.concurrentTransactions))
        #expect(bench.initialize("a", expected: next) == .failed(.concurrentTransactions))
        #expect(bench.add("a", Producer(id: 1002, epoch: 1), [0], version: 2) == .invalidProducerIdMapping)
        bench.reload()
        let end = try #require(bench.completeMarkers().first)
        #expect(end.producerId == 1001 && end.producerEpoch == Int16.max)
        #expect(bench.states["a"]?.producerId == 1002)
        #expect(bench.end("a", last, commit: true, bumps: true) == .decided(next))
        #expect(bench.add("a", next, [0], version: 2) == .none)
    }

    @Test func `the epoch above the last one fences a producer, and is given to nobody`() throws {
        _ = bench.initialize("a")
        var state = try #require(bench.states["a"])
        state.producerEpoch = Int16.max - 1
        _ = bench.step { [state] in $0.keep(state, of: "a", &$1) }
        let last = Producer(id: 1001, epoch: Int16.max - 1)
        _ = bench.add("a", last, [0], version: 2)
        bench.clock.advance(ms: 60_001)
        bench.tick()
        #expect(try #require(bench.completeMarkers().first).producerEpoch == Int16.max)
        for isCommit in [false, true] {
            #expect(bench.end("a", last, commit: isCommit, bumps: true) == .failed(.producerFenced))
        }
        #expect(bench.initialize("a") == .producer(Producer(id: 1002, epoch: 0)))
    }

    @Test func `partitions are verified without being added`() {
        _ = bench.initialize("a")
        let producer = Producer(id: 1001, epoch: 0)
        _ = bench.add("a", producer, [0])
        let zero = TopicPartition(topic: "t", partition: 0)
        let one = TopicPartition(topic: "t", partition: 1)
        #expect(
            bench.partition.machine?.verify("a", producer, [zero, one]) == [zero: .none, one: .transactionAbortable])
        #expect(bench.partition.machine?.verify("a", Producer(id: 1001, epoch: 1), [zero]) == [zero: .producerFenced])
        #expect(bench.states["a"]?.partitions == [zero])
    }

    @Test func `ids are described and listed by state, producer and age`() {
        _ = bench.initialize("a")
        _ = bench.initialize("b")
        _ = bench.add("b", Producer(id: 1002, epoch: 0), [3, 1])
        let machine = bench.partition.machine
        let described = machine?.describe("b")
        #expect(described?.transactionState == "Ongoing")
        #expect(described?.topics.map(\.partitions) == [[1, 3]])
        #expect(machine?.describe("c").errorCode == .transactionalIdNotFound)
        func list(_ statuses: Set<TransactionStatus> = [], _ ids: Set<Int64> = [], _ minMs: Int64 = -1) -> [String] {
            machine?.list(statuses: statuses, producerIds: ids, minDurationMs: minMs, nowMs: bench.clock.wallMs + 10)
                .map(\.transactionalId).sorted() ?? []
        }
        #expect(list() == ["a", "b"])
        #expect(list([.ongoing]) == ["b"])
        #expect(list([], [1001]) == ["a"])
        #expect(list([.ongoing], [], 9) == ["b"])
        #expect(list([.ongoing], [], 10) == [])
        // Records may say anything.
        for startMs in [Int64.min, .max] {
            guard var state = bench.states["b"] else { continue }
            state.startMs = startMs
            _ = bench.step { [state] in $0.keep(state, of: "b", &$1) }
            let nowMs = bench.clock.wallMs
            let found = bench.partition.machine?.list(
                statuses: [], producerIds: [], minDurationMs: .max, nowMs: nowMs)
            #expect(found?.isEmpty == true)
        }
    }

    @Test func `Kafka's records read back as the bytes that they were`() throws {
        var value = TransactionLogValue()
        value.producerId = 5
        value.producerEpoch = 3
        value.transactionTimeoutMs = 1000
        value.transactionStatus = .ongoing
        var topic = TransactionLogValue.PartitionsSchema()
        topic.topic = "t"
        topic.partitionIds = [0, 4]
        value.transactionPartitions = [topic]
        value.transactionLastUpdateTimestampMs = 7
        value.transactionStartTimestampMs = 6
        #expect(try TransactionState(value).value.versioned() == value.versioned())
    }
}
