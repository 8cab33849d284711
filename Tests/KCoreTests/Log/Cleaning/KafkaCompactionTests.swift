import Foundation
import Synchronization
import Testing

@testable import KCore

/// Compacted topics that Apache Kafka 3.9 wrote, put through our cleaner.
@Suite struct KafkaCompactionTests {
    private struct Wanted {
        var offset: Int64
        var value: String?
    }

    private let clock = ManualClock(ms: SystemClock().wallMs)

    private func open(_ directory: KafkaDirectory, _ change: @escaping @Sendable (inout LogConfig) -> Void = { _ in })
        throws -> LogManager
    {
        let manager = try LogManager(
            LogManagerOptions(directories: [directory.path]), clock: clock, background: { $0() })
        manager.load { topic in
            var config = LogConfig()
            if topic == "compacted" || topic.hasPrefix("__consumer") || topic.hasPrefix("__transaction") {
                config.cleanupPolicy = .compact
            }
            config.minCleanableDirtyRatio = 0
            config.segmentBytes = 4096
            change(&config)
            return config
        }
        return manager
    }

    private func base64(_ bytes: Bytes?) -> String? { bytes.map { Data($0.array).base64EncodedString() } }

    /// The last value of every key, by what Kafka's own clients have read.
    private func expected(_ topic: String) throws -> [Int32: [String: Wanted]] {
        let json = try KafkaDirectory.unzipped("kafka-3.9-clean.expected.json.gz")
        let all = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
        let topics = try #require(all["topics"] as? [String: Any])
        let partitions = try #require((topics[topic] as? [String: Any])?["read_uncommitted"] as? [String: Any])
        var wanted: [Int32: [String: Wanted]] = [:]
        for (partition, facts) in partitions {
            let number = try #require(Int32(partition))
            wanted[number] = [:]
            for record in try #require((facts as? [String: Any])?["records"] as? [[String: Any]]) {
                let key = try #require(record["key"] as? String)
                let offset = try #require(record["offset"] as? Int64)
                wanted[number]?[key] = Wanted(offset: offset, value: record["value"] as? String)
            }
        }
        return wanted
    }

    /// Everything but the active segment, which is an empty one after this.
    private func clean(_ log: Log, _ manager: LogManager) throws -> CleaningResult? {
        try log.writer.withLock { writer in _ = try log.roll(at: writer.endOffset, log.config, &writer) }
        log.highWatermark = log.logEndOffset
        return manager.cleaner.cleanNext(among: [log], map: OffsetMap(maxBytes: 1 << 20, loadFactor: 0.9))
    }

    private func keyed(_ log: Log) throws -> [Record] { try log.records(from: log.logStartOffset) }

    @Test func `every key of Kafka's compacted topic keeps its last value, at its offset`() throws {
        let directory = try KafkaDirectory(.clean)
        let manager = try open(directory)
        for (partition, wanted) in try expected("compacted") {
            let log = try #require(manager.log(for: TopicPartition(topic: "compacted", partition: partition)))
            let end = log.logEndOffset
            let before = try keyed(log).count
            let result = try #require(try clean(log, manager))
            #expect(result.endOffset == end)
            let records = try keyed(log)
            #expect(records.count == wanted.count && before > records.count)
            for record in records {
                let key = try #require(base64(record.key))
                #expect(record.offset == wanted[key]?.offset, "\(key)")
                #expect(base64(record.value) == wanted[key]?.value, "\(key)")
            }
            // Tombstones stay for a day from now on, and go with the first cleaning after that.
            let tombstones = records.filter { $0.value == nil }.count
            clock.advance(ms: log.config.deleteRetentionMs + 1)
            let batch = try RecordBatchBuilder.batch(
                [Record(offset: 0, timestamp: clock.wallMs, key: Bytes("new"), value: Bytes("1"))], BatchOptions())
            _ = try log.append(batch, leaderEpoch: 0)
            _ = try clean(log, manager)
            let left = try keyed(log)
            #expect(left.count == wanted.count - tombstones + 1)
            #expect(!left.contains { $0.value == nil })
        }
        manager.shutdown()
        // What is there after a restart is the same.
        let again = try open(directory)
        for (partition, wanted) in try expected("compacted") {
            let log = try #require(again.log(for: TopicPartition(topic: "compacted", partition: partition)))
            let values = Dictionary(
                uniqueKeysWithValues: try keyed(log).map { (base64($0.key) ?? "", base64($0.value)) })
            for (key, wanted) in wanted where wanted.value != nil { #expect(values[key] == wanted.value) }
        }
    }

    @Test func `Kafka's logs of groups and transactions say the same when they are cleaned`() throws {
        let directory = try KafkaDirectory(.clean)
        let manager = try open(directory)
        var cleaned = 0
        for log in manager.logs where log.config.cleanupPolicy == .compact && log.logEndOffset > 0 {
            guard log.topicPartition.topic.hasPrefix("__") else { continue }
            let before = try values(log)
            guard try clean(log, manager) != nil else { continue }
            cleaned += 1
            let after = try values(log)
            #expect(after == before, "\(log.topicPartition)")
            var keys: Set<String> = []
            for record in try keyed(log) where record.key != nil {
                let isFirst = keys.insert(base64(record.key) ?? "").inserted
                #expect(isFirst, "\(log.topicPartition): \(record.offset)")
            }
        }
        #expect(cleaned > 2)
    }

    private func values(_ log: Log) throws -> [String: String?] {
        var values: [String: String?] = [:]
        for record in try keyed(log) where record.key != nil {
            base64(record.key).map { values[$0] = .some(base64(record.value)) }
        }
        return values
    }
}
