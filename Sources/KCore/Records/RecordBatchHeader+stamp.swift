extension RecordBatchHeader {
    /// The checksum that a batch should carry.
    /// - Parameter batch: the whole batch and nothing more.
    public static func computeCRC(_ batch: UnsafeRawBufferPointer) -> UInt32 {
        guard batch.count > attributesPosition else { return 0 }
        return CRC32C.checksum(UnsafeRawBufferPointer(rebasing: batch[attributesPosition...]))
    }

    /// Whether a batch carries the checksum that it should.
    /// - Parameter batch: the whole batch and nothing more.
    public static func isCRCValid(_ batch: UnsafeRawBufferPointer) -> Bool {
        guard let base = batch.baseAddress, batch.count >= size else { return false }
        return base.bigEndian(crcPosition) == computeCRC(batch)
    }

    /// Checks the checksum of the batch at the start of `bytes`.
    /// - Throws: ``RecordsError/badCRC(stored:computed:)``, ``RecordsError/truncated(needed:available:)``.
    public func checkCRC(in bytes: UnsafeRawBufferPointer) throws(RecordsError) {
        guard bytes.count >= sizeInBytes else { throw .truncated(needed: sizeInBytes, available: bytes.count) }
        let computed = RecordBatchHeader.computeCRC(UnsafeRawBufferPointer(rebasing: bytes[..<sizeInBytes]))
        guard computed == crc else { throw .badCRC(stored: crc, computed: computed) }
    }

    /// Sets offset and leader epoch in the batch at `batch`. The checksum stays valid.
    /// - Precondition: `batch` is a batch, and nobody else uses it.
    public static func stamp(baseOffset: Int64, partitionLeaderEpoch: Int32, at batch: UnsafeMutableRawPointer) {
        batch.storeBigEndian(baseOffset, 0)
        batch.storeBigEndian(partitionLeaderEpoch, leaderEpochPosition)
    }

    /// Makes `timeMs` the time of append of every record of a batch, and its checksum right again.
    /// - Precondition: `batch` is one whole batch and nothing more, and nobody else uses it.
    public static func stampLogAppendTime(_ timeMs: Int64, in batch: UnsafeMutableRawBufferPointer) {
        stampMaxTimestamp(timeMs, type: .logAppendTime, in: batch)
    }

    /// Sets the timestamp type and the largest timestamp, and makes the checksum right again if that changed anything.
    /// - Precondition: `batch` is one whole batch and nothing more, and nobody else uses it.
    public static func stampMaxTimestamp(
        _ timeMs: Int64, type: TimestampType, in batch: UnsafeMutableRawBufferPointer
    ) {
        guard let base = batch.baseAddress, batch.count >= size else { return }
        var attributes = BatchAttributes(rawValue: UnsafeRawPointer(base).bigEndian(attributesPosition))
        let previous: Int64 = UnsafeRawPointer(base).bigEndian(maxTimestampPosition)
        if attributes.timestampType == type && previous == timeMs { return }
        attributes.timestampType = type
        base.storeBigEndian(attributes.rawValue, attributesPosition)
        base.storeBigEndian(timeMs, maxTimestampPosition)
        stampCRC(in: batch)
    }

    /// Sets who produced a batch and where it stands in his sequence, and makes the checksum right again: a producer that
    /// had to take a new epoch sends what it has anew.
    /// - Precondition: `batch` is one whole batch and nothing more, and nobody else uses it.
    public static func stampProducer(
        id: Int64, epoch: Int16, baseSequence: Int32, in batch: UnsafeMutableRawBufferPointer
    ) {
        guard let base = batch.baseAddress, batch.count >= size else { return }
        base.storeBigEndian(id, producerIdPosition)
        base.storeBigEndian(epoch, producerEpochPosition)
        base.storeBigEndian(baseSequence, baseSequencePosition)
        stampCRC(in: batch)
    }

    /// Makes the checksum right after the bytes that it covers were changed.
    /// - Precondition: `batch` is one whole batch and nothing more, and nobody else uses it.
    public static func stampCRC(in batch: UnsafeMutableRawBufferPointer) {
        guard let base = batch.baseAddress, batch.count >= size else { return }
        base.storeBigEndian(computeCRC(UnsafeRawBufferPointer(batch)), crcPosition)
    }
}

extension UnsafeRawPointer {
    @inline(__always)
    func bigEndian<T: FixedWidthInteger & BitwiseCopyable>(_ position: Int, as _: T.Type = T.self) -> T {
        T(bigEndian: loadUnaligned(fromByteOffset: position, as: T.self))
    }
}

extension UnsafeMutableRawPointer {
    @inline(__always)
    func storeBigEndian<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, _ position: Int) {
        storeBytes(of: value.bigEndian, toByteOffset: position, as: T.self)
    }
}
