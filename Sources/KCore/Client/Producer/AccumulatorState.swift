/// What senders append to: an open batch for each partition, and the memory that is left. Lives under the lock of
/// ``Accumulator``; a value without I/O and clock.
///
/// `@unchecked Sendable`: the batches in it are touched under that lock only, until they are taken out.
struct AccumulatorState: @unchecked Sendable {
    struct TopicSlot {
        let name: String
        var partitioner: Partitioner
        var open: [ProducerBatch?]
    }

    /// What became of an append.
    enum Outcome {
        case appended
        /// A batch was sealed on the way and should be sent: tell the loop, and come again with this record.
        case sealed
        /// As many bytes of memory must become free first.
        case needsMemory(Int)
        /// The record is larger than a request may be.
        case tooLarge
        case noSuchPartition
        case ended(ClientError)
    }

    let batchBytes: Int
    let maxRecordBytes: Int
    let options: BatchOptions

    var topics: [TopicSlot] = []
    /// Bytes of memory that no batch has.
    var availableBytes: Int
    /// Full or flushed batches that the loop has not taken yet.
    var sealed: [ProducerBatch] = []
    var openCount = 0
    /// Batches that are not delivered and not failed.
    var pendingBatches = 0
    var nextSerial: Int64 = 0
    var acceptedBytes: Int64 = 0
    /// Set: nothing more is taken.
    var end: ClientError?
    /// Records that can never be sent, each in a batch of its own.
    var rejected: [ProducerBatch] = []
    /// The loop has been told and has not looked yet.
    var isNotified = false
    /// The loop will look at the open batches when the first of them is due.
    var isTimed = false
    /// Senders that wait for memory, and callers that flush: what is open must go.
    var urgency = 0

    init(config: ClientConfig) {
        batchBytes = min(config.batchSizeBytes, config.maxRequestBytes)
        maxRecordBytes = config.maxRequestBytes
        var options = BatchOptions(compression: config.compression, compressionLevel: config.compressionLevel)
        options.isTransactional = config.isTransactional
        self.options = options
        availableBytes = config.bufferMemoryBytes
    }

    mutating func addTopic(_ name: String, _ partitioner: Partitioner) -> Int {
        if let known = topics.firstIndex(where: { $0.name == name }) { return known }
        topics.append(
            TopicSlot(
                name: name, partitioner: partitioner,
                open: [ProducerBatch?](repeating: nil, count: Int(partitioner.partitionCount))))
        return topics.count - 1
    }

    mutating func update(_ topic: Int, partitionCount: Int32, available: [Int32]) {
        topics[topic].partitioner.update(partitionCount: partitionCount, available: available)
        // Partitions are never taken away from a topic; one that was made anew with fewer keeps the old places.
        let missing = Int(partitionCount) - topics[topic].open.count
        if missing > 0 { topics[topic].open += [ProducerBatch?](repeating: nil, count: missing) }
    }

    /// Bytes that a record takes in a batch, at most.
    @inline(__always)
    static func size(_ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?, headersSize: Int) -> Int {
        RecordBatchBuilder.maxRecordOverhead &+ (key?.count ?? 0) &+ (value?.count ?? 0) &+ headersSize
    }

    /// The open batch that has room for `size` bytes. A batch that has none is sealed.
    @inline(__always)
    mutating func batch(_ topic: Int, _ partition: Int, size: Int) -> ProducerBatch? {
        guard let batch = topics[topic].open[partition], let builder = batch.builder else { return nil }
        if builder.uncompressedSizeInBytes &+ size <= batchBytes { return batch }
        seal(topic, partition)
        return nil
    }

    /// Opens a batch with room for at least `size` bytes.
    mutating func open(_ topic: Int, _ partition: Int, size: Int, nowMs: Int64) -> (ProducerBatch?, Outcome) {
        let needed = max(batchBytes, size + RecordBatchHeader.size)
        // A record larger than all memory could never be sent otherwise: it may go when nothing else is there.
        guard availableBytes >= needed || pendingBatches == 0 else { return (nil, .needsMemory(needed)) }
        let batch = ProducerBatch(
            topic: topics[topic].name, partition: Int32(partition), createdMs: nowMs, reservedBytes: needed,
            builder: RecordBatchBuilder(options, capacity: needed))
        batch.isClosedWhenSent = options.compression == .none
        availableBytes -= needed
        topics[topic].open[partition] = batch
        openCount += 1
        pendingBatches += 1
        return (batch, .appended)
    }

