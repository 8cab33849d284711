/// The records of one partition that are sent, acknowledged and failed together.
///
/// Life cycle: open (senders append, under the accumulator's lock) -> sealed (nobody appends; handed to the sender on
/// the loop) -> closed (its bytes exist; compressed by a worker, where it is compressed) -> in flight, perhaps several
/// times -> delivered or failed, exactly once.
///
/// `@unchecked Sendable`: by that life cycle one thread has it at a time, and every hand-over goes through a lock.
final class ProducerBatch: @unchecked Sendable {
    let topic: String
    let partition: Int32
    /// On the monotonic clock: `linger.ms` and `delivery.timeout.ms` count from here.
    let createdMs: Int64
    /// Bytes of `buffer.memory` that it holds until its fate is known.
    let reservedBytes: Int

    /// Gone once the batch is closed.
    @exclusivity(unchecked) var builder: RecordBatchBuilder?
    @exclusivity(unchecked) var serials = RecordSerials()
    /// What is sent. Nil until closed.
    var bytes: Bytes?
    /// Why it could not be closed.
    var closingError: ClientError?
    private(set) var recordCount = 0
    /// It may be sent: it is closed, or closing it takes no time.
    var isReady: Bool { bytes != nil || closingError != nil || isClosedWhenSent }
    /// The records are not compressed: the batch is closed when its numbers are known, so that it is summed up once.
    var isClosedWhenSent = false
    /// Bytes of the batch, as far as is known.
    var sizeInBytes: Int { bytes?.count ?? builder?.uncompressedSizeInBytes ?? 0 }

    // What the sender keeps of it; see PartitionSender.

    /// The place in its partition's order, which retries keep.
    var order = 0
    /// How often it was sent.
    var attempts = 0
    /// -1 before it has one.
    var baseSequence: Int32 = -1
    var producerId: Int64 = -1
    var producerEpoch: Int16 = -1

    init(topic: String, partition: Int32, createdMs: Int64, reservedBytes: Int, builder: RecordBatchBuilder?) {
        self.topic = topic
        self.partition = partition
        self.createdMs = createdMs
        self.reservedBytes = reservedBytes
        self.builder = builder
    }

    var topicPartition: TopicPartition { TopicPartition(topic: topic, partition: partition) }

    /// No records are appended from here on.
    func seal() { recordCount = serials.count }

    /// Makes the bytes, if they do not exist yet. May compress: not for the loop unless the codec is `none`.
    func close() {
        guard let builder else { return }
        do throws(RecordsError) {
            bytes = try builder.close()
        } catch {
            closingError = ClientError(.badData, "cannot close a batch of \(topicPartition): \(error)")
        }
        self.builder = nil
    }

    /// Writes the producer's identity into the closed batch, and its checksum anew.
    func stamp(producerId: Int64, epoch: Int16, baseSequence: Int32) {
        (self.producerId, producerEpoch, self.baseSequence) = (producerId, epoch, baseSequence)
        if let builder {
            builder.options.producerId = producerId
            builder.options.producerEpoch = epoch
            builder.options.baseSequence = baseSequence
        }
        bytes?.withUnsafeMutableBytes { batch in
            guard let base = batch.baseAddress, batch.count >= RecordBatchHeader.size else { return }
            base.storeBigEndian(producerId, RecordBatchHeader.producerIdPosition)
            base.storeBigEndian(epoch, RecordBatchHeader.producerEpochPosition)
            base.storeBigEndian(baseSequence, RecordBatchHeader.baseSequencePosition)
            RecordBatchHeader.stampCRC(in: batch)
        }
    }

    /// Two batches of half of the records each, of which the second reserves no memory; nil when there is but one
    /// record, or the bytes cannot be read.
    func halves(options: BatchOptions) -> [ProducerBatch]? {
        guard recordCount > 1 else { return nil }
        return parts(options: options) { $0 < self.recordCount / 2 }
    }

    /// The records for which `isFirst` (of the number in the batch) is true in one batch, the others in another.
    func parts(options: BatchOptions, isFirst: (Int) -> Bool) -> [ProducerBatch]? {
        guard let bytes, let reader = try? RecordBatchReader(bytes, checkCRC: false) else { return nil }
        var options = options
        options.producerId = -1
        options.producerEpoch = -1
        options.baseSequence = -1
        let builders = [RecordBatchBuilder(options), RecordBatchBuilder(options)]
        var parts: [RecordSerials] = [RecordSerials(), RecordSerials()]
        var offsets: [Int64] = [0, 0]
        var serialOf: [Int64] = []
        serials.visit { _, serial in serialOf.append(serial) }
        var index = 0
        do throws(RecordsError) {
            try reader.forEachRecord { view throws(RecordsError) in
                guard index < serialOf.count else { throw .badRecordCount(index) }
                let part = isFirst(index) ? 0 : 1
                var view = view
                view.offset = offsets[part]
                try builders[part].append(view)
                parts[part].append(serialOf[index])
                offsets[part] += 1
                index += 1
            }
        } catch {
            return nil
        }
        return (0..<2).map { part in
            let batch = ProducerBatch(
                topic: topic, partition: partition, createdMs: createdMs,
                reservedBytes: part == 0 ? reservedBytes : 0, builder: builders[part])
            batch.serials = parts[part]
            batch.seal()
            batch.order = order
            batch.close()
            return batch
        }
    }
}
