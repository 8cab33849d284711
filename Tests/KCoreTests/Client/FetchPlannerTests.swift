import Testing

@testable import KCore

private func batch(_ base: Int64, _ values: [String]) throws -> Bytes {
    var options = BatchOptions()
    options.baseOffset = base
    let builder = RecordBatchBuilder(options)
    for value in values { try builder.append(timestamp: 1, key: nil, value: Bytes(value)) }
    return try builder.close()
}

private final class Scene {
    let planner: FetchPlanner
    var nowMs: Int64 = 1000
    var topicId = Uuid.zero
    var leaderless: Set<Int32> = []

    init(
        _ readings: [(partition: Int32, position: Int64, end: Int64)],
        _ properties: [(name: String, value: String)] = []
    )
        throws
    {
        planner = FetchPlanner(
            config: try ClientConfig(properties),
            readings: readings.map {
                FetchPlanner.Reading(topic: "t", partition: $0.partition, position: $0.position, end: $0.end)
            }, seed: 1)
    }

    /// A position of nil is where the policy says.
    func add(_ partitions: [(TopicPartition, position: Int64?)], endsAtFirstSight: Bool) {
        planner.add(
            partitions.map { partition, position in
                var reading = FetchPlanner.Reading(
                    topic: partition.topic, partition: partition.partition, position: position ?? -1, end: .max)
                reading.endsAtFirstSight = endsAtFirstSight
                return reading
            })
    }

    /// Partition N is led by broker N % 10.
    func plan(queuedBytes: Int = 0) -> [FetchPlanner.Call] {
        planner.plan(nowMs: nowMs, queuedBytes: queuedBytes) {
            leaderless.contains($0.partition) ? nil : ($0.partition % 10, 5)
        } topicId: { [topicId] _ in
            topicId
        }
    }

    func answer(_ call: FetchPlanner.Call, _ partitions: [(Int32, ErrorCode, Bytes?)]) {
        var response = FetchResponse()
        var topic = FetchResponse.FetchableTopicResponse()
        topic.topic = "t"
        topic.partitions = partitions.map { index, code, bytes in
            var data = FetchResponse.PartitionData()
            data.partitionIndex = index
            data.errorCode = code
            data.highWatermark = 100
            data.records = bytes.map { .bytes($0) }
            return data
        }
        response.responses = [topic]
        planner.answered(call, response, nowMs: nowMs)
    }

    func fetched() -> [FetchedRecords] {
        let effects = planner.effects
        planner.effects = []
        return effects.compactMap { if case .records(let records) = $0 { records } else { nil } }
    }

    /// Whether those are read on whose topic was made anew.
    func madeAnew() -> [Bool] {
        planner.effects.compactMap { if case .madeAnew(_, let isReadOn) = $0 { isReadOn } else { nil } }
    }

    func failure() -> ClientError? {
        for effect in planner.effects { if case .failed(let error) = effect { return error } }
        return nil
    }
}

private func values(_ records: FetchedRecords) throws -> [String] {
    var result: [String] = []
    try records.forEachRecord { record in
        result.append(String(decoding: record.value ?? UnsafeRawBufferPointer(start: nil, count: 0), as: UTF8.self))
        return true
    }
    return result
}

struct FetchPlannerTests {
    @Test func `one fetch at a time goes to each broker, with all its partitions`() throws {
        let scene = try Scene([(1, 5, .max), (11, 6, .max), (2, 7, .max)])
        let calls = scene.plan()
        #expect(calls.map(\.broker) == [1, 2])
        #expect(calls[0].request.topics.flatMap(\.partitions).map(\.fetchOffset) == [5, 6])
        #expect(scene.plan().isEmpty)
        scene.answer(calls[1], [(2, .none, nil)])
        #expect(scene.plan().map(\.broker) == [2])
    }

    @Test func `what was fetched moves the position, and the next fetch goes on there`() throws {
        let scene = try Scene([(1, 5, .max)])
        scene.answer(scene.plan()[0], [(1, .none, try batch(5, ["a", "b", "c"]))])
        #expect(try scene.fetched().map(values) == [["a", "b", "c"]])
        #expect(scene.plan()[0].request.topics[0].partitions[0].fetchOffset == 8)
    }