    mutating func seal(_ topic: Int, _ partition: Int) {
        guard let batch = topics[topic].open[partition] else { return }
        topics[topic].open[partition] = nil
        openCount -= 1
        batch.seal()
        sealed.append(batch)
    }

    /// Appends one record.
    /// - Parameter partition: nil for the partitioner's choice.
    mutating func append(
        _ topic: Int, partition wanted: Int32?, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?,
        headers: EncodedHeaders, timestampMs: Int64, nowMs: Int64
    ) -> Outcome {
        if let end { return .ended(end) }
        let size = AccumulatorState.size(key, value, headersSize: headers.bytes.count)
        guard size + RecordBatchHeader.size <= maxRecordBytes else { return .tooLarge }
        let partition: Int
        if let wanted {
            guard topics[topic].open.indices.contains(Int(wanted)) else { return .noSuchPartition }
            partition = Int(wanted)
        } else {
            partition = Int(topics[topic].partitioner.partition(key: key, sizeInBytes: size))
        }
        var batch = batch(topic, partition, size: size)
        if batch == nil {
            let (opened, outcome) = open(topic, partition, size: size, nowMs: nowMs)
            guard opened != nil else {
                if wanted == nil { topics[topic].partitioner.keep(Int32(partition)) }
                return outcome
            }
            batch = opened
        }
        guard let batch, let builder = batch.builder else { return .tooLarge }
        do throws(RecordsError) {
            try builder.append(timestamp: timestampMs, key: key, value: value, headers: headers)
        } catch {
            return .tooLarge
        }
        batch.serials.append(nextSerial)
        nextSerial += 1
        acceptedBytes += Int64((key?.count ?? 0) + (value?.count ?? 0))
        return .appended
    }

    /// Takes a record that can never be sent, only for its fate to be told.
    mutating func reject(
        _ topic: Int, partition: Int32, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?,
        timestampMs: Int64,
        nowMs: Int64
    ) {
        let builder = RecordBatchBuilder()
        try? builder.append(timestamp: timestampMs, key: key, value: value)
        let batch = ProducerBatch(
            topic: topics[topic].name, partition: partition, createdMs: nowMs, reservedBytes: 0, builder: builder)
        batch.serials.append(nextSerial)
        batch.seal()
        nextSerial += 1
        pendingBatches += 1
        rejected.append(batch)
    }

    /// Whether the loop must be told that there is something: at most once until it has looked.
    mutating func mustNotify() -> Bool {
        guard !isNotified, !sealed.isEmpty || !rejected.isEmpty || openCount > 0 && !isTimed else { return false }
        isNotified = true
        return true
    }

    // MARK: For the loop

    /// Seals open batches that are due and returns all that are sealed.
    /// - Parameters:
    ///   - isDue: whether a batch need not wait for more records.
    mutating func take(_ isDue: (ProducerBatch) -> Bool) -> [ProducerBatch] {
        if openCount > 0 {
            for topic in topics.indices {
                for partition in topics[topic].open.indices {
                    guard let batch = topics[topic].open[partition] else { continue }
                    if urgency > 0 || end != nil || isDue(batch) {
                        seal(topic, partition)
                        topics[topic].partitioner.leaveSticky(partition: Int32(partition))
                    }
                }
            }
        }
        let taken = sealed
        sealed = []
        return taken
    }

    /// When the oldest open batch was opened; nil when there is none.
    var oldestOpenMs: Int64? {
        guard openCount > 0 else { return nil }
        var oldest: Int64?
        for topic in topics {
            for case let batch? in topic.open { oldest = min(oldest ?? batch.createdMs, batch.createdMs) }
        }
        return oldest
    }
}
