import Testing

@testable import KCore

/// What is on the disk, to the byte. The bytes are written down from the formats' definitions, not from what this code
/// wrote.
@Suite struct FormatBytesTests {
    private let bench = LogBench()
    private static let timestamp: Int64 = 1_700_000_000_000

    private func hex(_ name: String) throws -> String {
        try #require(bench.disk.contents("\(bench.path)/\(name)"), "\(name)").hex
    }

    private func text(_ name: String) throws -> String {
        String(decoding: try #require(bench.disk.contents("\(bench.path)/\(name)"), "\(name)"), as: UTF8.self)
    }

    /// Bytes in hexadecimal, a field each.
    private func bytes(_ fields: [String]) -> String { fields.joined() }

    @Test func `a segment is batches of format 2, one behind the other`() throws {
        let log = try bench.open(startOffset: 100)
        try log.append(["a"], epoch: 5)
        #expect(
            try hex("00000000000000000100.log")
                // Base offset, length, leader epoch, magic, checksum.
                == bytes([
                    "0000000000000064", "00000039", "00000005", "02", "965a94b1",
                    // Attributes, last offset's delta, base timestamp, largest timestamp.
                    "0000", "00000000", "0000018bcfe56800", "0000018bcfe56800",
                    // Producer id and epoch, base sequence, count.
                    "ffffffffffffffff", "ffff", "ffffffff", "00000001",
                    // Length 7; attributes, timestamp, offset, no key, a value of 1 byte, no headers.
                    "0e", "00", "00", "00", "01", "0261", "00",
                ]))
    }

    @Test func `an entry of the index is the last offset of an append and where it begins`() throws {
        var config = LogConfig()
        config.indexIntervalBytes = 1
        let log = try bench.open(config, startOffset: 100)
        try log.append(["a"])
        try log.append(["b"], timestamp: Self.timestamp + 5)
        try log.close()
        // Relative to the segment's base offset, 32 bits each; the first batch needs no entry.
        #expect(try hex("00000000000000000100.index") == bytes(["00000001", "00000045"]))
        #expect(try hex("00000000000000000100.timeindex") == bytes(["0000018bcfe56805", "00000001"]))
    }

    @Test func `a segment that is closed has its largest timestamp in the time index`() throws {
        let log = try bench.open()
        try log.append(["a"])
        try log.append(["b"], timestamp: Self.timestamp - 5)
        try log.close()
        #expect(try hex("00000000000000000000.index") == "")
        #expect(try hex("00000000000000000000.timeindex") == bytes(["0000018bcfe56800", "00000000"]))
    }

    @Test func `leader epochs are lines of an epoch and its first offset`() throws {
        let log = try bench.open(startOffset: 100)
        try log.append(["a"], epoch: 5)
        try log.append(["b"], epoch: 7)
        try log.close()
        #expect(try text("leader-epoch-checkpoint") == "0\n2\n5 100\n7 101\n")
    }

