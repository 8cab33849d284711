/// Finds what somebody reads who is no member of a group: what is there at the start and, where nobody has chosen partitions
/// and there is no end to it, what is added later. Used by one thread.
final class PartitionFinder {
    private let settings: ConsumeSettings
    private let client: KafkaClient
    private let console: Console
    private var known: Set<TopicPartition> = []
    private var nextLookMs: Int64

    /// After which time it looks again where something could not be found out.
    private static let retryMs: Int64 = 1000

    init(_ settings: ConsumeSettings, _ client: KafkaClient, _ console: Console) {
        self.settings = settings
        self.client = client
        self.console = console
        nextLookMs = .max
    }

    /// Whether there may be more to read than was found.
    var mayFindMore: Bool {
        settings.partitions == nil && settings.place.stop == nil && !settings.exitsAtEnd
            && client.config.metadataMaxAgeMs > 0
    }

    /// What is there now.
    func first() throws(ToolError) -> [Consumer.Assignment] {
        let found = try ConsumeAssignment.find(settings, client, console, mayBeNone: mayFindMore)
        known = Set(found.map(\.topicPartition))
        if mayFindMore { nextLookMs = console.clock.monotonicMs + Int64(client.config.metadataMaxAgeMs) }
        return found
    }

    /// What was added since it looked last, once it is time to look: as often as metadata grows old. All of it came later
    /// than reading began, so it is read from its beginning.
    /// - Throws: ``ClientError`` when the client was interrupted; what else fails is tried again.
    func later() throws(ClientError) -> [Consumer.Assignment] {
        guard console.clock.monotonicMs >= nextLookMs else { return [] }
        let metadata: ClusterMetadata
        do throws(ClientError) {
            metadata = try look()
        } catch {
            lookAgainSoon()
            guard error.isRetriable else { throw error }
            return []
        }
        nextLookMs = console.clock.monotonicMs + Int64(client.config.metadataMaxAgeMs)
        let picked = settings.topics.names + settings.topics.matching(metadata.topics.map(\.name))
        var found: [Consumer.Assignment] = []
        for topic in metadata.topics where topic.error == .none && picked.contains(topic.name) {
            if topic.isInternal && !settings.topics.names.contains(topic.name) { continue }
            for partition in topic.partitions {
                let new = Consumer.Assignment(topic: topic.name, partition: partition.index, start: .beginning)
                if known.contains(new.topicPartition) { continue }
                // It is not quite there yet.
                guard partition.leader >= 0 else {
                    lookAgainSoon()
                    continue
                }
                known.insert(new.topicPartition)
                found.append(new)
            }
        }
        return found
    }

    /// These could not be read yet.
    func putBack(_ assignments: [Consumer.Assignment]) {
        known.subtract(assignments.map(\.topicPartition))
        lookAgainSoon()
    }

    private func lookAgainSoon() {
        nextLookMs = console.clock.monotonicMs + PartitionFinder.retryMs
    }

    // Once: whoever reads does not wait for a broker that does not answer.
    private func look() throws(ClientError) -> ClusterMetadata {
        let topics = settings.topics.patterns.isEmpty ? settings.topics.names : nil
        return try client.blocking("ask for metadata", timeoutMs: 6000) { runtime, complete in
            runtime.askMetadata(topics, allowAutoCreate: false, timeoutMs: 5000) { complete($0) }
        }
    }
}
