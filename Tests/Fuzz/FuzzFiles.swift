/// The small files of a data directory, and the records of coordinators' logs.
enum FuzzFiles {
    /// A letter for the kind of file, and its contents.
    static func file(_ input: UnsafeRawBufferPointer) {
        guard let kind = input.first else { return }
        let bytes = Bytes(copying: UnsafeRawBufferPointer(rebasing: input[1...]))
        switch kind {
        case UInt8(ascii: "s"): snapshot(bytes)
        case UInt8(ascii: "i"): _ = OffsetIndexReader(bytes, baseOffset: 1 << 40)
        case UInt8(ascii: "t"): _ = TimeIndexReader(bytes, baseOffset: Int64.max - 5)
        case UInt8(ascii: "a"): _ = AbortedIndexReader(bytes).problems(baseOffset: 7)
        case UInt8(ascii: "c"): try? CheckpointFile.offsets(bytes) { _, _ in }
        case UInt8(ascii: "e"): epochs(bytes)
        case UInt8(ascii: "p"): _ = PartitionMetadataFile.read(bytes)
        case UInt8(ascii: "j"): _ = try? JSONCursor.integers(in: bytes)
        default: break
        }
    }

    /// The checksum is mended first, since no mutation would ever hit it.
    private static func snapshot(_ bytes: Bytes) {
        guard bytes.count > 6 else { return }
        bytes.withUnsafeMutableBytes { memory in
            let covered = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[6...])
            memory.storeBytes(of: CRC32C.checksum(covered).bigEndian, toByteOffset: 2, as: UInt32.self)
        }
        guard let states = ProducerSnapshot.read(bytes, endOffset: 5) else { return }
        guard ProducerSnapshot.read(ProducerSnapshot.write(states), endOffset: 5)?.count == states.count else {
            fatalError("a snapshot that does not come back")
        }
    }

    private static func epochs(_ bytes: Bytes) {
        guard let epochs = try? LeaderEpochs(reading: bytes) else { return }
        guard let again = try? LeaderEpochs(reading: epochs.contents), again == epochs else {
            fatalError("epochs that do not come back")
        }
    }

    /// The length of the key, the key, the value.
    static func groupRecord(_ input: UnsafeRawBufferPointer) {
        guard let (key, value) = parts(input), let record = try? GroupRecord(key: key, value: value) else { return }
        guard let (newKey, newValue) = try? record.encoded() else { return }
        guard let again = try? GroupRecord(key: newKey, value: newValue), let last = try? again.encoded(),
            last == (newKey, newValue)
        else { fatalError("a record of a group that does not come back") }
    }

    static func transactionRecord(_ input: UnsafeRawBufferPointer) {
        guard let (key, value) = parts(input), let record = try? TransactionLogRecord(key: key, value: value) else {
            return
        }
        guard let (newKey, newValue) = try? record.encoded() else { return }
        guard let again = try? TransactionLogRecord(key: newKey, value: newValue), let last = try? again.encoded(),
            last == (newKey, newValue)
        else { fatalError("a record of a transaction that does not come back") }
    }

    private static func parts(_ input: UnsafeRawBufferPointer) -> (key: Bytes, value: Bytes?)? {
        guard let length = input.first, input.count > Int(length) else { return nil }
        let bytes = Bytes(copying: input)
        let end = 1 + Int(length)
        return (bytes.slice(1..<end), end == bytes.count ? nil : bytes.slice(end..<bytes.count))
    }
}
