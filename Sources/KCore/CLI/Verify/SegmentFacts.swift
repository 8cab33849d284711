/// What a segment holds, as far as other files say something about it.
struct SegmentFacts {
    /// The last thing that a producer did in the segment.
    struct Producer: Equatable {
        var epoch: Int16
        /// -1 when the segment has only its markers.
        var lastSequence: Int32
        /// -1 when the segment has only its markers.
        var lastOffset: Int64
        var transactionFirstOffset: Int64?
    }

    /// What opens or closes a transaction.
    enum TransactionEvent {
        case begin(producerId: Int64, offset: Int64)
        case end(producerId: Int64, offset: Int64, isAbort: Bool)
    }

    var bytes: Int64 = 0
    var batches: Int64 = 0
    var records: Int64 = 0
    /// Behind the last record.
    var nextOffset: Int64
    /// The first offset of each leader epoch, as the batches say.
    var epochs: [LeaderEpochs.Entry] = []
    var producers: [Int64: Producer] = [:]
    var transactions: [TransactionEvent] = []
    /// The first place where offsets are missing, above what compaction may have thinned out.
    var gap: (position: Int64, what: String)?
    /// Where the last whole batch ends, when something is behind it that is none.
    var tornAt: Int64?

    mutating func take(_ header: RecordBatchHeader, marker: EndTransactionMarker?) {
        let epoch = header.partitionLeaderEpoch
        if epoch >= 0, epochs.last?.epoch != epoch {
            epochs.append(LeaderEpochs.Entry(epoch: epoch, startOffset: header.baseOffset))
        }
        guard header.producerId >= 0 else { return }
        var producer = producers[header.producerId] ?? Producer(epoch: 0, lastSequence: -1, lastOffset: -1)
        if producer.epoch != header.producerEpoch && marker == nil || header.producerEpoch > producer.epoch {
            producer.lastSequence = -1
            producer.lastOffset = -1
        }
        producer.epoch = header.producerEpoch
        if let marker {
            transactions.append(
                .end(producerId: header.producerId, offset: header.baseOffset, isAbort: !marker.isCommit))
            producer.transactionFirstOffset = nil
        } else if !header.isControl {
            producer.lastSequence = header.lastSequence
            producer.lastOffset = header.lastOffset
            if header.isTransactional && producer.transactionFirstOffset == nil {
                producer.transactionFirstOffset = header.baseOffset
                transactions.append(.begin(producerId: header.producerId, offset: header.baseOffset))
            }
        }
        producers[header.producerId] = producer
    }
}
