import Testing

@testable import KCore

@Suite struct RecordBatchTests {
    @Test(arguments: CompressionCodec.allCases)
    func `what is built reads back`(codec: CompressionCodec) throws {
        for seed in 1...20 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let records = RecordSamples.records(Int.random(in: 1...60, using: &generator), using: &generator)
            var options = BatchOptions(compression: codec)
            options.producerId = 7
            options.producerEpoch = 1
            options.baseSequence = 40
            let reader = try RecordBatchReader(RecordBatchBuilder.batch(records, options))
            #expect(try reader.allRecords() == records, "seed \(seed)")
            #expect(reader.header.recordCount == Int32(records.count))
            #expect(reader.header.lastOffset == Int64(records.count - 1))
            #expect(reader.header.maxTimestamp == records.map(\.timestamp).max())
            #expect(reader.header.attributes.compression == codec)
            #expect(reader.header.lastSequence == 40 + Int32(records.count - 1))
        }
    }

    @Test func `a builder is empty after closing and can be used again`() throws {
        for codec in [CompressionCodec.none, .lz4] {
            let builder = RecordBatchBuilder(BatchOptions(compression: codec), capacity: 100)
            var batches: [Bytes] = []
            for round in 0..<3 {
                for index in 0...round {
                    try builder.append(timestamp: Int64(index), key: nil, value: Bytes("v\(round)"))
                }
                batches.append(try builder.close())
                #expect(builder.isEmpty && builder.uncompressedSizeInBytes == RecordBatchHeader.size)
            }
            for (round, batch) in batches.enumerated() {
                let records = try RecordBatchReader(batch).allRecords()
                #expect(records.count == round + 1)
                #expect(records.allSatisfy { $0.value == Bytes("v\(round)") })
            }
        }
    }

    @Test func `the size limit that is asked for beforehand holds`() throws {
        for size in [0, 1, 63, 64, 5000] {
            let builder = RecordBatchBuilder()
            let field = Bytes([UInt8](repeating: 1, count: size))
            try builder.append(timestamp: .max, key: field, value: field)
            let limit = RecordBatchBuilder.maxSizeInBytes(keySize: size, valueSize: size)
            #expect(builder.uncompressedSizeInBytes <= limit)
        }
    }

    @Test func `offsets keep their gaps and the header what is kept`() throws {
        var options = BatchOptions()
        options.baseOffset = 1000
        options.lastOffsetDelta = 50
        options.deleteHorizonMs = 99
        let records = [1003, 1010, 1049].map { Record(offset: $0, timestamp: 5, key: Bytes("k"), value: nil) }
        let reader = try RecordBatchReader(RecordBatchBuilder.batch(records, options))
        #expect(try reader.allRecords() == records)
        #expect(reader.header.lastOffset == 1050)
        #expect(reader.header.deleteHorizonMs == 99)
        // Rewritten record by record, as the cleaner does.
        let builder = RecordBatchBuilder(BatchOptions(keeping: reader.header))
        try reader.forEachRecord { view throws(RecordsError) in try builder.append(view) }
        let again = try RecordBatchReader(builder.close())
        #expect(try again.allRecords() == records)
        #expect(again.header == reader.header)
        #expect(throws: RecordsError.badRecord(index: 1, .badOffset)) {
            try RecordBatchBuilder.batch([records[1], records[0]], options)
        }
    }

    @Test func `an empty batch stands for the records that cleaning took out`() throws {
        var options = BatchOptions(compression: .zstd)
        options.baseOffset = 10
        options.lastOffsetDelta = 4
        let batch = try RecordBatchBuilder.batch([], options)
        #expect(batch.count == RecordBatchHeader.size)
        let reader = try RecordBatchReader(batch)
        #expect(try reader.allRecords().isEmpty)
        #expect(reader.header.lastOffset == 14)
    }

    @Test func `the time of append is that of every record`() throws {
        var options = BatchOptions()
        options.logAppendTimeMs = 777
        let batch = try RecordBatchBuilder.batch([Record(timestamp: 1, key: nil, value: nil)], options)
        #expect(try RecordBatchReader(batch).allRecords().map(\.timestamp) == [777])
    }

    @Test func `a new producer epoch can be stamped into a closed batch`() throws {
        let batch = try RecordBatchBuilder.batch([Record(timestamp: 1, key: nil, value: nil)])
        batch.withUnsafeMutableBytes { RecordBatchHeader.stampProducer(id: 5, epoch: 2, baseSequence: 0, in: $0) }
        let header = try RecordBatchReader(batch).header
        #expect(header.producerId == 5 && header.producerEpoch == 2 && header.baseSequence == 0)
    }

    @Test func `the end of a transaction is a control batch`() throws {
        for isCommit in [true, false] {
            let marker = EndTransactionMarker(isCommit: isCommit, coordinatorEpoch: 12)
            let reader = try RecordBatchReader(marker.batch(producerId: 3, producerEpoch: 4, timestampMs: 5))
            #expect(reader.header.isControl && reader.header.isTransactional)
            #expect(reader.header.producerId == 3 && reader.header.baseSequence == -1)
            try reader.forEachRecord { view throws(RecordsError) in #expect(try EndTransactionMarker(view) == marker) }
        }
        let other = try RecordBatchBuilder.batch(
            [Record(timestamp: 0, key: ControlRecordType.leaderChange.key, value: nil)])
        try RecordBatchReader(other).forEachRecord { view throws(RecordsError) in
            #expect(try ControlRecordType(key: view.key) == .leaderChange)
            #expect(try EndTransactionMarker(view) == nil)
        }
        #expect(throws: RecordsError.badControlRecord) { try ControlRecordType(key: nil) }
    }
}
