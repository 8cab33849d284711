/// The `.snapshot` file: the producers as they were at the offset that its name states.
///
///     version 2 (=1) | crc32c of what follows 4 | count 4 | entries of 46 bytes:
///     producer id 8, epoch 2, last sequence 4, last offset 8, offset delta 4, timestamp 8, coordinator epoch 4,
///     first offset of the open transaction 8
enum ProducerSnapshot {
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

    /// - Returns: nil when the bytes are no snapshot, or a damaged one.
    static func read(_ contents: Bytes, endOffset: Int64) -> ProducerStates? {
        contents.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, bytes.count >= headerSize, base.bigEndian(0, as: Int16.self) == version,
                base.bigEndian(2, as: UInt32.self)
                    == CRC32C.checksum(UnsafeRawBufferPointer(start: base + 6, count: bytes.count - 6))
            else { return nil }
            let count = Int(base.bigEndian(6, as: Int32.self))
            guard count >= 0, bytes.count == headerSize + count * entrySize else { return nil }
            var producers = ProducerStates()
            producers.mapEndOffset = endOffset
            for index in 0..<count { read(base + headerSize + index * entrySize, into: &producers) }
            return producers
        }
    }

    private static func read(_ entry: UnsafeRawPointer, into producers: inout ProducerStates) {
        let timestamp: Int64 = entry.bigEndian(26)
        var state = ProducerState(epoch: entry.bigEndian(8), lastTimestamp: timestamp)
        let lastOffset: Int64 = entry.bigEndian(14)
        if lastOffset >= 0 {
            state.add(
                ProducerState.Batch(
                    lastSequence: entry.bigEndian(10), lastOffset: lastOffset, offsetDelta: entry.bigEndian(22),
                    timestamp: timestamp))
        }
        state.coordinatorEpoch = entry.bigEndian(34)
        let transaction: Int64 = entry.bigEndian(38)
        state.transactionFirstOffset = transaction >= 0 ? transaction : nil
        producers.set(state, for: entry.bigEndian(0))
    }
}
