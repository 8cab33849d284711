/// What was fetched from segments that are older than Kafka 0.11, made readable for those who know batches only.
enum LegacyFetch {
    /// The messages of formats 0 and 1 that `bytes` begin with, as one batch at their own offsets, and the batches that
    /// follow them. What is cut off at the end is left out.
    /// - Returns: nil when `bytes` do not begin with an old message.
    static func modernized(_ bytes: Bytes, checkCRC: Bool) throws(RecordsError) -> Bytes? {
        guard bytes.withUnsafeBytes({ LegacyRecords.isLegacy($0) }) else { return nil }
        let end = bytes.withUnsafeBytes { endOfMessages($0) }
        guard end > 0 else { return Bytes() }
        let records = try LegacyRecords.read(bytes.slice(0..<end), checkCRC: checkCRC)
        var options = BatchOptions()
        options.baseOffset = records.first?.offset ?? 0
        let batch = try RecordBatchBuilder.batch(records, options)
        guard end < bytes.count else { return batch }
        let joined = ByteStorage(capacity: batch.count + bytes.count - end)
        batch.withUnsafeBytes {
            if let base = $0.baseAddress { joined.base.copyMemory(from: base, byteCount: batch.count) }
        }
        bytes.slice(end..<bytes.count).withUnsafeBytes { rest in
            if let base = rest.baseAddress { (joined.base + batch.count).copyMemory(from: base, byteCount: rest.count) }
        }
        return Bytes(storage: joined, count: joined.capacity)
    }

    // Where the last whole message ends. An offset and a size stand in front of each, and the format behind a checksum.
    private static func endOfMessages(_ bytes: UnsafeRawBufferPointer) -> Int {
        var position = 0
        while bytes.count - position > 16 {
            let size = Int(Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: position + 8, as: Int32.self)))
            let magic = bytes.load(fromByteOffset: position + 16, as: Int8.self)
            guard magic < 2, size > 0, size <= bytes.count - position - 12 else { break }
            position += 12 + size
        }
        return position
    }
}