    @Test func `an aborted transaction is a marker, an entry of the index, and a producer in the snapshot`() throws {
        let log = try bench.open()
        var options = BatchOptions()
        options.producerId = 7
        options.producerEpoch = 3
        options.baseSequence = 0
        options.isTransactional = true
        try log.append(["x"], epoch: 5, options: options)
        let marker = try EndTransactionMarker(isCommit: false, coordinatorEpoch: 9)
            .batch(producerId: 7, producerEpoch: 3, timestampMs: Self.timestamp)
        _ = try log.append(marker, leaderEpoch: 5, origin: .coordinator)
        try log.close()
        let producer = "0000000000000007" + "0003"
        #expect(
            try hex("00000000000000000000.log")
                == bytes([
                    "0000000000000000", "00000039", "00000005", "02", "f6b09406",
                    // Transactional.
                    "0010", "00000000", "0000018bcfe56800", "0000018bcfe56800", producer, "00000000", "00000001",
                    "0e000000", "01", "0278", "00",
                    "0000000000000001", "00000042", "00000005", "02", "e1ad8231",
                    // Transactional and control.
                    "0030", "00000000", "0000018bcfe56800", "0000018bcfe56800", producer, "ffffffff", "00000001",
                    // Key: version 0, type 0 for an abort. Value: version 0, the coordinator's epoch.
                    "20000000", "08", "00000000", "0c", "000000000009", "00",
                ]))
        #expect(
            try hex("00000000000000000000.txnindex")
                // Version, producer, first offset, offset of the marker, last stable offset.
                == bytes(["0000", "0000000000000007", "0000000000000000", "0000000000000001", "0000000000000002"]))
        #expect(
            try hex("00000000000000000002.snapshot")
                // Version, checksum of what follows, count.
                == bytes([
                    "0001", "a3b80f1a", "00000001",
                    // Producer id and epoch, last sequence, last offset, offset delta, timestamp.
                    producer, "00000000", "0000000000000000", "00000000", "0000018bcfe56800",
                    // Epoch of the coordinator, no open transaction.
                    "00000009", "ffffffffffffffff",
                ]))
    }

    @Test func `a snapshot of an open transaction has where it began`() throws {
        let log = try bench.open()
        var options = BatchOptions()
        options.producerId = 7
        options.producerEpoch = 3
        options.baseSequence = 0
        options.isTransactional = true
        try log.append(["x"], epoch: 5, options: options)
        try log.close()
        #expect(
            try hex("00000000000000000001.snapshot")
                == bytes([
                    "0001", "ff25982a", "00000001", "0000000000000007", "0003", "00000000", "0000000000000000",
                    "00000000", "0000018bcfe56800", "ffffffff", "0000000000000000",
                ]))
    }

    @Test func `checkpoints are a version, a count, and a line for each partition`() throws {
        let disk = SimulatedDisk()
        try disk.createDirectory("/d")
        try OffsetCheckpoint(disk: disk, directory: "/d", name: OffsetCheckpoint.recoveryPointName)
            .write([TopicPartition(topic: "b", partition: 0): 12, TopicPartition(topic: "a", partition: 3): 7])
        let contents = try #require(disk.contents("/d/recovery-point-offset-checkpoint"))
        #expect(String(decoding: contents, as: UTF8.self) == "0\n2\na 3 7\nb 0 12\n")
        #expect(OffsetCheckpoint.logStartOffsetName == "log-start-offset-checkpoint")
        #expect(OffsetCheckpoint.highWatermarkName == "replication-offset-checkpoint")
        #expect(OffsetCheckpoint.cleanedName == "cleaner-offset-checkpoint")
    }

    @Test func `a new partition has its topic's id, and a clean stop its marker`() throws {
        let disk = SimulatedDisk()
        let manager = try LogManager(
            LogManagerOptions(directories: ["/d"]), disk: disk, clock: ManualClock(), background: { _ in })
        manager.load { _ in LogConfig() }
        let log = try manager.createLog(
            TopicPartition(topic: "orders", partition: 2), topicId: Uuid(high: 0, low: 1), config: LogConfig())
        try log.append(["a"])
        manager.shutdown()
        func text(_ path: String) -> String? { disk.contents(path).map { String(decoding: $0, as: UTF8.self) } }
        #expect(text("/d/orders-2/partition.metadata") == "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ")
        #expect(text("/d/.kafka_cleanshutdown")?.hasPrefix(#"{"version":0,"brokerEpoch":"#) == true)
        #expect(text("/d/recovery-point-offset-checkpoint") == "0\n1\norders 2 1\n")
        let names = disk.paths.filter { $0.hasPrefix("/d/orders-2/") }.map { $0.split(separator: "/").last ?? "" }
        #expect(
            Set(names) == [
                "00000000000000000000.log", "00000000000000000000.index", "00000000000000000000.timeindex",
                "00000000000000000001.snapshot", "leader-epoch-checkpoint", "partition.metadata",
            ])
    }

    @Test func `meta properties are those of a KRaft node`() {
        let meta = MetaProperties(clusterId: "jQIRNB11SnKa6aPoqvzT7Q", nodeId: 4, directoryId: Uuid(high: 0, low: 1))
        let text = "#\ncluster.id=jQIRNB11SnKa6aPoqvzT7Q\ndirectory.id=AAAAAAAAAAAAAAAAAAAAAQ\nnode.id=4\nversion=1\n"
        #expect(meta.text == text)
    }

    @Test func `a snapshot of the metadata begins with a header and ends with a footer`() throws {
        let snapshot = MetadataSnapshot(endOffset: 155, epoch: 2)
        #expect(snapshot.fileName == "00000000000000000155-0000000002.checkpoint")
        let batches = try snapshot.encode(ClusterImage(clusterId: "c"), timestampMs: 5)
        #expect(batches.count == 2)
        let (header, footer) = (batches[0].array.hex, batches[1].array.hex)
        // Control batches; a key is version 0 and the type, a value begins with its version.
        #expect(
            header.hasSuffix(
                bytes(["00000001", "2a000000", "08", "00000003", "16", "0000", "0000000000000005", "0000"])))
        #expect(footer.hasSuffix(bytes(["00000001", "1a000000", "08", "00000004", "06", "000000", "00"])))
        #expect(header.dropFirst(42).prefix(4) == "0020" && footer.prefix(16) == "0000000000000001")
        #expect(header.dropFirst(24).prefix(8) == "00000002")
    }
}