    @Test func `only offsets from the start up to the end are handed out`() throws {
        let scene = try Scene([(1, 6, 8)])
        scene.answer(scene.plan()[0], [(1, .none, try batch(5, ["a", "b", "c", "d"]))])
        #expect(try scene.fetched().map(values) == [["b", "c"]])
        #expect(scene.planner.isFinished)
        #expect(scene.plan().isEmpty)
    }

    @Test func `a batch that is cut off is left for the next fetch`() throws {
        let scene = try Scene([(1, 0, .max)])
        let (first, second) = (try batch(0, ["a"]), try batch(1, ["b"]))
        let bytes = Bytes(first.array + second.array.dropLast(3))
        scene.answer(scene.plan()[0], [(1, .none, bytes)])
        #expect(try scene.fetched().map(values) == [["a"]])
        #expect(scene.plan()[0].request.topics[0].partitions[0].fetchOffset == 1)
    }

    @Test func `messages of old formats are read, and the batches behind them`() throws {
        let scene = try Scene([(1, 1, .max)])
        let old = try LegacyRecords.convertDown(try batch(0, ["a", "b", "c"]), to: 1, firstOffset: 0)
        let new = try batch(3, ["d"]).array
        scene.answer(scene.plan()[0], [(1, .none, Bytes(old.array + new + new.prefix(20)))])
        #expect(try scene.fetched().map(values) == [["b", "c", "d"]])
        #expect(scene.plan()[0].request.topics[0].partitions[0].fetchOffset == 4)
    }

    @Test func `nothing is fetched while too much waits for the reader`() throws {
        let scene = try Scene([(1, 0, .max)], [("queued.max.messages.kbytes", "1")])
        #expect(scene.plan(queuedBytes: 1024).isEmpty)
        #expect(scene.plan(queuedBytes: 1023).count == 1)
    }

    @Test func `a leader that has moved is asked for, and the fetch tried again`() throws {
        let scene = try Scene([(1, 0, .max)])
        scene.answer(scene.plan()[0], [(1, .notLeaderOrFollower, nil)])
        let asks = scene.planner.effects.contains { if case .refreshMetadata("t") = $0 { true } else { false } }
        #expect(asks)
        #expect(scene.plan().isEmpty)
        let wake = try #require(scene.planner.nextWakeMs(nowMs: scene.nowMs))
        scene.nowMs = wake
        #expect(scene.plan().count == 1)
    }

    @Test func `an offset that does not exist is looked for where the policy says`() throws {
        let scene = try Scene([(1, 50, .max)], [("auto.offset.reset", "earliest")])
        scene.answer(scene.plan()[0], [(1, .offsetOutOfRange, nil)])
        guard case .reset(let partition, .earliest)? = scene.planner.effects.first else {
            throw ClientError(.badData, "no reset")
        }
        #expect(scene.plan().isEmpty)
        scene.planner.reset(partition, to: 7, nowMs: scene.nowMs)
        #expect(scene.plan()[0].request.topics[0].partitions[0].fetchOffset == 7)
    }

    @Test func `a topic that was made anew is read from its beginning, and no answer about the old one counts`() throws
    {
        let scene = try Scene([(1, 3, .max)], [("auto.offset.reset", "none")])
        scene.topicId = Uuid(high: 1, low: 1)
        let old = scene.plan()[0]
        scene.topicId = Uuid(high: 2, low: 2)
        #expect(scene.plan().isEmpty)
        guard case .madeAnew(let told, isReadOn: true)? = scene.planner.effects.first, told.partition == 1 else {
            throw ClientError(.badData, "nobody is told")
        }
        scene.answer(old, [(1, .none, try batch(3, ["old"]))])
        #expect(scene.fetched().isEmpty)
        #expect(scene.plan().isEmpty)
        guard case .reset(let partition, .earliest)? = scene.planner.effects.first else {
            throw ClientError(.badData, "no reset")
        }
        scene.planner.reset(partition, to: 0, nowMs: scene.nowMs)
        #expect(scene.plan()[0].request.topics[0].partitions[0].fetchOffset == 0)
    }

    @Test func `an end says nothing about a topic that was made anew`() throws {
        let scene = try Scene([(1, 3, 6)])
        scene.topicId = Uuid(high: 1, low: 1)
        scene.answer(scene.plan()[0], [(1, .unknownTopicId, nil)])
        scene.topicId = Uuid(high: 2, low: 2)
        #expect(scene.plan().isEmpty)
        #expect(scene.failure()?.message == "t was deleted and made anew while it was read")
        #expect(scene.madeAnew() == [false], "what was read is not stored for the new one")
    }

