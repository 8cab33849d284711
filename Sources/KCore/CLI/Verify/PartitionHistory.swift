/// What the segments of a partition say one after the other of producers, transactions and epochs.
struct PartitionHistory {
    struct Aborted {
        var producerId: Int64
        var firstOffset: Int64
        /// Of the marker.
        var lastOffset: Int64
    }

    private(set) var producers: [Int64: SegmentFacts.Producer] = [:]
    private(set) var epochs: [LeaderEpochs.Entry] = []
    private(set) var aborted: [Aborted] = []
    private var open: [Int64: Int64] = [:]

    mutating func add(_ facts: SegmentFacts) {
        for entry in facts.epochs where entry.epoch != epochs.last?.epoch { epochs.append(entry) }
        for event in facts.transactions {
            switch event {
            case .begin(let producerId, let offset):
                if open[producerId] == nil { open[producerId] = offset }
            case .end(let producerId, let offset, let isAbort):
                guard let first = open.removeValue(forKey: producerId) else { continue }
                if isAbort { aborted.append(Aborted(producerId: producerId, firstOffset: first, lastOffset: offset)) }
            }
        }
        for (id, new) in facts.producers {
            var producer = new
            if let old = producers[id], producer.lastOffset < 0, old.epoch == producer.epoch {
                producer.lastOffset = old.lastOffset
                producer.lastSequence = old.lastSequence
            }
            producer.transactionFirstOffset = open[id]
            producers[id] = producer
        }
    }

    /// What an entry of a snapshot says that the log does not; nil when they agree, or the log no longer knows.
    /// - Parameter start: the first offset from which on the log still has everything.
    func contradiction(_ entry: ProducerSnapshot.Entry, start: Int64) -> String? {
        guard entry.lastOffset >= start else { return nil }
        guard let producer = producers[entry.producerId] else {
            return "producer \(entry.producerId) wrote offset \(entry.lastOffset), which the log does not have of it"
        }
        // A producer that began anew has only its epoch in the snapshot.
        guard producer.lastOffset >= 0, entry.lastOffset >= 0 else { return nil }
        if producer.epoch != entry.epoch {
            return "producer \(entry.producerId) has epoch \(entry.epoch) here and \(producer.epoch) in the log"
        }
        if producer.lastOffset != entry.lastOffset || producer.lastSequence != entry.lastSequence {
            return
                "producer \(entry.producerId) ends with sequence \(entry.lastSequence) at offset \(entry.lastOffset) "
                + "here, and with \(producer.lastSequence) at \(producer.lastOffset) in the log"
        }
        let transaction = entry.transactionFirstOffset >= 0 ? entry.transactionFirstOffset : nil
        // What began below may have lost its first records since.
        if transaction != producer.transactionFirstOffset, transaction ?? start >= start {
            return
                "the open transaction of producer \(entry.producerId) begins at \(transaction.map { "\($0)" } ?? "none") "
                + "here, and at \(producer.transactionFirstOffset.map { "\($0)" } ?? "none") in the log"
        }
        return nil
    }
}
