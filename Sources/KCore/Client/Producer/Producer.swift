/// Where records go: a topic whose metadata is known.
public struct ProducerTopic: Sendable {
    public let name: String
    /// When the handle was made; a topic may grow.
    public let partitionCount: Int32
    let index: Int
}

/// Sends records in batches, keeps their order in each partition, and tells what became of each of them.
///
/// Any thread may send; one that sends many records should use ``sendLines(_:to:format:isLast:)``. Memory is bounded by
/// `buffer.memory`: who sends more is held back. Every record's fate is told exactly once: by a ``Delivery``, or by the
/// error that `send` throws for it.
public final class Producer: Sendable {
    let client: KafkaClient
    private let accumulator: Monitor<AccumulatorState>
    let runner: ProducerRunner
    let coordination: TransactionCoordination
    private let clock: any Clock
    private let interruptListener: Int

    /// - Parameter onDelivery: called for each batch, on the client's loop: it must be quick, and must not call the
    ///   producer.
    public init(_ client: KafkaClient, onDelivery: @escaping @Sendable (borrowing Delivery) -> Void) {
        self.client = client
        clock = client.loop.clock
        let accumulator = Monitor(AccumulatorState(config: client.config))
        self.accumulator = accumulator
        let runner = ProducerRunner(runtime: client.runtime, accumulator: accumulator, onDelivery: onDelivery)
        self.runner = runner
        coordination = TransactionCoordination(client)
        interruptListener = client.onInterrupt { error in Producer.end(accumulator, runner, client.loop, error) }
        client.loop.execute { runner.start() }
    }

    deinit {
        client.removeInterruptListener(interruptListener)
        Producer.end(accumulator, runner, client.loop, .closed)
    }

    private static func end(
        _ accumulator: Monitor<AccumulatorState>, _ runner: ProducerRunner, _ loop: EventLoop, _ error: ClientError
    ) {
        accumulator.withLock { if $0.end == nil { $0.end = error } }
        // Before anybody is woken, so that what they ask of the loop comes behind it: all fates are told by then.
        loop.execute { runner.abort(error) }
        accumulator.update { _ in }
    }

    /// Waits until the topic's partitions are known; makes the broker create it where it may.
    /// - Throws: ``ClientError/Kind/broker(_:)`` with `unknownTopicOrPartition` when there is no such topic.
    public func topic(_ name: String) throws(ClientError) -> ProducerTopic {
        if let end = accumulator.withLock({ $0.end }) { throw end }
        let limit = Int64(client.config.maxBlockMs)
        let metadata = try topicMetadata(name, timeoutMs: limit)
        let failure: ClientError? = try client.blocking("get a producer id", timeoutMs: limit) { [runner] _, complete in
            runner.withIdentity { complete(.success($0)) }
        }
        if let failure { throw failure }
        let config = client.config
        let count = Int32(metadata.partitions.count)
        let partitioner = Partitioner(
            kind: config.partitioner, partitionCount: count,
            available: metadata.partitions.filter { $0.leader >= 0 }.map(\.index), stickyBytes: config.batchSizeBytes,
            seed: UInt64.random(in: .min ... .max))
        let index = accumulator.withLock { $0.addTopic(name, partitioner) }
        client.loop.execute { [client] in client.runtime.track(name, allowAutoCreate: config.allowAutoCreateTopics) }
        return ProducerTopic(name: name, partitionCount: count, index: index)
    }

    // A topic that is being created is unknown for a moment, or has no leaders.
    private func topicMetadata(_ name: String, timeoutMs: Int64) throws(ClientError) -> ClusterMetadata.Topic {
        let creates = client.config.allowAutoCreateTopics
        let patience: Int64 = creates ? 3000 : 0
        let start = clock.monotonicMs
        // Nil for one that is not there, which is not asked for again.
        let found: ClusterMetadata.Topic? = try client.retrying(timeoutMs: timeoutMs) { leftMs throws(ClientError) in
            let metadata: ClusterMetadata = try client.blocking("ask for topic \(name)", timeoutMs: leftMs + 1000) {
                runtime, complete in
                runtime.askMetadata([name], allowAutoCreate: creates, timeoutMs: leftMs) { complete($0) }
            }
            guard let topic = metadata.topics.first(where: { $0.name == name }) else {
                throw ClientError(.badData, "the broker left topic \(name) out of its answer")
            }
            if topic.error == .unknownTopicOrPartition, clock.monotonicMs - start >= patience { return nil }
            guard topic.error == .none else { throw .refused("produce to \(name)", topic.error) }
            guard !topic.partitions.isEmpty else { throw .refused("produce to \(name)", .leaderNotAvailable) }
            return topic
        }
        guard let found else {
            let message = "there is no topic \(name); create it, or check its name"
            throw ClientError(.broker(.unknownTopicOrPartition), message)
        }
        return found
    }

