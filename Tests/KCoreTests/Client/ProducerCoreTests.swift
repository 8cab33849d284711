import Testing

@testable import KCore

/// Batches go in, requests come out, and the test answers for the broker.
private final class Scene {
    let core: ProducerCore
    var nowMs: Int64 = 1000
    private var nextSerial: Int64 = 0

    init(_ properties: [(name: String, value: String)] = []) throws {
        let config = try ClientConfig([("retry.backoff.ms", "100")] + properties)
        core = ProducerCore(config: config, seed: 7)
        if config.isIdempotent { core.identity = ProducerIdentity(id: 42, epoch: 3) }
    }

    @discardableResult
    func add(_ values: [String], partition: Int32 = 0) throws -> ProducerBatch {
        let builder = RecordBatchBuilder(capacity: 256)
        let batch = ProducerBatch(
            topic: "t", partition: partition, createdMs: nowMs, reservedBytes: 100, builder: builder)
        for value in values {
            try builder.append(timestamp: 1, key: nil, value: Bytes(value))
            batch.serials.append(nextSerial)
            nextSerial += 1
        }
        batch.isClosedWhenSent = true
        batch.seal()
        core.add(batch)
        return batch
    }

    func drain(leader: Int32? = 1) -> [ProducerCore.Call] {
        var calls: [ProducerCore.Call] = []
        while true {
            let more = core.drain(nowMs: nowMs) { _ in leader }
            if more.isEmpty { return calls }
            calls += more
        }
    }

    func answer(_ call: ProducerCore.Call, _ code: ErrorCode, baseOffset: Int64 = 0, failing: [Int32] = []) {
        var response = ProduceResponse()
        var topic = ProduceResponse.TopicProduceResponse()
        topic.name = "t"
        topic.partitionResponses = call.batches.map { batch in
            var partition = ProduceResponse.PartitionProduceResponse()
            partition.index = batch.partition
            partition.errorCode = code
            partition.baseOffset = baseOffset
            partition.recordErrors = failing.map { index in
                var error = ProduceResponse.BatchIndexAndErrorMessage()
                error.batchIndex = index
                error.batchIndexErrorMessage = "no"
                return error
            }
            return partition
        }
        response.responses = [topic]
        core.answered(call, response, nowMs: nowMs)
    }

    func lose(_ call: ProducerCore.Call) {
        core.failed(call, ClientError(.connection, "lost"), nowMs: nowMs)
    }

    /// What has become of batches since the last call: serials of the delivered and of the failed.
    func fates() -> (delivered: [Int64], failed: [Int64], errors: [ErrorCode?]) {
        var result: (delivered: [Int64], failed: [Int64], errors: [ErrorCode?]) = ([], [], [])
        for effect in core.effects {
            switch effect {
            case .delivered(let batch, _): batch.serials.visit { _, serial in result.delivered.append(serial) }
            case .failed(let batch, let error):
                batch.serials.visit { _, serial in result.failed.append(serial) }
                result.errors.append(error.errorCode)
            default: break
            }
        }
        core.effects = []
        return result
    }

    /// What is told of the batches that have failed since the last call.
    func reasons() -> [String] {
        defer { core.effects = [] }
        return core.effects.compactMap { if case .failed(_, let error) = $0 { error.message } else { nil } }
    }
}

private func header(_ call: ProducerCore.Call) throws -> RecordBatchHeader {
    let bytes = try #require(call.batches.first?.bytes)
    return try bytes.withUnsafeBytes { bytes throws in
        #expect(RecordBatchHeader.isCRCValid(bytes))
        return try RecordBatchHeader(reading: bytes)
    }
}

struct ProducerCoreTests {
    @Test func `batches of a partition carry consecutive sequence numbers`() throws {
        let scene = try Scene()
        try scene.add(["a", "b"])
        try scene.add(["c"])
        let headers = try scene.drain().map(header)
        #expect(headers.map(\.baseSequence) == [0, 2])
        #expect(headers.map(\.producerId) == [42, 42])
        #expect(headers.map(\.producerEpoch) == [3, 3])
    }

    @Test func `no more than five requests are in flight, and an answer makes room`() throws {
        let scene = try Scene()
        for _ in 0..<7 { try scene.add(["x"]) }
        let calls = scene.drain()
        #expect(calls.count == 5)
        scene.answer(calls[0], .none, baseOffset: 10)
        #expect(scene.drain().count == 1)
        #expect(scene.fates().delivered == [0])
    }

