import Testing

@testable import KCore

@Suite struct AppendRulesTests {
    private let bench = LogBench()

    private func refusal(_ log: Log, _ records: Bytes, origin: AppendOrigin = .client) -> LogError? {
        do {
            _ = try log.append(records, leaderEpoch: 0, origin: origin)
            return nil
        } catch {
            return error
        }
    }

    /// A batch with one field overwritten and its checksum right again.
    private func edited(_ batch: Bytes, at position: Int, _ bytes: [UInt8]) -> Bytes {
        let result = Bytes(batch.array)
        result.withUnsafeMutableBytes { memory in
            for (index, byte) in bytes.enumerated() { memory[position + index] = byte }
            RecordBatchHeader.stampCRC(in: memory)
        }
        return result
    }

    @Test func `a wrong checksum is corrupt, and nothing is appended`() throws {
        let log = try bench.open()
        let batch = try Batches.make(["a"])
        for position in 17..<batch.count {
            let damaged = Bytes(batch.array)
            damaged.withUnsafeMutableBytes { $0[position] ^= 0x80 }
            #expect(refusal(log, damaged)?.code == .corruptMessage, "byte \(position)")
        }
        #expect(log.logEndOffset == 0)
        #expect(log.size == 0)
    }

    @Test func `a record batch larger than max.message.bytes is too large, one of just that size is not`() throws {
        var config = LogConfig()
        let batch = try Batches.make([String(repeating: "x", count: 500)])
        config.maxMessageBytes = batch.count
        let log = try bench.open(config)
        #expect(refusal(log, Bytes(batch.array)) == nil)
        config.maxMessageBytes -= 1
        log.updateConfig(config)
        #expect(refusal(log, Bytes(batch.array))?.code == .messageTooLarge)
        // What a coordinator has to keep of a large group cannot be made smaller.
        #expect(throws: Never.self) { try log.append(Bytes(batch.array), leaderEpoch: 0, origin: .coordinator) }
    }

    @Test func `more than a segment can hold is refused`() throws {
        var config = LogConfig()
        config.segmentBytes = 100
        let log = try bench.open(config)
        #expect(refusal(log, try Batches.make([String(repeating: "x", count: 100)]))?.code == .recordListTooLarge)
    }

    @Test func `counts that do not fit each other are invalid`() throws {
        let log = try bench.open()
        let batch = try Batches.make(["a", "b"])
        // Record count, last offset delta.
        #expect(refusal(log, edited(batch, at: 57, [0, 0, 0, 3]))?.code == .invalidRecord)
        #expect(refusal(log, edited(batch, at: 57, [0, 0, 0, 0]))?.code == .invalidRecord)
        #expect(refusal(log, edited(batch, at: 23, [0, 0, 0, 2]))?.code == .invalidRecord)
        // The largest numbers, with which nobody may reckon.
        #expect(refusal(log, edited(batch, at: 23, [127, 255, 255, 255]))?.code == .invalidRecord)
        #expect(refusal(log, edited(batch, at: 57, [127, 255, 255, 255]))?.code == .invalidRecord)
        let largest = edited(edited(batch, at: 57, [127, 255, 255, 255]), at: 23, [127, 255, 255, 255])
        #expect(refusal(log, largest)?.code == .invalidRecord)
        // Both, so that only the records themselves tell.
        let both = edited(edited(batch, at: 57, [0, 0, 0, 3]), at: 23, [0, 0, 0, 2])
        #expect(refusal(log, both)?.code == .invalidRecord)
        // A base offset that a client may not choose.
        #expect(refusal(log, edited(batch, at: 0, [0, 0, 0, 0, 0, 0, 0, 1]))?.code == .invalidRecord)
        #expect(refusal(log, edited(batch, at: 0, [0, 0, 0, 0, 0, 0, 0, 0])) == nil)
    }