    @Test func `a topic that was made anew is seen also while nothing more may be fetched`() throws {
        let scene = try Scene([(1, 3, .max)], [("queued.max.messages.kbytes", "1")])
        scene.topicId = Uuid(high: 1, low: 1)
        scene.answer(scene.plan()[0], [(1, .none, try batch(3, ["old"]))])
        #expect(scene.plan(queuedBytes: 1024).isEmpty && scene.madeAnew().isEmpty)
        scene.topicId = Uuid(high: 2, low: 2)
        #expect(scene.plan(queuedBytes: 1024).isEmpty && scene.madeAnew() == [true])
    }

    @Test func `of a partition that was read to its end it is told once that its topic was made anew`() throws {
        let scene = try Scene([(1, 3, 4)])
        scene.topicId = Uuid(high: 1, low: 1)
        scene.answer(scene.plan()[0], [(1, .none, try batch(3, ["old"]))])
        #expect(scene.planner.isFinished)
        scene.topicId = Uuid(high: 2, low: 2)
        for _ in 0..<2 { #expect(scene.plan().isEmpty && scene.madeAnew() == [false]) }
        #expect(scene.planner.isFinished && scene.failure() == nil)
    }

    @Test func `without a policy it is an error that says what to do`() throws {
        let scene = try Scene([(1, 50, .max)], [("auto.offset.reset", "none")])
        scene.answer(scene.plan()[0], [(1, .offsetOutOfRange, nil)])
        #expect(scene.failure()?.message.contains("auto.offset.reset") == true)
    }

    @Test func `a partition that may not be read ends the reading`() throws {
        let scene = try Scene([(1, 0, .max)])
        scene.answer(scene.plan()[0], [(1, .topicAuthorizationFailed, nil)])
        #expect(scene.failure()?.errorCode == .topicAuthorizationFailed)
    }

    @Test func `a partition that got records comes last in the next fetch`() throws {
        let scene = try Scene([(1, 0, .max), (11, 0, .max)])
        scene.answer(scene.plan()[0], [(1, .none, try batch(0, ["a"])), (11, .none, nil)])
        #expect(scene.plan()[0].request.topics[0].partitions.map(\.partition) == [11, 1])
    }

    @Test func `a lost connection is tried again later`() throws {
        let scene = try Scene([(1, 0, .max)])
        scene.planner.failed(scene.plan()[0], ClientError(.connection, "lost"), nowMs: scene.nowMs)
        #expect(scene.plan().isEmpty)
        scene.nowMs += 2000
        #expect(scene.plan().count == 1)
    }

    @Test func `a share that changes is fetched from where it is, and what was given up is left out`() throws {
        let scene = try Scene([], [("auto.offset.reset", "earliest")])
        #expect(scene.plan().isEmpty)
        let partitions = [0, 10].map { TopicPartition(topic: "t", partition: $0) }
        scene.add([(partitions[0], 7), (partitions[1], nil)], endsAtFirstSight: false)
        let first = try #require(scene.plan().first)
        #expect(first.positions == [partitions[0]: 7])
        guard case .reset(let unknown, .earliest)? = scene.planner.effects.first else {
            return #expect(Bool(false), "nobody looks where a partition without a stored offset begins")
        }
        #expect(unknown == partitions[1])
        scene.planner.effects = []
        // The first who is asked does not know.
        scene.planner.reset(partitions[1], to: nil, nowMs: scene.nowMs)
        scene.planner.effects = []
        scene.nowMs += 1000
        scene.answer(first, [(0, .none, nil)])
        #expect(scene.plan().first?.positions == [partitions[0]: 7])
        guard case .reset? = scene.planner.effects.first else { return #expect(Bool(false), "asked only once") }
        scene.planner.effects = []
        scene.planner.reset(partitions[1], to: 3, nowMs: scene.nowMs)
        scene.answer(first, [(0, .none, nil)])
        let call = try #require(scene.plan().first)
        #expect(call.positions == [partitions[0]: 7, partitions[1]: 3])
        scene.planner.remove([partitions[0]])
        scene.answer(call, [(0, .none, try batch(7, ["gone"])), (10, .none, try batch(3, ["mine"]))])
        #expect(scene.fetched().map(\.partition) == [10])
        #expect(scene.plan().first?.positions == [partitions[1]: 4])
    }

    @Test func `a partition that ends where it was first seen to end is finished there`() throws {
        let scene = try Scene([])
        scene.add([(TopicPartition(topic: "t", partition: 0), 98)], endsAtFirstSight: true)
        scene.answer(try #require(scene.plan().first), [(0, .none, try batch(98, ["a", "b", "c"]))])
        #expect(scene.planner.isFinished, "the end was 100")
        #expect(scene.fetched().first?.next == GroupOffset(100, leaderEpoch: -1))
    }

    @Test func `without a stored offset and without a reset there is nowhere to begin`() throws {
        let scene = try Scene([], [("auto.offset.reset", "none")])
        scene.add([(TopicPartition(topic: "t", partition: 0), nil)], endsAtFirstSight: false)
        #expect(scene.plan().isEmpty)
        guard case .failed(let error)? = scene.planner.effects.first else { return #expect(Bool(false), "no error") }
        #expect(error.message.contains("no stored offset of t-0"))
    }
}

struct FetchedRecordsTests {
    private func transactional(_ base: Int64, producer: Int64, _ values: [String]) throws -> [UInt8] {
        var options = BatchOptions()
        options.baseOffset = base
        options.producerId = producer
        options.producerEpoch = 0
        options.baseSequence = 0
        options.isTransactional = true
        let builder = RecordBatchBuilder(options)
        for value in values { try builder.append(timestamp: 1, key: nil, value: Bytes(value)) }
        return try builder.close().array
    }

    private func marker(_ base: Int64, producer: Int64, isCommit: Bool) throws -> [UInt8] {
        let bytes = try EndTransactionMarker(isCommit: isCommit, coordinatorEpoch: 0)
            .batch(producerId: producer, producerEpoch: 0, timestampMs: 1)
        bytes.withUnsafeMutableBytes { batch in
            if let base = batch.baseAddress {
                RecordBatchHeader.stamp(baseOffset: 0, partitionLeaderEpoch: 0, at: base)
            }
        }
        return bytes.withUnsafeMutableBytes { batch in
            if let start = batch.baseAddress {
                RecordBatchHeader.stamp(baseOffset: base, partitionLeaderEpoch: 0, at: start)
            }
            return [UInt8](batch)
        }
    }

    private func fetched(_ bytes: [UInt8], _ isolation: IsolationLevel, aborted: [(producer: Int64, first: Int64)])
        -> FetchedRecords
    {
        FetchedRecords(
            topic: "t", partition: 0, startOffset: 0, endOffset: .max, bytes: Bytes(bytes), isolation: isolation,
            checksCRC: true,
            aborted: aborted.map {
                var transaction = FetchResponse.AbortedTransaction()
                transaction.producerId = $0.producer
                transaction.firstOffset = $0.first
                return transaction
            })
    }

    private func log() throws -> [UInt8] {
        try transactional(0, producer: 1, ["a"]) + transactional(1, producer: 2, ["b"])
            + marker(2, producer: 1, isCommit: false) + transactional(3, producer: 1, ["c"])
            + marker(4, producer: 1, isCommit: true) + marker(5, producer: 2, isCommit: true) + batch(6, ["d"]).array
    }

    @Test func `a reader of committed records does not see aborted ones, nor markers`() throws {
        let records = fetched(try log(), .readCommitted, aborted: [(1, 0)])
        #expect(try values(records) == ["b", "c", "d"])
    }

    @Test func `a reader of uncommitted records sees all but markers`() throws {
        let records = fetched(try log(), .readUncommitted, aborted: [])
        #expect(try values(records) == ["a", "b", "c", "d"])
    }

    @Test func `a wrong checksum is an error that names the place`() throws {
        var bytes = try batch(0, ["abc"]).array
        bytes[bytes.count - 2] ^= 1
        let records = fetched(bytes, .readUncommitted, aborted: [])
        #expect(throws: ClientError.self) { try values(records) }
    }

    @Test func `the reader can stop in the middle`() throws {
        let records = fetched(try batch(0, ["a", "b", "c"]).array, .readUncommitted, aborted: [])
        var count = 0
        try records.forEachRecord { _ in
            count += 1
            return count < 2
        }
        #expect(count == 2)
    }

    /// Answers every fetch with `code` for so long.
    private func refuse(_ scene: Scene, _ code: ErrorCode, forMs: Int64) {
        let end = scene.nowMs + forMs
        while scene.nowMs < end, scene.failure() == nil {
            for call in scene.plan() { scene.answer(call, [(1, code, nil)]) }
            scene.nowMs += 100
        }
    }

    private func told(_ scene: Scene) -> [ErrorCode] {
        scene.planner.effects.compactMap { if case .waits(_, 5, let code) = $0 { code } else { nil } }
    }

    @Test func `what a broker refuses for a while is told once, and asked again`() throws {
        let scene = try Scene([(1, 5, .max)])
        refuse(scene, .kafkaStorageError, forMs: 2900)
        #expect(told(scene).isEmpty)
        refuse(scene, .kafkaStorageError, forMs: 100_000)
        #expect(told(scene) == [.kafkaStorageError])
        #expect(scene.failure() == nil)
        refuse(scene, .notLeaderOrFollower, forMs: 100_000)
        #expect(told(scene) == [.kafkaStorageError, .notLeaderOrFollower])
        scene.nowMs += 10_000
        let call = try #require(scene.plan().first)
        scene.answer(call, [(1, .none, try batch(5, ["a"]))])
        #expect(try scene.fetched().flatMap(values) == ["a"])
    }

    @Test func `who reads up to an end does not wait for ever`() throws {
        let scene = try Scene([(1, 5, 6)])
        refuse(scene, .kafkaStorageError, forMs: 29_000)
        #expect(scene.failure() == nil)
        refuse(scene, .kafkaStorageError, forMs: 60_000)
        #expect(scene.failure()?.kind == .broker(.kafkaStorageError))
        #expect(scene.failure()?.message.contains("t-1 at offset 5") == true)
    }

    @Test func `a partition without a leader is told once, and fails only when all others are read to their ends`()
        throws
    {
        let scene = try Scene([(1, 5, 6), (2, 5, 6)])
        scene.leaderless = [1]
        let calls = scene.plan()
        #expect(calls.map(\.broker) == [2] && told(scene).isEmpty)
        for _ in 0..<2 {
            scene.nowMs += 3000
            #expect(scene.plan().isEmpty && told(scene) == [.leaderNotAvailable])
        }
        scene.nowMs += 60_000
        #expect(scene.plan().isEmpty && scene.failure() == nil)
        scene.answer(calls[0], [(2, .none, try batch(5, ["a"]))])
        #expect(scene.plan().isEmpty)
        #expect(scene.failure()?.message.hasPrefix("cannot find the leader of t-1: LEADER_NOT_AVAILABLE") == true)
        #expect(try scene.fetched().flatMap(values) == ["a"])
    }

    @Test func `where a partition begins is looked up once it has a leader, for which somebody waits without a bound`()
        throws
    {
        let scene = try Scene([(1, -1, .max)])
        scene.leaderless = [1]
        var resets: Int { scene.planner.effects.count { if case .reset = $0 { true } else { false } } }
        for _ in 0..<100 {
            #expect(scene.plan().isEmpty && scene.failure() == nil && resets == 0)
            scene.nowMs = try #require(scene.planner.nextWakeMs(nowMs: scene.nowMs))
        }
        scene.leaderless = []
        #expect(scene.plan().isEmpty && resets == 1)
    }

    @Test(arguments: [Int64.max, 6])
    func `damage on the broker's disk is an error, after a few tries`(end: Int64) throws {
        let scene = try Scene([(1, 5, end)])
        for _ in 1..<FetchRefusal.damageLimit {
            scene.nowMs += 10_000
            scene.answer(try #require(scene.plan().first), [(1, .corruptMessage, nil)])
            if end == .max { #expect(scene.failure() == nil) }
        }
        scene.nowMs += 10_000
        if scene.failure() == nil { scene.answer(try #require(scene.plan().first), [(1, .corruptMessage, nil)]) }
        #expect(scene.failure()?.kind == .broker(.corruptMessage))
        #expect(scene.failure()?.message.contains("t-1 at offset 5 are damaged on broker 1") == true)
    }
}