    @Test func `partitions of one broker share a request, each with one batch`() throws {
        let scene = try Scene()
        try scene.add(["a"], partition: 0)
        try scene.add(["b"], partition: 1)
        try scene.add(["c"], partition: 0)
        #expect(scene.drain().map { $0.batches.map(\.partition).sorted() } == [[0, 1], [0]])
    }

    @Test func `nothing is sent before there is a producer id`() throws {
        let scene = try Scene()
        scene.core.identity = nil
        try scene.add(["a"])
        #expect(scene.drain().isEmpty)
        scene.core.restart(ProducerIdentity(id: 1, epoch: 0))
        #expect(scene.drain().count == 1)
    }

    @Test func `after a lost connection all is sent again in order with the same numbers`() throws {
        let scene = try Scene()
        for value in ["a", "b", "c"] { try scene.add([value]) }
        let calls = scene.drain()
        // Answers of several requests may be lost in any order.
        for index in [1, 2, 0] { scene.lose(calls[index]) }
        #expect(scene.drain().isEmpty)
        scene.nowMs += 500
        var sequences: [Int32] = []
        for expected in 0..<3 {
            // One at a time, so that none overtakes another.
            let again = scene.drain()
            #expect(again.count == 1)
            let call = try #require(again.first)
            sequences.append(try header(call).baseSequence)
            scene.answer(call, .none)
            #expect(scene.fates().delivered == [Int64(expected)])
        }
        #expect(sequences == [0, 1, 2])
    }

