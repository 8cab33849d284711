/// Where compaction may have taken records out of a log, so that offsets are missing without being lost.
///
/// Cleaning leaves gaps only below the offset that `cleaner-offset-checkpoint` then has. From there on a log has every
/// offset, unless it was copied from a replica whose log had been cleaned, or a crash came before the checkpoint.
struct CompactionTraces: Equatable {
    /// What is known of a topic's `cleanup.policy`. What `server.properties` says is not: it is not read.
    enum Policy {
        case delete
        case compact
        case unknown
    }

    var policy = Policy.unknown
    /// Below this offset compaction may have been.
    var cleanedOffset: Int64 = 0
    /// What would explain that offsets are missing from there on, too; nil when nothing would.
    var excuse: String? = "the topic is compacted"

    /// From where on the log must have what others say of it; nil when that cannot be said.
    var comparableFrom: Int64? { excuse != nil && policy == .compact ? nil : cleanedOffset }

    /// Nothing is known: a partition without its data directory.
    init() {}

    /// - Parameters:
    ///   - cleanedOffset: of the checkpoint; nil when it does not name the partition.
    ///   - hasCheckpoint: whether the checkpoint could be read.
    ///   - replicas: of the partition, as the metadata says; nil when it says nothing.
    ///   - wasCleanStop: nil when nothing says how the last stop was.
    init(policy: Policy, cleanedOffset: Int64?, hasCheckpoint: Bool, replicas: Int?, wasCleanStop: Bool?) {
        self.policy = policy
        self.cleanedOffset = cleanedOffset ?? 0
        let wasCompacted = policy == .compact || cleanedOffset != nil
        if policy == .delete && cleanedOffset == nil {
            excuse = nil
        } else if let replicas {
            if replicas > 1 {
                excuse = "the topic is compacted and this replica was copied from another"
            } else if !hasCheckpoint {
                excuse = "the topic is compacted, since \(OffsetCheckpoint.cleanedName) is missing"
            } else {
                excuse = wasCompacted && wasCleanStop != true ? "the broker was cleaning the log when it died" : nil
            }
        }
    }
}

extension CompactionTraces.Policy {
    /// - Parameters:
    ///   - own: what the topic sets itself.
    ///   - brokers: what was set for brokers while they ran, the strongest first.
    init(own: String?, brokers: [String?]) {
        guard let value = own ?? brokers.lazy.compactMap({ $0 }).first else {
            self = .unknown
            return
        }
        self = value.listElements.contains("compact") ? .compact : .delete
    }
}
