import Foundation
import Synchronization
import Testing

@testable import KCore

/// Data directories that Apache Kafka 3.9 wrote, opened in place.
@Suite struct FixtureTests {
    private static let fixtures = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures")

    /// Unpacks an archive into a directory that goes when this does.
    private final class Unpacked {
        let root: URL
        var path: String { root.appendingPathComponent("log").path }

        init(_ archive: String) throws {
            root = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
            try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
            _ = try run("tar", "xzf", fixtures.appendingPathComponent(archive).path, "-C", root.path)
        }

        deinit { try? FileManager.default.removeItem(at: root) }
    }

    @discardableResult
    private static func run(_ arguments: String...) throws -> Data {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return output
    }

    private func expected(_ name: String) throws -> [String: Any] {
        let json = try FixtureTests.run("zcat", FixtureTests.fixtures.appendingPathComponent(name).path)
        return try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
    }

    private func open(_ directory: Unpacked) throws -> LogManager {
        let manager = try LogManager(LogManagerOptions(directories: [directory.path]), background: { _ in })
        manager.load { topic in
            var config = LogConfig()
            if topic == "compacted" || topic.hasPrefix("__") { config.cleanupPolicy = .compact }
            return config
        }
        return manager
    }

    @Test func `a clean directory of Kafka's is read as Kafka's own clients read it`() throws {
        let directory = try Unpacked("kafka-3.9-clean.tar.gz")
        let manager = try open(directory)
        let topics = try #require(try expected("kafka-3.9-clean.expected.json.gz")["topics"] as? [String: Any])
        #expect(topics.count == 12)
        for (topic, levels) in topics {
            let partitions = try #require((levels as? [String: Any])?["read_uncommitted"] as? [String: Any])
            for (partition, facts) in partitions {
                let facts = try #require(facts as? [String: Any])
                let number = try #require(Int32(partition))
                let log = try #require(manager.log(for: TopicPartition(topic: topic, partition: number)))
                #expect(log.logStartOffset == facts["low"] as? Int64)
                #expect(log.logEndOffset == facts["high"] as? Int64)
                #expect(log.topicId != nil)
                let wanted = try #require(facts["records"] as? [[String: Any]])
                let found = try records(log)
                #expect(found.count == wanted.count, "\(topic)-\(partition)")
                for (record, wanted) in zip(found, wanted) { try compare(record, wanted) }
            }
        }
    }

    @Test func `read_committed sees what Kafka's clients see, neither aborted nor open transactions`() throws {
        let directory = try Unpacked("kafka-3.9-clean.tar.gz")
        let manager = try open(directory)
        let topics = try #require(try expected("kafka-3.9-clean.expected.json.gz")["topics"] as? [String: Any])
        var heldBack = 0
        for (topic, levels) in topics {
            let partitions = try #require((levels as? [String: Any])?["read_committed"] as? [String: Any])
            for (partition, facts) in partitions {
                let facts = try #require(facts as? [String: Any])
                let number = try #require(Int32(partition))
                let log = try #require(manager.log(for: TopicPartition(topic: topic, partition: number)))
                let stable = log.lastStableOffset(highWatermark: log.logEndOffset)
                #expect(stable == facts["high"] as? Int64)
                if stable < log.logEndOffset { heldBack += 1 }
                let wanted = try #require(facts["records"] as? [[String: Any]]).map { $0["offset"] as? Int64 }
                for maxBytes in [1, 700, 1 << 20] {
                    #expect(try committed(log, upTo: stable, maxBytes: maxBytes) == wanted, "\(topic)-\(partition)")
                }
            }
        }
        #expect(heldBack == 2)
    }

    /// The offsets that our own consumer hands out of what fetches of this size are answered with.
    private func committed(_ log: Log, upTo end: Int64, maxBytes: Int) throws -> [Int64] {
        var next = log.logStartOffset
        var offsets: [Int64] = []
        while next < end {
            let read = try log.read(from: next, maxBytes: maxBytes, upTo: end)
            let aborted = try log.abortedTransactions(in: read, from: next, upTo: end).map { transaction in
                var entry = FetchResponse.AbortedTransaction()
                entry.producerId = transaction.producerId
                entry.firstOffset = transaction.firstOffset
                return entry
            }
            let batches = try read.batches()
            let last = try #require(batches.last)
            let fetched = FetchedRecords(
                topic: "t", partition: 0, startOffset: next, endOffset: end,
                bytes: Bytes(batches.flatMap(\.array)), isolation: .readCommitted, checksCRC: true, aborted: aborted)
            try fetched.forEachRecord {
                offsets.append($0.offset)
                return true
            }
            next = try RecordBatchReader(last).header.lastOffset + 1
        }
        return offsets
    }

