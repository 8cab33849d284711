/// A record where it lies in a fetched batch. Valid during the call that hands it out.
public struct ConsumedRecord {
    let view: RecordView
    /// Of the leader that wrote it; -1 when not known.
    public let leaderEpoch: Int32
    /// Whether the timestamp is the broker's.
    public let isLogAppendTime: Bool

    public var offset: Int64 { view.offset }
    /// Milliseconds since 1970; -1 for none.
    public var timestampMs: Int64 { view.timestamp }
    public var key: UnsafeRawBufferPointer? { view.key }
    /// Nil for a tombstone.
    public var value: UnsafeRawBufferPointer? { view.value }
    public var headers: RecordHeaderViews { view.headers }
    public var headerCount: Int { view.headers.count }

    /// Calls `body` with name (UTF-8) and value of each header.
    public func forEachHeader(_ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) -> Void) {
        for header in view.headers { body(header.key, header.value) }
    }
}

/// A piece of a partition, as it was fetched: record batches that are decoded as they are walked through.
public struct FetchedRecords: Sendable {
    public let topic: String
    /// Zero from brokers that do not say it.
    var topicId = Uuid.zero
    public let partition: Int32
    /// Of the first offset that was asked for. Batches may begin before it.
    public let startOffset: Int64
    /// Offsets from here on are left out.
    let endOffset: Int64
    let bytes: Bytes
    let isolation: IsolationLevel
    let checksCRC: Bool
    /// Whose records from which offset on are void, by offset.
    let aborted: [FetchResponse.AbortedTransaction]

    public var topicPartition: TopicPartition { TopicPartition(topic: topic, partition: partition) }

    /// Where to go on when all of this is handled: behind the last batch, also where that shows nothing.
    public var next: GroupOffset {
        var batches = RecordBatches(bytes)
        var next = GroupOffset(startOffset)
        while let batch = try? batches.nextComplete() {
            next = GroupOffset(
                min(batch.header.lastOffset &+ 1, endOffset), leaderEpoch: batch.header.partitionLeaderEpoch)
        }
        return next
    }

    /// Where to go on when the first `count` records of this are handled.
    /// - Throws: as ``forEachRecord(_:)``.
    public func next(afterRecords count: Int64) throws(ClientError) -> GroupOffset {
        if count == .max { return next }
        var left = count
        var last = startOffset - 1
        try forEachRecord { record in
            left -= 1
            last = record.offset
            return left > 0
        }
        return left > 0 ? next : GroupOffset(last + 1)
    }

    /// Bytes as they were fetched, compressed or not.
    public var sizeInBytes: Int { bytes.count }

    /// Calls `body` with each record in the range that was asked for, in order, until it returns false. Control records
    /// and, with `read_committed`, those of aborted transactions are left out. Nothing is allocated for a record.
    /// - Throws: ``ClientError/Kind/badData`` for a batch with a wrong checksum, or one that is malformed.
    @inline(__always)
    public func forEachRecord(_ body: (ConsumedRecord) -> Bool) throws(ClientError) {
        var batches = RecordBatches(bytes)
        var transactions = AbortedTransactions(aborted)
        while let batch = try nextBatch(&batches) {
            let header = batch.header
            if header.baseOffset >= endOffset { return }
            if header.lastOffset < startOffset && !header.isTransactional { continue }
            let data = batches.bytes(of: batch)
            if header.isControl {
                try noteMarker(data, header, &transactions)
                continue
            }
            if isolation == .readCommitted, transactions.hides(header) { continue }
            if header.lastOffset < startOffset { continue }
            guard try walk(data, header, body) else { return }
        }
    }

    /// - Returns: whether to go on.
    @inline(__always)
    private func walk(
        _ batch: Bytes, _ header: RecordBatchHeader, _ body: (ConsumedRecord) -> Bool
    ) throws(ClientError) -> Bool {
        let reader = try open(batch, header)
        let isLogAppendTime = header.attributes.timestampType == .logAppendTime
        do throws(RecordsError) {
            return try reader.records.withUnsafeBytes { records throws(RecordsError) in
                var cursor = try RecordCursor(records: records, header: reader.header)
                while let view = try cursor.next() {
                    if view.offset < startOffset { continue }
                    if view.offset >= endOffset { return false }
                    let record = ConsumedRecord(
                        view: view, leaderEpoch: header.partitionLeaderEpoch, isLogAppendTime: isLogAppendTime)
                    if !body(record) { return false }
                }
                return true
            }
        } catch {
            throw broken(header, error)
        }
    }

    private func nextBatch(_ batches: inout RecordBatches) throws(ClientError) -> RecordBatches.Batch? {
        do throws(RecordsError) {
            return try batches.nextComplete()
        } catch {
            throw ClientError(.badData, "\(place) behind offset \(startOffset): \(error)")
        }
    }

    private func open(_ batch: Bytes, _ header: RecordBatchHeader) throws(ClientError) -> RecordBatchReader {
        do throws(RecordsError) {
            return try RecordBatchReader(batch, checkCRC: checksCRC)
        } catch {
            throw broken(header, error)
        }
    }

    private func noteMarker(
        _ batch: Bytes, _ header: RecordBatchHeader, _ transactions: inout AbortedTransactions
    ) throws(ClientError) {
        guard isolation == .readCommitted, header.isTransactional else { return }
        let reader = try open(batch, header)
        do throws(RecordsError) {
            try reader.forEachRecord { view throws(RecordsError) in
                guard let marker = try EndTransactionMarker(view), !marker.isCommit else { return }
                transactions.ended(header)
            }
        } catch {
            throw broken(header, error)
        }
    }

    private var place: String { "the records of \(topic)-\(partition)" }

    private func broken(_ header: RecordBatchHeader, _ error: RecordsError) -> ClientError {
        ClientError(
            .badData,
            "\(place) at offset \(header.baseOffset) are unreadable: \(error); start behind offset "
                + "\(header.lastOffset) to pass them over")
    }
}

/// Which producers' records are void at the place where a reader is (KIP-98).
struct AbortedTransactions {
    private var upcoming: ArraySlice<FetchResponse.AbortedTransaction>
    private var active: Set<Int64> = []

    init(_ aborted: [FetchResponse.AbortedTransaction]) {
        upcoming = aborted.sorted { $0.firstOffset < $1.firstOffset }[...]
    }

    /// Whether the records of this batch are void. Batches must be asked for in order.
    @inline(__always)
    mutating func hides(_ header: RecordBatchHeader) -> Bool {
        if upcoming.isEmpty && active.isEmpty { return false }
        advance(to: header.lastOffset)
        return header.isTransactional && active.contains(header.producerId)
    }

    private mutating func advance(to offset: Int64) {
        while let next = upcoming.first, next.firstOffset <= offset {
            active.insert(next.producerId)
            upcoming.removeFirst()
        }
    }

    /// An abort marker of this producer was met: what it writes from here on is another transaction.
    mutating func ended(_ header: RecordBatchHeader) {
        advance(to: header.lastOffset)
        active.remove(header.producerId)
    }
}
