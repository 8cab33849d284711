/// The `.snapshot` file: the producers as they were at the offset that its name states.
///
///     version 2 (=1) | crc32c of what follows 4 | count 4 | entries of 46 bytes:
///     producer id 8, epoch 2, last sequence 4, last offset 8, offset delta 4, timestamp 8, coordinator epoch 4,
///     first offset of the open transaction 8
enum ProducerSnapshot {
    /// A producer as the file has it.
    struct Entry: Equatable {
        var producerId: Int64
        var epoch: Int16
        var lastSequence: Int32
        /// -1 when it has begun anew and written nothing since.
        var lastOffset: Int64
        var offsetDelta: Int32
        var timestamp: Int64
        var coordinatorEpoch: Int32
        /// -1 for none.
        var transactionFirstOffset: Int64
        /// Where the entry begins in the file, in bytes.
        var place: Int64
    }

    /// Why bytes are no snapshot, and from which byte on.
    struct Malformed: Error, Equatable {
        var position: Int64
        var reason: String
    }

    private static let version: Int16 = 1
    private static let headerSize = 10
    private static let entrySize = 46

    static func write(_ producers: ProducerStates) -> Bytes {
        let size = headerSize + producers.count * entrySize
        let storage = ByteStorage(capacity: size)
        let base = storage.base
        base.storeBigEndian(version, 0)
        base.storeBigEndian(Int32(producers.count), 6)
        var position = headerSize
        for (id, state) in producers.states.sorted(by: { $0.key < $1.key }) {
            let last = state.batches.last
            base.storeBigEndian(id, position)
            base.storeBigEndian(state.epoch, position + 8)
            base.storeBigEndian(state.lastSequence, position + 10)
            base.storeBigEndian(last?.lastOffset ?? -1, position + 14)
            base.storeBigEndian(last?.offsetDelta ?? 0, position + 22)
            base.storeBigEndian(state.lastTimestamp, position + 26)
            base.storeBigEndian(state.coordinatorEpoch, position + 34)
            base.storeBigEndian(state.transactionFirstOffset ?? -1, position + 38)
            position += entrySize
        }
        base.storeBigEndian(CRC32C.checksum(UnsafeRawBufferPointer(start: base + 6, count: size - 6)), 2)
        return Bytes(storage: storage, count: size)
    }

    /// The producers in the order of the file.
    static func entries(_ contents: Bytes) throws(Malformed) -> [Entry] {
        try contents.withUnsafeBytes { bytes throws(Malformed) in
            guard let base = bytes.baseAddress, bytes.count >= headerSize else {
                throw Malformed(position: 0, reason: "\(bytes.count) bytes are no snapshot of producers")
            }
            let found: Int16 = base.bigEndian(0)
            guard found == version else { throw Malformed(position: 0, reason: "version \(found) is not known") }
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

    /// - Returns: nil when the bytes are no snapshot, or a damaged one.
    static func read(_ contents: Bytes, endOffset: Int64) -> ProducerStates? {
        guard let entries = try? entries(contents) else { return nil }
        var producers = ProducerStates()
        producers.mapEndOffset = endOffset
        for entry in entries { producers.set(state(entry), for: entry.producerId) }
        return producers
    }

    private static func state(_ entry: Entry) -> ProducerState {
        var state = ProducerState(epoch: entry.epoch, lastTimestamp: entry.timestamp)
        if entry.lastOffset >= 0 {
            state.add(
                ProducerState.Batch(
                    lastSequence: entry.lastSequence, lastOffset: entry.lastOffset, offsetDelta: entry.offsetDelta,
                    timestamp: entry.timestamp))
        }
        state.coordinatorEpoch = entry.coordinatorEpoch
        state.transactionFirstOffset = entry.transactionFirstOffset >= 0 ? entry.transactionFirstOffset : nil
        return state
    }
}
