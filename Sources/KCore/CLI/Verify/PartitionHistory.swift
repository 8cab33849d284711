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
    /// - Parameter start: the first offset that the log still has.
    func contradiction(_ entry: ProducerSnapshotReader.Entry, start: Int64) -> String? {
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
        if transaction != producer.transactionFirstOffset {
            return
                "the open transaction of producer \(entry.producerId) begins at \(transaction.map { "\($0)" } ?? "none") "
                + "here, and at \(producer.transactionFirstOffset.map { "\($0)" } ?? "none") in the log"
        }
        return nil
    }
}

/// The entries of a `.snapshot`, each with its place.
enum ProducerSnapshotReader {
    struct Entry: Equatable {
        var producerId: Int64
        var epoch: Int16
        var lastSequence: Int32
        var lastOffset: Int64
        var offsetDelta: Int32
        var timestamp: Int64
        var coordinatorEpoch: Int32
        /// -1 for none.
        var transactionFirstOffset: Int64
        /// Where the entry begins in the file, in bytes.
        var place: Int64
    }

    struct Malformed: Error, Equatable {
        var position: Int64
        var reason: String
    }

    private static let headerSize = 10
    private static let entrySize = 46

    static func read(_ contents: Bytes) throws(Malformed) -> [Entry] {
        try contents.withUnsafeBytes { bytes throws(Malformed) in
            guard let base = bytes.baseAddress, bytes.count >= headerSize else {
                throw Malformed(position: 0, reason: "\(bytes.count) bytes are no snapshot of producers")
            }
            let version: Int16 = base.bigEndian(0)
            guard version == 1 else { throw Malformed(position: 0, reason: "version \(version) is not known") }
            let stored: UInt32 = base.bigEndian(2)
            let computed = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[6...]))
            guard stored == computed else {
                throw Malformed(position: 2, reason: "the checksum is \(computed) and the file says \(stored)")
            }
            let count = Int(base.bigEndian(6, as: Int32.self))
            guard count >= 0, bytes.count == headerSize + count * entrySize else {
                throw Malformed(position: 6, reason: "\(bytes.count) bytes are not \(count) producers")
            }
            return (0..<count).map { index in
                let place = headerSize + index * entrySize
                let entry = base + place
                return Entry(
                    producerId: entry.bigEndian(0), epoch: entry.bigEndian(8), lastSequence: entry.bigEndian(10),
                    lastOffset: entry.bigEndian(14), offsetDelta: entry.bigEndian(22), timestamp: entry.bigEndian(26),
                    coordinatorEpoch: entry.bigEndian(34), transactionFirstOffset: entry.bigEndian(38),
                    place: Int64(place))
            }
        }
    }
}

/// The entries of a `leader-epoch-checkpoint` as they are, contradictions included.
enum EpochFileReader {
    static func read(_ contents: Bytes) throws(CheckpointFile.Malformed) -> [LeaderEpochs.Entry] {
        var entries: [LeaderEpochs.Entry] = []
        for (index, fields) in try CheckpointFile.read(contents, fields: 2).enumerated() {
            guard let epoch = Int32(fields[0]), let offset = Int64(fields[1]), epoch >= 0, offset >= 0 else {
                throw CheckpointFile.Malformed(line: index + 3, reason: "not an epoch and an offset")
            }
            if let last = entries.last, epoch <= last.epoch || offset < last.startOffset {
                throw CheckpointFile.Malformed(
                    line: index + 3,
                    reason: "epoch \(epoch) from \(offset) does not follow \(last.epoch) from \(last.startOffset)")
            }
            entries.append(LeaderEpochs.Entry(epoch: epoch, startOffset: offset))
        }
        return entries
    }
}