    @Test func `nothing new is sent while a retried batch is in flight`() throws {
        let scene = try Scene()
        try scene.add(["a"])
        scene.lose(try #require(scene.drain().first))
        try scene.add(["b"])
        scene.nowMs += 500
        let again = scene.drain()
        #expect(try again.map { try header($0).baseSequence } == [0])
        scene.answer(again[0], .none)
        #expect(try scene.drain().map { try header($0).baseSequence } == [1])
    }

    @Test func `a batch that follows a failed one is refused out of order and comes behind it again`() throws {
        let scene = try Scene()
        try scene.add(["a"])
        try scene.add(["b"])
        let calls = scene.drain()
        scene.answer(calls[0], .notLeaderOrFollower)
        scene.answer(calls[1], .outOfOrderSequenceNumber)
        scene.nowMs += 500
        let first = scene.drain()
        #expect(try first.map { try header($0).baseSequence } == [0])
        scene.answer(first[0], .none)
        let second = scene.drain()
        #expect(try second.map { try header($0).baseSequence } == [1])
        #expect(try header(second[0]).producerEpoch == 3)
        scene.answer(second[0], .none)
        let fates = scene.fates()
        #expect(fates.delivered == [0, 1])
        #expect(fates.failed.isEmpty)
    }

    @Test func `in a transaction a batch behind one that has to wait comes behind it again`() throws {
        let scene = try Scene([("transactional.id", "x")])
        try scene.add(["a"])
        try scene.add(["b"])
        let calls = scene.drain()
        #expect(calls.count == 2)
        scene.answer(calls[0], .concurrentTransactions)
        scene.answer(calls[1], .outOfOrderSequenceNumber)
        #expect(scene.fates().failed.isEmpty)
        #expect(scene.drain().isEmpty)
        // Long before retry.backoff.ms.
        scene.nowMs += 5
        let again = scene.drain()
        #expect(try again.map(header).map(\.baseSequence) == [0])
        scene.answer(try #require(again.first), .none)
        let behind = scene.drain()
        #expect(try behind.map(header).map(\.baseSequence) == [1])
        scene.answer(try #require(behind.first), .none)
        #expect(scene.fates().delivered == [0, 1])
    }

    @Test func `in a transaction a batch fails that is out of order with nothing in front of it`() throws {
        let scene = try Scene([("transactional.id", "x")])
        try scene.add(["a"])
        scene.answer(try #require(scene.drain().first), .outOfOrderSequenceNumber)
        #expect(scene.fates().errors == [.outOfOrderSequenceNumber])
    }

    @Test func `out of order at the head raises the epoch and numbers anew`() throws {
        let scene = try Scene()
        try scene.add(["a"])
        scene.answer(try #require(scene.drain().first), .none)
        try scene.add(["b"])
        try scene.add(["c"])
        let calls = scene.drain()
        scene.answer(calls[0], .outOfOrderSequenceNumber)
        // What is in flight must be answered first.
        scene.nowMs += 500
        #expect(scene.drain().isEmpty)
        scene.answer(calls[1], .outOfOrderSequenceNumber)
        scene.nowMs += 500
        let again = scene.drain()
        let first = try header(try #require(again.first))
        #expect(first.producerEpoch == 4)
        #expect(first.baseSequence == 0)
        scene.answer(again[0], .none)
        let last = try header(try #require(scene.drain().first))
        #expect(last.baseSequence == 1)
        #expect(last.producerEpoch == 4)
    }

    @Test func `a batch that fails for good leaves no gap in the numbers of those behind it`() throws {
        let scene = try Scene()
        try scene.add(["a"])
        try scene.add(["b"])
        let calls = scene.drain()
        scene.answer(calls[0], .invalidTimestamp)
        scene.answer(calls[1], .outOfOrderSequenceNumber)
        scene.nowMs += 500
        let again = scene.drain()
        let first = try header(try #require(again.first))
        #expect((first.baseSequence, first.producerEpoch) == (0, 4))
        scene.answer(again[0], .none)
        let fates = scene.fates()
        #expect(fates.failed == [0])
        #expect(fates.delivered == [1])
    }

    @Test func `a batch given up that had arrived after all needs no new epoch`() throws {
        let scene = try Scene([("delivery.timeout.ms", "30010")])
        try scene.add(["a"])
        let first = try #require(scene.drain().first)
        scene.nowMs += 10
        try scene.add(["b"])
        let second = try #require(scene.drain().first)
        scene.nowMs += 30_000
        scene.lose(first)
        // The second was taken, so the first was too.
        scene.answer(second, .none)
        try scene.add(["c"])
        let third = try header(try #require(scene.drain().first))
        #expect((third.baseSequence, third.producerEpoch) == (2, 3))
        #expect(scene.fates().failed == [0])
    }

    @Test func `a duplicate counts as delivered at an unknown offset`() throws {
        let scene = try Scene()
        try scene.add(["a"])
        scene.answer(try #require(scene.drain().first), .duplicateSequenceNumber)
        guard case .delivered(_, let offset)? = scene.core.effects.first else { throw ClientError(.badData, "no fate") }
        #expect(offset == -1)
    }

    @Test func `a batch that is too large is split and keeps its numbers`() throws {
        let scene = try Scene()
        try scene.add(["a", "b", "c"])
        try scene.add(["d"])
        let calls = scene.drain()
        scene.answer(calls[0], .messageTooLarge)
        scene.answer(calls[1], .outOfOrderSequenceNumber)
        scene.nowMs += 500
        var sent: [(Int32, Int32)] = []
        while let call = scene.drain().first {
            let header = try header(call)
            sent.append((header.baseSequence, header.recordCount))
            scene.answer(call, .none)
            scene.nowMs += 500
        }
        #expect(sent.map(\.0) == [0, 1, 3])
        #expect(sent.map(\.1) == [1, 2, 1])
        #expect(scene.fates().delivered == [0, 1, 2, 3])
    }

    @Test func `a single record that is too large fails`() throws {
        let scene = try Scene()
        try scene.add(["a"])
        scene.answer(try #require(scene.drain().first), .messageTooLarge)
        let fates = scene.fates()
        #expect(fates.failed == [0])
        #expect(fates.errors == [.messageTooLarge])
    }

    @Test func `only the records that the broker names fail, the others are sent without them`() throws {
        let scene = try Scene()
        try scene.add(["a", "b", "c"])
        scene.answer(try #require(scene.drain().first), .invalidRecord, failing: [1])
        #expect(scene.fates().failed == [1])
        scene.nowMs += 500
        let again = try #require(scene.drain().first)
        #expect(try header(again).recordCount == 2)
        scene.answer(again, .none)
        #expect(scene.fates().delivered == [0, 2])
    }

    @Test func `what is not acknowledged in time fails with the last reason`() throws {
        let scene = try Scene([("delivery.timeout.ms", "40000")])
        try scene.add(["a"])
        scene.lose(try #require(scene.drain().first))
        scene.nowMs += 39_999
        scene.core.expire(nowMs: scene.nowMs)
        #expect(scene.fates().failed.isEmpty)
        scene.nowMs += 1
        scene.core.expire(nowMs: scene.nowMs)
        #expect(scene.fates().failed == [0])
        #expect(scene.core.isIdle)
    }

    @Test func `a partition without a leader is named as the reason, until it had one`() throws {
        let leaderless = "cannot find the leader of t-0: LEADER_NOT_AVAILABLE"
        let scene = try Scene([("delivery.timeout.ms", "40000")])
        try scene.add(["a"])
        #expect(scene.drain(leader: nil).isEmpty)
        scene.nowMs += 40_000
        scene.core.expire(nowMs: scene.nowMs)
        #expect(try #require(scene.reasons().first).contains("within 40000 ms (delivery.timeout.ms): \(leaderless)"))
        try scene.add(["b"])
        #expect(scene.drain(leader: nil).isEmpty)
        scene.answer(try #require(scene.drain().first), .none)
        try scene.add(["c"])
        scene.core.failAll(.interrupted)
        #expect(scene.reasons() == ["interrupted"])
    }

    @Test func `what is given up by wish says what held it back`() throws {
        let scene = try Scene()
        try scene.add(["a"], partition: 0)
        try scene.add(["b"], partition: 1)
        let call = try #require(scene.drain().first)
        scene.answer(call, .notEnoughReplicas)
        scene.core.failAll(.interrupted)
        let reasons = scene.reasons()
        #expect(reasons.count == 2)
        #expect(reasons[0].hasPrefix("interrupted; until then: cannot produce to t-0: NOT_ENOUGH_REPLICAS"))
        #expect(reasons[1].hasPrefix("interrupted; until then: cannot produce to t-1: NOT_ENOUGH_REPLICAS"))
    }

    @Test func `retries are counted, and a batch that used them up fails`() throws {
        let scene = try Scene([("retries", "1")])
        try scene.add(["a"])
        scene.answer(try #require(scene.drain().first), .notEnoughReplicas)
        scene.nowMs += 2000
        #expect(scene.fates().failed.isEmpty)
        scene.answer(try #require(scene.drain().first), .notEnoughReplicas)
        #expect(scene.fates().errors == [.notEnoughReplicas])
    }

    @Test func `without idempotence there are no numbers, and a retry goes to the front`() throws {
        let scene = try Scene([("acks", "1"), ("max.in.flight", "1")])
        try scene.add(["a"])
        try scene.add(["b"])
        let call = try #require(scene.drain().first)
        #expect(try header(call).producerId == -1)
        scene.lose(call)
        scene.nowMs += 500
        let again = try #require(scene.drain().first)
        #expect(again.batches[0] === call.batches[0])
    }

    @Test func `a partition without a leader waits and has metadata asked for`() throws {
        let scene = try Scene()
        try scene.add(["a"])
        #expect(scene.core.drain(nowMs: scene.nowMs) { _ in nil }.isEmpty)
        let asks = scene.core.effects.contains { if case .refreshMetadata("t") = $0 { true } else { false } }
        #expect(asks)
        #expect(scene.drain().count == 1)
    }

    @Test func `epochs that are used up ask for a new producer id`() throws {
        let scene = try Scene()
        scene.core.identity = ProducerIdentity(id: 42, epoch: .max)
        try scene.add(["a"])
        scene.answer(try #require(scene.drain().first), .unknownProducerId)
        scene.nowMs += 500
        _ = scene.drain()
        let asks = scene.core.effects.contains { if case .needsProducerId = $0 { true } else { false } }
        #expect(asks)
        scene.core.restart(ProducerIdentity(id: 43, epoch: 0))
        let header = try header(try #require(scene.drain().first))
        #expect((header.producerId, header.producerEpoch, header.baseSequence) == (43, 0, 0))
    }

    @Test func `sequence numbers go on at 0 after the largest`() {
        #expect(PartitionSender.sequence(.max, plus: 1) == 0)
        #expect(PartitionSender.sequence(.max - 1, plus: 3) == 1)
        #expect(PartitionSender.sequence(5, plus: 2) == 7)
    }
}
