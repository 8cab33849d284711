/// What became of a batch.
public struct Delivery: ~Copyable {
    let batch: ProducerBatch
    public let topic: String
    public let partition: Int32
    /// The offset of the first record; -1 when it is not known (acks=0, or a retry whose first try had arrived) or the
    /// batch failed.
    public let baseOffset: Int64
    /// Why the batch failed; nil when it was acknowledged.
    public let error: ClientError?

    init(_ batch: ProducerBatch, baseOffset: Int64, error: ClientError?) {
        self.batch = batch
        topic = batch.topic
        partition = batch.partition
        self.baseOffset = baseOffset
        self.error = error
    }

    public var recordCount: Int { batch.recordCount }
    /// Bytes of the batch as it was sent.
    public var sizeInBytes: Int { batch.sizeInBytes }

    /// Calls `body` with the place of each record in the batch and its serial number. A record that was acknowledged
    /// has the offset `baseOffset + index`.
    public func forEachSerial(_ body: (_ index: Int, _ serial: Int64) -> Void) { batch.serials.visit(body) }

    /// Calls `body` with each record. The memory is valid during the call only. A record that was too large to be put
    /// into a batch is not in it.
    public func forEachRecord(
        _ body: (_ serial: Int64, _ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?) -> Void
    ) {
        batch.close()
        guard let bytes = batch.bytes, let reader = try? RecordBatchReader(bytes, checkCRC: false) else { return }
        var serials: [Int64] = []
        serials.reserveCapacity(batch.recordCount)
        batch.serials.visit { _, serial in serials.append(serial) }
        var index = 0
        try? reader.forEachRecord { view throws(RecordsError) in
            if index < serials.count { body(serials[index], view.key, view.value) }
            index += 1
        }
    }
}

/// Figures of a producer, from its start on.
public struct ProducerStatistics: Sendable, Equatable {
    /// Records that were taken.
    public var acceptedRecords: Int64 = 0
    /// Bytes of their keys and values.
    public var acceptedBytes: Int64 = 0
    public var deliveredRecords: Int64 = 0
    public var failedRecords: Int64 = 0
    public var batches: Int64 = 0
    public var requests: Int64 = 0
    /// Batches that were sent again.
    public var retries: Int64 = 0
    /// Bytes of `buffer.memory` that are in use.
    public var bufferedBytes: Int64 = 0
}
