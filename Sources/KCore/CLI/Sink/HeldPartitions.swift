/// A member's partitions of which it is not known yet where they begin: somebody else holds on to them still, or no broker says
/// it. The others are read meanwhile.
struct HeldPartitions {
    enum Holder: Sendable {
        /// Another member writes their output: it was slow, and has not heard yet that they are not its own. One that died lets
        /// go at once.
        case process
        /// A transaction that has not ended will store, or not, how far the group has come.
        case transaction
        /// The broker that is to be asked is away.
        case broker
    }

    private struct Wait {
        var holder: Holder
        let sinceMs: Int64
        var isTold = false
    }

    private var waits: [TopicPartition: Wait] = [:]
    private var nextMs: Int64 = .min

    /// After this long a person is told.
    static let patienceMs: Int64 = 3000
    static let retryMs: Int64 = 100

    mutating func add(_ partitions: [TopicPartition: Holder], nowMs: Int64) {
        for (partition, holder) in partitions {
            let old = waits[partition]
            if old?.holder != holder { waits[partition] = Wait(holder: holder, sinceMs: old?.sinceMs ?? nowMs) }
        }
        nextMs = nowMs + HeldPartitions.retryMs
    }

    /// These are known, or not the member's any more.
    mutating func remove(_ partitions: [TopicPartition]) {
        for partition in partitions { waits[partition] = nil }
    }

    /// Those to be tried now.
    func due(nowMs: Int64) -> [TopicPartition] { nowMs >= nextMs ? waits.keys.sorted() : [] }

    /// Nobody could be asked about these. The reader has as much time for the others as that took.
    mutating func failed(_ partitions: [TopicPartition], sinceMs: Int64, nowMs: Int64) {
        for partition in partitions where waits[partition] == nil {
            waits[partition] = Wait(holder: .broker, sinceMs: sinceMs)
        }
        nextMs = nowMs + max(HeldPartitions.retryMs, nowMs - sinceMs)
    }

    /// Those of which a person is to be told now, once.
    mutating func toTell(nowMs: Int64) -> [(partition: TopicPartition, holder: Holder)] {
        var late: [(partition: TopicPartition, holder: Holder)] = []
        for (partition, wait) in waits.sorted(by: { $0.key < $1.key }) {
            guard !wait.isTold, nowMs - wait.sinceMs >= HeldPartitions.patienceMs else { continue }
            waits[partition]?.isTold = true
            late.append((partition, wait.holder))
        }
        return late
    }

    /// One that has been held for so long.
    func held(by holder: Holder, forMs patienceMs: Int64, nowMs: Int64) -> TopicPartition? {
        waits.filter { $0.value.holder == holder && nowMs - $0.value.sinceMs >= patienceMs }.keys.min()
    }
}