    private func records(_ log: Log) throws -> [Record] {
        var next = log.logStartOffset
        var result: [Record] = []
        while true {
            let batches = try log.read(from: next, maxBytes: 3000).batches()
            if batches.isEmpty { return result }
            for batch in batches {
                let reader = try RecordBatchReader(batch)
                if !reader.header.isControl { result += try reader.allRecords().filter { $0.offset >= next } }
                next = reader.header.lastOffset + 1
            }
        }
    }

    private func compare(_ record: Record, _ wanted: [String: Any]) throws {
        func base64(_ bytes: Bytes?) -> String? { bytes.map { Data($0.array).base64EncodedString() } }
        #expect(record.offset == wanted["offset"] as? Int64)
        #expect(record.timestamp == wanted["timestamp"] as? Int64)
        #expect(base64(record.key) == wanted["key"] as? String)
        #expect(base64(record.value) == wanted["value"] as? String)
        let headers = try #require(wanted["headers"] as? [[Any]])
        #expect(record.headers.map(\.key) == headers.map { $0[0] as? String })
        #expect(record.headers.map { base64($0.value) } == headers.map { $0[1] as? String })
    }

    @Test func `Kafka's snapshots say of producers what the log does`() throws {
        let directory = try Unpacked("kafka-3.9-clean.tar.gz")
        let manager = try open(directory)
        for partition in [Int32(0), 1] {
            let log = try #require(manager.log(for: TopicPartition(topic: "transactions", partition: partition)))
            var fromSnapshot = log.writer.withLock { $0.producers }
            #expect(fromSnapshot.count > 0)
            var scanned = ProducerStates()
            let segments = log.published.withLock { $0.segments }
            try Log.replay(segments, from: 0, to: log.logEndOffset, into: &scanned)
            for (id, state) in fromSnapshot.states {
                let same = try #require(scanned.states[id])
                #expect(same.epoch == state.epoch)
                #expect(same.batches.last == state.batches.last)
                #expect(same.transactionFirstOffset == state.transactionFirstOffset)
                #expect(same.coordinatorEpoch == state.coordinatorEpoch)
            }
            fromSnapshot = log.writer.withLock { $0.producers }
            let index = log.directoryPath + "/" + SegmentFileKind.transactionIndex.fileName(baseOffset: 0)
            let byKafka = try SystemDisk().readFile(index)
            #expect(byKafka?.count == 68)
            var producers = ProducerStates()
            try Log.replay(segments, from: 0, to: log.logEndOffset, into: &producers, reindexFrom: 0)
            #expect(try SystemDisk().readFile(index) == byKafka)
            let path = log.directoryPath + "/" + SegmentFileKind.producerSnapshot.fileName(baseOffset: log.logEndOffset)
            #expect(try SystemDisk().readFile(path) == ProducerSnapshot.write(fromSnapshot))
        }
    }

    @Test func `a killed directory opens with all that was acknowledged but the batch that was cut`() throws {
        let directory = try Unpacked("kafka-3.9-killed.tar.gz")
        let manager = try open(directory)
        let acknowledged = try #require(
            try expected("kafka-3.9-killed.expected.json.gz")["acked"] as? [String: [[Any]]])
        for (partition, wanted) in acknowledged {
            let number = try #require(Int32(partition))
            let log = try #require(manager.log(for: TopicPartition(topic: "killed", partition: number)))
            let found = Dictionary(uniqueKeysWithValues: try records(log).map { ($0.offset, $0.value?.utf8String) })
            let missing = wanted.filter { pair in found[pair[0] as? Int64 ?? -1] != pair[1] as? String }
            // Of partition 0 the last batch was cut by hand; partition 1 only has garbage behind its end.
            let cut = missing.compactMap { $0[0] as? Int64 }.sorted()
            if partition == "0" {
                #expect(cut.first == nil || cut.first == log.logEndOffset)
            } else {
                #expect(cut.isEmpty)
            }
            #expect(try log.append(["goes on"]).baseOffset == log.logEndOffset - 1)
        }
        manager.shutdown()
    }

    @Test func `after a stop of ours the directory is clean and opens the same`() throws {
        let directory = try Unpacked("kafka-3.9-killed.tar.gz")
        var manager = try open(directory)
        let ends = Dictionary(uniqueKeysWithValues: manager.logs.map { ($0.topicPartition, $0.logEndOffset) })
        manager.shutdown()
        #expect(FileManager.default.fileExists(atPath: directory.path + "/.kafka_cleanshutdown"))
        manager = try open(directory)
        #expect(manager.directories[0].wasCleanStop)
        #expect(!FileManager.default.fileExists(atPath: directory.path + "/.kafka_cleanshutdown"))
        for log in manager.logs { #expect(log.logEndOffset == ends[log.topicPartition]) }
        let trimmed = try #require(manager.log(for: TopicPartition(topic: "trimmed", partition: 0)))
        #expect(trimmed.logStartOffset == 123)
    }
}
