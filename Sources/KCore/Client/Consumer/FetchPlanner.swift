/// Decides what a consumer fetches, from whom, from where on: a state machine without I/O, clock or threads.
///
/// One fetch is on its way to each broker at a time, for all partitions that it leads, so that while one answer is
/// decoded the next is coming. How far ahead is fetched is bounded by what the reader has not taken yet.
final class FetchPlanner {
    /// A partition that is read.
    struct Reading {
        let topic: String
        let partition: Int32
        /// Of the topic that the position is of; zero while it is not known.
        var topicId = Uuid.zero
        /// The next offset to fetch.
        var position: Int64
        /// Where reading ends, exclusive; `Int64.max` for never.
        var end: Int64
        /// The end of what is visible, as last seen; -1 for not yet.
        var visibleEnd: Int64 = -1
        var logStart: Int64 = -1
        var notBeforeMs: Int64 = 0
        var failures = 0
        /// Since when the broker has denied that it exists.
        var unknownSinceMs: Int64?
        /// What the broker answers instead of records, again and again.
        var refusal: FetchRefusal?
        /// Why it will not come to its end soon. The others are read to theirs first.
        var giveUpReason: ClientError?
        var isResetting = false
        /// Records of it were fetched.
        var hasGiven = false
        /// Without a position it begins at its beginning, whatever `auto.offset.reset` says.
        var beginsAtBeginning = false
        /// Where it is to end was not known when it began: at the end of what is visible then.
        var endsAtFirstSight = false
        /// A replica that is nearer than the leader (KIP-392), until `preferredUntilMs`.
        var preferredReplica: Int32 = -1
        var preferredUntilMs: Int64 = 0

        var topicPartition: TopicPartition { TopicPartition(topic: topic, partition: partition) }
        var isFinished: Bool { position >= end }
    }

    enum Effect {
        case records(FetchedRecords)
        case refreshMetadata(topic: String)
        /// The topic was deleted and made anew: what was fetched is of the old one. It begins at its beginning, where it is
        /// read on.
        case madeAnew(TopicPartition, isReadOn: Bool)
        case newLeader(TopicPartition, leader: Int32, epoch: Int32, endpoint: HostAndPort?)
        /// The position does not exist: look the place up, then call ``FetchPlanner/reset(_:to:nowMs:)``.
        case reset(TopicPartition, OffsetReset)
        /// The broker has refused this for a while, and is asked again.
        case waits(TopicPartition, offset: Int64, ErrorCode)
        case failed(ClientError)
    }

    struct Call {
        let broker: Int32
        let request: FetchRequest
        /// Where each partition was when the request was made.
        let positions: [TopicPartition: Int64]
        /// By id, as the answer names them from version 13 on.
        let topicsById: [Uuid: String]
    }

    private let config: ClientConfig
    private(set) var readings: [Reading]
    private var indexes: [TopicPartition: Int]
    // The order in which partitions are asked for, which is the order in which brokers serve them.
    private var order: [Int]
    private var busyBrokers: Set<Int32> = []
    private var busyPartitions: Set<TopicPartition> = []
    private var throttledUntilMs: [Int32: Int64] = [:]
    private var generator: SplitMix64
    var effects: [Effect] = []

    // How long a topic may be unknown, for instance right after it was created, before that is taken for the truth.
    private static let unknownPatienceMs: Int64 = 10_000

    init(config: ClientConfig, readings: [Reading], seed: UInt64) {
        self.config = config
        self.readings = readings
        indexes = Dictionary(
            readings.enumerated().map { ($1.topicPartition, $0) }, uniquingKeysWith: { first, _ in first })
        order = Array(readings.indices)
        generator = SplitMix64(state: seed)
    }

    /// The next offset to be fetched; -1 while nobody knows. Nil when the partition is not read.
    func position(of partition: TopicPartition) -> Int64? { indexes[partition].map { readings[$0].position } }

