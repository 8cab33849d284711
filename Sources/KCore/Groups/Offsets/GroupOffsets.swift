/// How far a group has come in a partition.
struct CommittedOffset: Equatable, Sendable {
    var offset: Int64
    var leaderEpoch: Int32
    var metadata: String
    /// Milliseconds since 1970.
    var commitTimestampMs: Int64
    /// Milliseconds since 1970; -1 when the broker's retention decides.
    var expireTimestampMs: Int64 = -1
    /// Of the record that says so.
    var recordOffset: Int64 = -1

    init(_ value: OffsetCommitValue, recordOffset: Int64) {
        offset = value.offset
        leaderEpoch = value.leaderEpoch
        metadata = value.metadata
        commitTimestampMs = value.commitTimestamp
        expireTimestampMs = value.expireTimestamp
        self.recordOffset = recordOffset
    }

    /// - Parameter base: from a record, so that it may be anything: since when the offset has not been needed, in milliseconds since 1970.
    func isExpired(nowMs: Int64, retentionMs: Int64, since base: Int64) -> Bool {
        expireTimestampMs >= 0 ? nowMs >= expireTimestampMs : nowMs &- base >= retentionMs
    }
}

/// The committed offsets of a group, and those that wait for the end of their transactions.
struct GroupOffsets: Equatable, Sendable {
    private(set) var committed: [String: [Int32: CommittedOffset]] = [:]
    /// By producer id.
    private(set) var pending: [Int64: [String: [Int32: CommittedOffset]]] = [:]
    /// Which producers have something pending of a partition. None of these sets is empty.
    private var waiting: [String: [Int32: Set<Int64>]] = [:]

    var isEmpty: Bool { committed.isEmpty && pending.isEmpty }

    func find(_ topic: String, _ partition: Int32) -> CommittedOffset? { committed[topic]?[partition] }

    /// Whether an open transaction may change the offset.
    func isPending(_ topic: String, _ partition: Int32) -> Bool {
        waiting[topic]?[partition] != nil
    }

    /// Whether there is anything, committed or pending, of such a topic.
    func hasTopic(where isMeant: (String) -> Bool) -> Bool {
        committed.keys.contains(where: isMeant) || waiting.keys.contains(where: isMeant)
    }

    /// Bytes of all notes that were committed.
    var noteBytes: Int {
        committed.values.reduce(0) { bytes, partitions in
            partitions.values.reduce(bytes) { $0 + $1.metadata.utf8.count }
        }
    }

    /// Everything that is committed, in order.
    var sorted: [(topic: String, partitions: [(partition: Int32, offset: CommittedOffset)])] {
        committed.sorted { $0.key < $1.key }.map { topic, partitions in
            (topic, partitions.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        }
    }

    mutating func set(_ offset: CommittedOffset, _ topic: String, _ partition: Int32) {
        committed[topic, default: [:]][partition] = offset
    }

    mutating func addPending(_ offset: CommittedOffset, _ topic: String, _ partition: Int32, of producerId: Int64) {
        pending[producerId, default: [:]][topic, default: [:]][partition] = offset
        waiting[topic, default: [:]][partition, default: []].insert(producerId)
    }

    /// Forgets the offset, also where a transaction has yet to commit it.
    mutating func remove(_ topic: String, _ partition: Int32) {
        GroupOffsets.remove(topic, partition, from: &committed)
        for producerId in GroupOffsets.remove(topic, partition, from: &waiting) ?? [] {
            GroupOffsets.remove(topic, partition, from: &pending[producerId, default: [:]])
            if pending[producerId]?.isEmpty == true { pending[producerId] = nil }
        }
    }

    @discardableResult
    private static func remove<Value>(
        _ topic: String, _ partition: Int32, from values: inout [String: [Int32: Value]]
    ) -> Value? {
        guard let value = values[topic]?.removeValue(forKey: partition) else { return nil }
        if values[topic]?.isEmpty == true { values[topic] = nil }
        return value
    }

    /// What a later record says is newer than what the transaction said.
    mutating func endTransaction(of producerId: Int64, isCommit: Bool) {
        for (topic, partitions) in pending.removeValue(forKey: producerId) ?? [:] {
            for (partition, offset) in partitions {
                waiting[topic]?[partition]?.remove(producerId)
                if waiting[topic]?[partition]?.isEmpty == true {
                    GroupOffsets.remove(topic, partition, from: &waiting)
                }
                if isCommit, (find(topic, partition)?.recordOffset ?? -1) < offset.recordOffset {
                    set(offset, topic, partition)
                }
            }
        }
    }
}
