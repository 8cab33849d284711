import Testing

@testable import KCore

@Suite struct RecordsFixtureTests {
    @Test func `the fixtures are there`() { #expect(RecordsFixture.all.count >= 22) }

    @Test(arguments: RecordsFixture.all)
    func `what other implementations wrote is read as they read it`(fixture: RecordsFixture) throws {
        #expect(!fixture.records.isEmpty)
        #expect(try fixture.read() == fixture.records)
    }

    @Test(arguments: RecordsFixture.named("kafka-"))
    func `rewriting a batch that Kafka wrote keeps its records and what it says of itself`(fixture: RecordsFixture)
        throws
    {
        var batches = RecordBatches(fixture.log)
        while let batch = try batches.next() {
            let reader = try RecordBatchReader(batches.bytes(of: batch))
            let builder = RecordBatchBuilder(BatchOptions(keeping: reader.header))
            try reader.forEachRecord { view throws(RecordsError) in try builder.append(view) }
            let again = try RecordBatchReader(builder.close())
            #expect(try again.allRecords() == reader.allRecords())
            // Compressed, only the bytes of the records may differ; else nothing does, but for times that nobody sees
            // behind that of the append.
            var header = again.header
            if header.isCompressed || header.attributes.timestampType == .logAppendTime {
                header.baseTimestamp = reader.header.baseTimestamp
                header.crc = reader.header.crc
                header.batchLength = reader.header.batchLength
            }
            #expect(header == reader.header)
        }
    }

    @Test func `the markers of Kafka's transactions are read`() throws {
        let fixture = try #require(RecordsFixture.named("kafka-transactions").first)
        var batches = RecordBatches(fixture.log)
        var commits = 0
        var aborts = 0
        while let batch = try batches.next() {
            guard batch.header.isControl else { continue }
            try RecordBatchReader(batches.bytes(of: batch)).forEachRecord { view throws(RecordsError) in
                let marker = try EndTransactionMarker(view)
                #expect(batch.header.isTransactional && marker?.coordinatorEpoch == 0)
                if marker?.isCommit == true { commits += 1 } else { aborts += 1 }
            }
        }
        #expect(commits > 0 && aborts > 0)
    }

    @Test func `batches come out byte for byte as kafka-python writes them`() throws {
        let fixture = try #require(RecordsFixture.named("python-v2-none").first)
        var options = BatchOptions()
        options.baseOffset = 100
        options.partitionLeaderEpoch = 0
        #expect(try RecordBatchBuilder.batch(fixture.records, options).array == fixture.log.array)
    }
}