    /// Whether it reads a partition, has fetched nothing of it yet, and waits for ``reset(_:to:nowMs:)``.
    func hasGivenNothing(of partition: TopicPartition) -> Bool {
        indexes[partition].map { readings[$0].isResetting && !readings[$0].hasGiven } ?? false
    }

    /// Reads these too. One that is read already goes on as it is.
    func add(_ new: [Reading]) {
        for reading in new where indexes[reading.topicPartition] == nil {
            indexes[reading.topicPartition] = readings.count
            order.append(readings.count)
            readings.append(reading)
        }
    }

    /// Reads these no more. What is on its way of them is left out when it comes.
    func remove(_ partitions: Set<TopicPartition>) {
        readings.removeAll { partitions.contains($0.topicPartition) }
        indexes = Dictionary(
            readings.enumerated().map { ($1.topicPartition, $0) }, uniquingKeysWith: { first, _ in first })
        order = Array(readings.indices)
    }

    /// Whether every partition has been fetched up to its end.
    var isFinished: Bool { readings.allSatisfy(\.isFinished) }

    // MARK: Asking

    /// The fetches that may go out now.
    /// - Parameters:
    ///   - queuedBytes: what was fetched and the reader has not taken.
    ///   - leader: a partition's leader and its epoch.
    ///   - topicId: zero where it is not known.
    func plan(
        nowMs: Int64, queuedBytes: Int, leader: (TopicPartition) -> (broker: Int32, epoch: Int32)?,
        topicId: (String) -> Uuid
    ) -> [Call] {
        // Also while the reader is slow: it must not store what it has read of an old topic for the new one.
        guard noteTopics(topicId) else { return [] }
        let budget = config.maxQueuedBytes - queuedBytes
        guard budget > 0 else { return [] }
        var drafts: [Int32: [(index: Int, epoch: Int32)]] = [:]
        for index in order {
            if readings[index].isFinished || readings[index].isResetting { continue }
            let reading = readings[index]
            if nowMs < reading.notBeforeMs { continue }
            if busyPartitions.contains(reading.topicPartition) { continue }
            guard let leader = leader(reading.topicPartition) else {
                effects.append(.refreshMetadata(topic: reading.topic))
                refused(index, .leaderNotAvailable, nowMs)
                continue
            }
            if reading.position < 0 {
                findStart(index)
                continue
            }
            let isNear = reading.preferredReplica >= 0 && nowMs < reading.preferredUntilMs
            let broker = isNear ? reading.preferredReplica : leader.broker
            if busyBrokers.contains(broker) || nowMs < throttledUntilMs[broker, default: 0] { continue }
            drafts[broker, default: []].append((index, leader.epoch))
        }
        failIfNoneIsLeft()
        return drafts.sorted { $0.key < $1.key }.map { broker, partitions in
            busyBrokers.insert(broker)
            return call(to: broker, partitions, budget: budget / drafts.count)
        }
    }

    private func failIfNoneIsLeft() {
        guard let reason = readings.first(where: { $0.giveUpReason != nil })?.giveUpReason,
            readings.allSatisfy({ $0.isFinished || $0.giveUpReason != nil })
        else { return }
        effects.append(.failed(reason))
    }

    // - Returns: whether all can be read on.
    private func noteTopics(_ topicId: (String) -> Uuid) -> Bool {
        var mayGoOn = true
        // A place that is being looked up may be of either topic; whoever answers, it is looked at again.
        for index in readings.indices where !readings[index].isResetting {
            if !noteTopic(index, topicId(readings[index].topic)) { mayGoOn = false }
        }
        return mayGoOn
    }