    @Test func `a transaction is somebody's`() throws {
        let log = try bench.open()
        // The bit of a transaction without a producer's id, which no marker could end.
        let nobodys = edited(try Batches.make(["a"]), at: 22, [0x10])
        #expect(refusal(log, nobodys)?.code == .invalidRecord)
        #expect { try log.append(nobodys, leaderEpoch: 0, origin: .coordinator) } throws: {
            ($0 as? LogError)?.code == .invalidRecord
        }
        #expect(log.logEndOffset == 0)
    }

    @Test func `a largest timestamp that the records do not have is put right`() throws {
        for claimed: Int64 in [0, 999, 5000, .max] {
            let log = try LogBench().open()
            let records = [1000, 3000, 2000].enumerated().map { index, time in
                Record(offset: Int64(index), timestamp: time, key: nil, value: Bytes("v"))
            }
            let batch = try RecordBatchBuilder.batch(records)
            let position = RecordBatchHeader.maxTimestampPosition
            #expect(
                refusal(log, edited(batch, at: position, withUnsafeBytes(of: claimed.bigEndian) { Array($0) })) == nil)
            #expect(try log.offset(forTimestamp: 2500)?.offset == 1)
            #expect(try log.offset(forTimestamp: 3001) == nil, "claimed \(claimed)")
        }
    }

    private func compressed(claiming timestamp: Int64, _ codec: CompressionCodec = .gzip) throws -> Bytes {
        let records = [1000, 3000, 2000].enumerated().map { index, time in
            Record(offset: Int64(index), timestamp: time, key: nil, value: Bytes("v"))
        }
        let batch = try RecordBatchBuilder.batch(records, BatchOptions(compression: codec))
        return edited(
            batch, at: RecordBatchHeader.maxTimestampPosition, withUnsafeBytes(of: timestamp.bigEndian) { Array($0) })
    }

    @Test(arguments: [CompressionCodec.gzip, .snappy, .lz4, .zstd])
    func `a compressed batch that comes without its largest timestamp gets it`(codec: CompressionCodec) throws {
        for claimed: Int64 in [-1, 0, 999] {
            let log = try LogBench().open()
            #expect(refusal(log, try compressed(claiming: claimed, codec)) == nil)
            #expect(try log.offset(forTimestamp: 2500)?.offset == 1)
            #expect(try log.maxTimestamp()?.timestamp == 3000)
            let batch = try #require(try log.read(from: 0, maxBytes: 1).batches().first)
            let header = try RecordBatchReader(batch).header
            #expect(header.maxTimestamp == 3000)
        }
    }

    @Test func `the largest timestamp is a record's, whatever a compressed batch says of its records`() throws {
        let log = try bench.open()
        #expect(refusal(log, try compressed(claiming: 9000)) == nil)
        let found = try #require(try log.maxTimestamp())
        #expect(found.timestamp == 3000 && found.offset == 1)
    }

    @Test func `a record too short for its own time is invalid`() throws {
        let log = try bench.open()
        let batch = try Batches.make(["a"])
        // The length of the only record, and then nothing of it.
        #expect(refusal(log, edited(batch, at: RecordBatchHeader.size, [0]))?.code == .invalidRecord)
    }

    @Test(arguments: [CompressionCodec.gzip, .snappy, .lz4, .zstd])
    func `what a compressed batch hides is found where the topic asks for it`(codec: CompressionCodec) throws {
        var config = LogConfig()
        config.checksCompressedRecords = true
        let log = try bench.open(config)
        let records = [1000, 3000, 2000].enumerated().map { index, time in
            Record(offset: Int64(index), timestamp: time, key: nil, value: Bytes("v"))
        }
        let batch = try RecordBatchBuilder.batch(records, BatchOptions(compression: codec))
        // One record more than there are, in both of the places that count.
        let count = edited(edited(batch, at: 57, [0, 0, 0, 4]), at: 23, [0, 0, 0, 3])
        #expect(refusal(log, count)?.code == .invalidRecord)
        // Not the codec's format any more, though the checksum is right.
        let garbled = edited(batch, at: RecordBatchHeader.size, [0xFF, 0xFF, 0xFF, 0xFF])
        #expect(refusal(log, garbled)?.code == .corruptMessage)
        var gapped = records
        gapped[2].offset = 3
        let gap = try RecordBatchBuilder.batch(gapped, BatchOptions(compression: codec))
        #expect(refusal(log, edited(gap, at: 57, [0, 0, 0, 4]))?.code == .invalidRecord)
        let later = withUnsafeBytes(of: Int64(9000).bigEndian) { Array($0) }
        #expect(refusal(log, edited(batch, at: RecordBatchHeader.maxTimestampPosition, later)) == nil)
        #expect(try log.offset(forTimestamp: 3001) == nil)
        config.checksCompressedRecords = false
        log.updateConfig(config)
        #expect(refusal(log, garbled) == nil, "the topic does not ask for it")
    }

    @Test func `clients may not write control records, coordinators may`() throws {
        let log = try bench.open()
        let marker = EndTransactionMarker(isCommit: true, coordinatorEpoch: 1)
        let batch = try marker.batch(producerId: 5, producerEpoch: 0, timestampMs: 1)
        #expect(refusal(log, Bytes(batch.array))?.code == .invalidRecord)
        #expect(refusal(log, Bytes(batch.array), origin: .coordinator) == nil)
    }

    @Test func `a compacted topic names the records without a key`() throws {
        var config = LogConfig()
        config.cleanupPolicy = .compact
        let log = try bench.open(config)
        for codec in [CompressionCodec.none, .lz4] {
            let builder = RecordBatchBuilder(BatchOptions(compression: codec))
            try builder.append(timestamp: 1, key: Bytes("k"), value: Bytes("v"))
            try builder.append(timestamp: 1, key: nil as Bytes?, value: Bytes("v"))
            let error = refusal(log, try builder.close())
            #expect(error?.code == .invalidRecord)
            #expect(error?.recordFaults.map(\.batchIndex) == [1])
        }
    }

    @Test func `timestamps outside of the limits are invalid`() throws {
        var config = LogConfig()
        config.messageTimestampBeforeMaxMs = 1000
        config.messageTimestampAfterMaxMs = 500
        let log = try bench.open(config)
        let now = bench.clock.wallMs
        for (timestamp, isFine) in [
            (now, true), (now - 1000, true), (now - 1001, false), (now + 500, true), (now + 501, false), (-1, true),
            (-5, false), (.min, false),
        ] as [(Int64, Bool)] {
            let code = refusal(log, try Batches.make(["a"], timestamp: timestamp))?.code
            #expect(code == (isFine ? nil : .invalidTimestamp))
        }
        // A compressed batch that hides its newest record.
        let builder = RecordBatchBuilder(BatchOptions(compression: .lz4))
        for timestamp in [now, now + 501] {
            try builder.append(timestamp: timestamp, key: Bytes("k"), value: Bytes("v"))
        }
        let hidden = edited(
            try builder.close(), at: RecordBatchHeader.maxTimestampPosition,
            withUnsafeBytes(of: now.bigEndian) { Array($0) })
        #expect(refusal(log, hidden)?.code == .invalidTimestamp)
    }

    @Test func `with LogAppendTime the broker's time stands in the batch`() throws {
        var config = LogConfig()
        config.messageTimestampType = .logAppendTime
        let log = try bench.open(config)
        let result = try log.append(["a", "b"], timestamp: 5)
        #expect(result.logAppendTimeMs == bench.clock.wallMs)
        #expect(try log.records().map(\.timestamp) == [bench.clock.wallMs, bench.clock.wallMs])
    }

    @Test func `records are compressed anew when the topic wants another codec`() throws {
        var config = LogConfig()
        config.compression = .codec(.lz4)
        let log = try bench.open(config)
        let values = (0..<50).map { "the same again and again \($0)" }
        try log.append(values)
        let batch = try #require(try log.read(from: 0, maxBytes: 1).batches().first)
        #expect(try RecordBatchReader(batch).header.attributes.compression == .lz4)
        #expect(try log.values() == values)
        config.compression = .codec(.none)
        log.updateConfig(config)
        try log.append(values, options: BatchOptions(compression: .lz4))
        let second = try #require(try log.read(from: 50, maxBytes: 1).batches().first)
        #expect(try RecordBatchReader(second).header.attributes.compression == CompressionCodec.none)
    }

    @Test func `replicated batches keep offsets and epochs and may not go back`() throws {
        let log = try bench.open()
        let leader = try LogBench().open()
        for index in 0..<3 { try leader.append(["value \(index)"], epoch: 4) }
        for batch in try leader.read(from: 0, maxBytes: 1000).batches() {
            _ = try log.append(batch, leaderEpoch: -1, origin: .replication)
        }
        #expect(try log.values() == ["value 0", "value 1", "value 2"])
        #expect(log.latestEpoch == 4)
        let old = try #require(try leader.read(from: 1, maxBytes: 1).batches().first)
        #expect(refusal(log, old, origin: .replication)?.code == .offsetOutOfRange)
    }

    @Test func `a full disk refuses the append, and the next one succeeds when there is room`() throws {
        let log = try bench.open()
        try log.append(["a"])
        for room in [0, 1, 30, 60] {
            bench.disk.setRoom(room)
            let error = refusal(log, try Batches.make(["b"]))
            #expect(error?.code == .kafkaStorageError)
            #expect(!log.isOffline)
            #expect(try log.values() == ["a"])
        }
        bench.disk.setRoom(nil)
        #expect(try log.append(["c"]).baseOffset == 1)
        let again = try LogBench(disk: bench.disk).open()
        #expect(try again.values() == ["a", "c"])
    }

    @Test func `a failed fsync takes the directory offline for good`() throws {
        let log = try bench.open()
        try log.append(["a"])
        bench.disk.failSyncs(true)
        #expect(throws: LogError.self) { try log.flush() }
        bench.disk.failSyncs(false)
        #expect(log.isOffline)
        #expect(log.recoveryPoint == 0)
        #expect(refusal(log, try Batches.make(["b"]))?.code == .kafkaStorageError)
        #expect(throws: LogError.self) { try log.read(from: 0, maxBytes: 10) }
        #expect(throws: LogError.self) { try log.flush() }
    }

}

extension AppendRulesTests {
    @Test(arguments: [Int8(0), 1]) func `messages of old producers are stored as a batch of today`(magic: Int8) throws {
        let log = try LogBench().open()
        var builder = try LegacySetBuilder(magic: magic)
        for number in 0..<3 {
            let value = Bytes("old \(number)")
            try value.withUnsafeBytes { bytes throws(RecordsError) in
                try builder.append(offset: Int64(number), timestamp: 77, key: nil, value: bytes)
            }
        }
        let result = try log.append(try builder.close(), leaderEpoch: 2)
        #expect(result.baseOffset == 0 && result.lastOffset == 2)
        #expect(try log.values() == ["old 0", "old 1", "old 2"])
        #expect(try log.records().map(\.timestamp) == Array(repeating: magic == 0 ? -1 : 77, count: 3))
        #expect(log.latestEpoch == 2)
    }
}
