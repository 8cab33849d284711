/// The partitions that this broker serves, by topic: a value that is replaced as a whole when topics come and go.
/// Versions share what did not change.
struct PartitionTable: Sendable {
    final class Topic: Sendable {
        let name: String
        let id: Uuid
        /// By partition number; nil where another broker serves it.
        let partitions: [Partition?]
        /// Partitions that this broker should serve but whose logs could not be opened.
        let offline: Set<Int32>

        init(name: String, id: Uuid, partitions: [Partition?], offline: Set<Int32> = []) {
            self.name = name
            self.id = id
            self.partitions = partitions
            self.offline = offline
        }

        /// Whether this broker should serve partition `index`, but cannot use its log.
        func isOffline(_ index: Int32) -> Bool { offline.contains(index) || partition(index)?.log.isOffline == true }

        /// Why there is no partition `index` to use.
        func error(_ index: Int32) -> ErrorCode {
            if offline.contains(index) { return .kafkaStorageError }
            return partitions.indices.contains(Int(index)) ? .notLeaderOrFollower : .unknownTopicOrPartition
        }

        func partition(_ index: Int32) -> Partition? {
            partitions.indices.contains(Int(index)) ? partitions[Int(index)] : nil
        }
    }

    private var byName = PersistentMap<String, Topic>()
    private var byId = PersistentMap<Uuid, Topic>()

    var topics: [Topic] { byName.values }

    func find(_ name: String) -> Topic? { byName[name] }

    /// By id where the request has one, else by name.
    func find(topic name: String, id: Uuid) -> Topic? { id.isZero ? byName[name] : byId[id] }

    mutating func set(_ topic: Topic) {
        byName[topic.name] = topic
        byId[topic.id] = topic
    }

    mutating func remove(_ topic: Topic) {
        if byName[topic.name]?.id == topic.id { byName[topic.name] = nil }
        byId[topic.id] = nil
    }
}