    // Offsets of a topic that was deleted mean nothing in the one that was made under its name.
    // - Returns: whether it can be read on.
    private func noteTopic(_ index: Int, _ id: Uuid) -> Bool {
        let old = readings[index]
        if id.isZero || id == old.topicId { return true }
        if old.topicId.isZero {
            readings[index].topicId = id
            return true
        }
        guard old.end == .max else {
            readings[index].topicId = id
            effects.append(.madeAnew(old.topicPartition, isReadOn: false))
            if old.isFinished { return true }
            let message = "\(old.topic) was deleted and made anew while it was read"
            effects.append(.failed(ClientError(.broker(.unknownTopicId), message)))
            return false
        }
        var new = Reading(topic: old.topic, partition: old.partition, position: -1, end: .max)
        (new.topicId, new.beginsAtBeginning, new.endsAtFirstSight) = (id, true, old.endsAtFirstSight)
        readings[index] = new
        effects.append(.madeAnew(new.topicPartition, isReadOn: true))
        return true
    }

    // Of a partition whose position nobody knows.
    private func findStart(_ index: Int) {
        readings[index].isResetting = true
        let partition = readings[index].topicPartition
        let policy = readings[index].beginsAtBeginning ? .earliest : config.autoOffsetReset ?? .latest
        guard policy == .fail else { return effects.append(.reset(partition, policy)) }
        let message = "there is no stored offset of \(partition), and auto.offset.reset is none; say where to start"
        effects.append(.failed(ClientError(.broker(.offsetOutOfRange), message)))
    }

    private func call(
        to broker: Int32, _ partitions: [(index: Int, epoch: Int32)], budget: Int
    ) -> Call {
        var request = FetchRequest()
        request.maxWaitMs = Int32(config.fetchMaxWaitMs)
        request.minBytes = Int32(config.fetchMinBytes)
        request.maxBytes = Int32(clamping: min(config.fetchMaxBytes, max(budget, config.maxPartitionFetchBytes)))
        request.isolationLevel = config.isolation
        request.rackId = config.clientRack
        var positions: [TopicPartition: Int64] = [:]
        var topicsById: [Uuid: String] = [:]
        for (index, epoch) in partitions {
            let reading = readings[index]
            var partition = FetchRequest.FetchPartition()
            partition.partition = reading.partition
            partition.currentLeaderEpoch = epoch
            partition.fetchOffset = reading.position
            partition.partitionMaxBytes = Int32(config.maxPartitionFetchBytes)
            positions[reading.topicPartition] = reading.position
            busyPartitions.insert(reading.topicPartition)
            if request.topics.last?.topic == reading.topic {
                request.topics[request.topics.count - 1].partitions.append(partition)
            } else {
                var topic = FetchRequest.FetchTopic()
                topic.topic = reading.topic
                topic.topicId = reading.topicId
                topicsById[topic.topicId] = reading.topic
                topic.partitions = [partition]
                request.topics.append(topic)
            }
        }
        topicsById[.zero] = nil
        return Call(broker: broker, request: request, positions: positions, topicsById: topicsById)
    }

    // MARK: Answers

    func answered(_ call: Call, _ response: FetchResponse, nowMs: Int64) {
        release(call)
        if response.throttleTimeMs > 0 { throttledUntilMs[call.broker] = nowMs + Int64(response.throttleTimeMs) }
        guard response.errorCode == .none else {
            let error = ClientError.refused("fetch from broker \(call.broker)", response.errorCode)
            return failed(call, error, nowMs: nowMs)
        }
        var served: Set<Int> = []
        for topic in response.responses {
            guard let name = topic.topicId.isZero ? topic.topic : call.topicsById[topic.topicId] else { continue }
            for answer in topic.partitions {
                let key = TopicPartition(topic: name, partition: answer.partitionIndex)
                guard let asked = call.positions[key], let index = indexes[key], readings[index].position == asked
                else { continue }
                if answer.currentLeader.leaderId >= 0 { noteLeader(key, answer.currentLeader, response.nodeEndpoints) }
                if handle(index, answer, topic.topicId, call, nowMs) { served.insert(index) }
            }
        }
        rotate(served)
    }

    // Who got something comes last next time, so that a busy partition does not starve the others.
    private func rotate(_ served: Set<Int>) {
        guard order.count > 1, !served.isEmpty else { return }
        order = order.filter { !served.contains($0) } + order.filter { served.contains($0) }
    }