    /// Takes one record; waits while `buffer.memory` is full.
    /// - Parameters:
    ///   - partition: nil for the partitioner's choice.
    ///   - timestampMs: since 1970; nil for now.
    /// - Returns: the record's serial number: 0, 1, 2, ... in the order in which they are taken.
    /// - Throws: ``ClientError`` for a record that can never be sent: it is not taken and has no number. The transaction
    ///   that it should have been in can only be aborted.
    @discardableResult
    public func send(
        to topic: ProducerTopic, partition: Int32? = nil, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?,
        headers: EncodedHeaders = EncodedHeaders(), timestampMs: Int64? = nil
    ) throws(ClientError) -> Int64 {
        let timestamp = timestampMs ?? clock.wallMs
        while true {
            let now = clock.monotonicMs
            let (outcome, serial, mustNotify) = accumulator.withLock { state in
                let serial = state.nextSerial
                let outcome = state.append(
                    topic.index, partition: partition, key: key, value: value, headers: headers,
                    timestampMs: timestamp, nowMs: now)
                return (outcome, serial, state.mustNotify())
            }
            if mustNotify { notify() }
            if try proceed(outcome, topic, partition) { return serial }
        }
    }

    /// Takes records out of text: each piece that ends with the format's delimiter, and with `isLast` also the end of
    /// the text, if it is not empty. A record that can never be sent, because it is too large, has a number and fails
    /// by a ``Delivery`` like others.
    /// - Returns: bytes that were used. Call again with the rest in front of more.
    /// - Throws: ``ClientError`` when the producer has ended, or there is no such partition.
    public func sendLines(
        _ input: UnsafeRawBufferPointer, to topic: ProducerTopic, format: LineFormat, isLast: Bool
    ) throws(ClientError) -> Int {
        var lines = LineSplitter(input, delimiter: format.delimiter)
        var limit = format.limitRecords ?? .max
        while true {
            let now = clock.monotonicMs
            let timestamp = clock.wallMs
            let (outcome, mustNotify) = accumulator.withLock { state in
                let outcome = state.appendLines(
                    &lines, topic.index, format, isLast: isLast, limit: &limit, timestampMs: timestamp, nowMs: now)
                return (outcome, state.mustNotify())
            }
            if mustNotify { notify() }
            if try proceed(outcome, topic, format.partition) { return lines.position }
        }
    }

    /// Decides what an outcome means for the sender.
    /// - Returns: true when it is done, false when it should try again.
    private func proceed(
        _ outcome: AccumulatorState.Outcome, _ topic: ProducerTopic, _ partition: Int32?
    ) throws(ClientError) -> Bool {
        switch outcome {
        case .appended: return true
        case .sealed: return false
        case .needsMemory(let bytes):
            accumulator.withLock { $0.urgency += 1 }
            notify()
            accumulator.wait { state in
                state.availableBytes >= bytes || state.pendingBatches == 0 || state.end != nil ? () : nil
            }
            accumulator.withLock { $0.urgency -= 1 }
            return false
        case .tooLarge:
            throw refusing(.recordTooLarge(topic.name, client.config))
        case .noSuchPartition:
            throw refusing(
                ClientError(
                    .broker(.unknownTopicOrPartition),
                    "\(topic.name) has no partition \(partition ?? -1); it has 0 to \(topic.partitionCount - 1)"))
        case .ended(let error): throw error
        }
    }

    // A transaction is committed with all that it was given, or not at all.
    private func refusing(_ error: ClientError) -> ClientError {
        let failure = ClientError(error.kind, "a record of the transaction cannot be sent: \(error.message)")
        client.loop.execute { [runner] in runner.transactionFailed(failure) }
        return error
    }

    private func notify() {
        client.loop.execute { [runner] in runner.pump() }
    }

    /// Sends what lingers, and waits until the fate of every record is known.
    public func flush() throws(ClientError) {
        accumulator.withLock { $0.urgency += 1 }
        notify()
        let error = accumulator.wait { state -> ClientError?? in
            if state.pendingBatches == 0 { return .some(nil) }
            return state.end.map { .some($0) }
        }
        accumulator.withLock { $0.urgency -= 1 }
        if let error { throw error }
    }

    /// Fails what is not delivered, and releases whoever waits. Their records fail with
    /// ``ClientError/Kind/interrupted``.
    public func abort() { Producer.end(accumulator, runner, client.loop, .interrupted) }

    /// Waits for the fate of every record, then takes no more.
    public func close() throws(ClientError) {
        defer { Producer.end(accumulator, runner, client.loop, .closed) }
        try flush()
    }

    /// Records that were taken so far.
    public var acceptedRecords: Int64 { accumulator.withLock { $0.nextSerial } }

    /// Figures for progress lines. Waits for the loop, so that they belong together.
    public var statistics: ProducerStatistics {
        let onLoop: ProducerStatistics? = try? client.blocking("count", timeoutMs: 5000) { [runner] _, complete in
            complete(.success(runner.statistics))
        }
        var statistics = onLoop ?? ProducerStatistics()
        accumulator.withLock { state in
            statistics.acceptedRecords = state.nextSerial
            statistics.acceptedBytes = state.acceptedBytes
            statistics.bufferedBytes = Int64(client.config.bufferMemoryBytes - state.availableBytes)
        }
        return statistics
    }
}