    private func noteLeader(
        _ key: TopicPartition, _ leader: FetchResponse.LeaderIdAndEpoch, _ endpoints: [FetchResponse.NodeEndpoint]
    ) {
        let endpoint = endpoints.first { $0.nodeId == leader.leaderId }.flatMap { node in
            UInt16(exactly: node.port).map { HostAndPort(host: node.host, port: $0) }
        }
        effects.append(.newLeader(key, leader: leader.leaderId, epoch: leader.leaderEpoch, endpoint: endpoint))
    }

    /// - Returns: whether there were records.
    private func handle(
        _ index: Int, _ answer: FetchResponse.PartitionData, _ topicId: Uuid, _ call: Call, _ nowMs: Int64
    ) -> Bool {
        let code = answer.errorCode
        let name = readings[index].topicPartition
        switch code {
        case .none:
            return take(index, answer, topicId, nowMs)
        case .offsetOutOfRange:
            // A replica may lack what the leader has.
            if readings[index].preferredReplica >= 0 && call.broker == readings[index].preferredReplica {
                readings[index].preferredReplica = -1
                return false
            }
            let policy = config.autoOffsetReset ?? .latest
            guard policy != .fail else {
                let message =
                    "offset \(readings[index].position) of \(name) does not exist (any more); start elsewhere, or set "
                    + "auto.offset.reset"
                effects.append(.failed(ClientError(.broker(code), message)))
                return false
            }
            readings[index].isResetting = true
            effects.append(.reset(name, policy))
        case .unknownTopicOrPartition, .unknownTopicId, .inconsistentTopicId:
            let since = readings[index].unknownSinceMs ?? nowMs
            readings[index].unknownSinceMs = since
            if nowMs - since >= FetchPlanner.unknownPatienceMs {
                effects.append(.failed(.refused("fetch from \(name)", .unknownTopicOrPartition)))
            }
            delay(index, nowMs)
        default:
            guard code.isRetriable else {
                effects.append(.failed(.refused("fetch from \(name)", code)))
                return false
            }
            refused(index, code, nowMs, by: call.broker)
            delay(index, nowMs)
        }
        return false
    }

    // Waiting may help; but somebody has to know what is waited for.
    private func refused(_ index: Int, _ code: ErrorCode, _ nowMs: Int64, by broker: Int32 = -1) {
        let reading = readings[index]
        let isBounded = reading.end != .max || reading.endsAtFirstSight
        var refusal = reading.refusal ?? FetchRefusal(code: code, sinceMs: nowMs)
        let name = reading.topicPartition
        let patience = isBounded ? min(FetchRefusal.boundedPatienceMs, Int64(config.defaultApiTimeoutMs)) : .max
        switch refusal.next(code, nowMs: nowMs, boundedPatienceMs: patience) {
        case .wait: break
        case .tell: effects.append(.waits(name, offset: reading.position, code))
        case .giveUp where code == .corruptMessage:
            let message =
                "the records of \(name) at offset \(reading.position) are damaged on broker \(broker), whose log names the "
                + "file; start behind them to read on"
            effects.append(.failed(ClientError(.broker(code), message)))
        case .giveUp:
            let action =
                if code == .leaderNotAvailable {
                    "find the leader of \(name)"
                } else if reading.position < 0 {
                    "look up where \(name) begins"
                } else {
                    "fetch from \(name) at offset \(reading.position)"
                }
            readings[index].giveUpReason = .refused(action, code)
        }
        readings[index].refusal = refusal
    }

    private func delay(_ index: Int, _ nowMs: Int64) {
        readings[index].failures += 1
        readings[index].preferredReplica = -1
        readings[index].notBeforeMs =
            nowMs + config.retryBackoff.delayMs(failures: readings[index].failures, using: &generator)
        effects.append(.refreshMetadata(topic: readings[index].topic))
    }

    private func take(
        _ index: Int, _ answer: FetchResponse.PartitionData, _ topicId: Uuid, _ nowMs: Int64
    ) -> Bool {
        readings[index].failures = 0
        readings[index].unknownSinceMs = nil
        (readings[index].refusal, readings[index].giveUpReason) = (nil, nil)
        readings[index].logStart = answer.logStartOffset
        readings[index].visibleEnd =
            config.isolation == .readCommitted && answer.lastStableOffset >= 0
            ? answer.lastStableOffset : answer.highWatermark
        if readings[index].endsAtFirstSight {
            readings[index].endsAtFirstSight = false
            readings[index].end = readings[index].visibleEnd
            if readings[index].isFinished { return false }
        }
        if answer.preferredReadReplica >= 0, !config.clientRack.isEmpty {
            readings[index].preferredReplica = answer.preferredReadReplica
            readings[index].preferredUntilMs = nowMs + Int64(config.metadataMaxAgeMs)
        }
        guard case .bytes(var bytes)? = answer.records, !bytes.isEmpty else { return false }
        let start = readings[index].position
        do throws(RecordsError) {
            bytes = try LegacyFetch.modernized(bytes, checkCRC: config.checkCrcs) ?? bytes
            var batches = RecordBatches(bytes)
            var next = start
            while let batch = try batches.nextComplete() { next = max(next, batch.header.lastOffset &+ 1) }
            guard next > start else {
                let message =
                    "the broker sent \(bytes.count) bytes of \(readings[index].topicPartition) at offset \(start) and "
                    + "no whole batch in them; raise max.partition.fetch.bytes"
                effects.append(.failed(ClientError(.badData, message)))
                return false
            }
            readings[index].position = next
            readings[index].hasGiven = true
        } catch {
            let message = "cannot read the records of \(readings[index].topicPartition) at offset \(start): \(error)"
            effects.append(.failed(ClientError(.badData, message)))
            return false
        }
        effects.append(
            .records(
                FetchedRecords(
                    topic: readings[index].topic, topicId: topicId, partition: readings[index].partition,
                    startOffset: start, endOffset: readings[index].end, bytes: bytes, isolation: config.isolation,
                    checksCRC: config.checkCrcs, aborted: answer.abortedTransactions ?? [])))
        return true
    }

    /// The request could not be sent, or was not answered.
    func failed(_ call: Call, _ error: ClientError, nowMs: Int64) {
        release(call)
        guard error.isRetriable else {
            effects.append(.failed(error))
            return
        }
        for partition in call.positions.keys {
            if let index = indexes[partition] { delay(index, nowMs) }
        }
    }

    private func release(_ call: Call) {
        busyBrokers.remove(call.broker)
        for partition in call.positions.keys { busyPartitions.remove(partition) }
    }

    /// Goes on elsewhere; nil when the place could not be found, to try again.
    /// - Parameter code: why it could not, where a broker has said so.
    func reset(_ partition: TopicPartition, to offset: Int64?, nowMs: Int64, code: ErrorCode? = nil) {
        // It may have been taken away and come back meanwhile.
        guard let index = indexes[partition], readings[index].isResetting else { return }
        readings[index].isResetting = false
        if let offset {
            readings[index].position = offset
            return
        }
        if let code {
            guard code.isRetriable else {
                return effects.append(.failed(.refused("look up an offset of \(partition)", code)))
            }
            refused(index, code, nowMs)
        }
        delay(index, nowMs)
    }

    /// When to plan again, if nothing else happens before; nil for never.
    func nextWakeMs(nowMs: Int64) -> Int64? {
        let delays = readings.filter { !$0.isFinished && $0.notBeforeMs > nowMs }.map(\.notBeforeMs)
        // Who has no leader is looked at again also when nobody has news of it.
        let hasNoLeader = readings.contains { !$0.isFinished && $0.refusal?.code == .leaderNotAvailable }
        return (delays + throttledUntilMs.values.filter { $0 > nowMs } + (hasNoLeader ? [nowMs + 500] : [])).min()
    }
}
