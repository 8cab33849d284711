/// Finds what somebody reads who is no member of a group: what is there at the start and, where nobody has chosen partitions
/// and there is no end to it, what is added later. What has no leader is waited for, and holds up nothing else. Used by one
/// thread.
final class PartitionFinder {
    private let settings: ConsumeSettings
    private let client: KafkaClient
    private let console: Console
    private var known: Set<TopicPartition> = []
    /// What has no leader yet.
    private(set) var waiting: [Consumer.Assignment] = []
    private let startMs: Int64
    private var nextLookMs: Int64

    /// After which time it looks again where something could not be found out.
    private static let retryMs: Int64 = 250

    init(_ settings: ConsumeSettings, _ client: KafkaClient, _ console: Console) {
        self.settings = settings
        self.client = client
        self.console = console
        startMs = console.clock.monotonicMs
        nextLookMs = .max
    }

    private var isBounded: Bool { settings.exitsAtEnd || settings.place.stop != nil }

    /// Whether there may be more to read than was found.
    private var mayFindMore: Bool {
        settings.partitions == nil && !isBounded && client.config.metadataMaxAgeMs > 0
    }

    /// What is there now and can be read.
    func first() throws(ToolError) -> [Consumer.Assignment] {
        let found = try ConsumeAssignment.find(settings, client, console, mayBeNone: mayFindMore)
        known = Set((found.readable + found.leaderless).map(\.topicPartition))
        scheduleLook()
        // With nothing else to read there is nothing to wait for long.
        if found.leaderless.isEmpty || isBounded && found.readable.isEmpty { return found.readable + found.leaderless }
        waiting = found.leaderless
        lookAgainSoon()
        if !settings.isQuiet {
            let names = waiting.map(\.topicPartition.description).joined(separator: ", ")
            console.warning("\(names) cannot be read now, for want of a leader; the others are read")
        }
        return found.readable
    }

    /// Whether everything was read, once what was found so far was. Waits a moment where more may come.
    /// - Throws: ``ClientError`` for what has had no leader for long.
    func isFinished() throws(ClientError) -> Bool {
        if waiting.isEmpty && !mayFindMore { return true }
        let patience = min(FetchRefusal.boundedPatienceMs, Int64(client.config.defaultApiTimeoutMs))
        if isBounded, let first = waiting.first, console.clock.monotonicMs - startMs >= patience {
            throw .refused("find the leader of \(first.topicPartition)", .leaderNotAvailable)
        }
        try client.pause(ms: 250)
        return false
    }

    /// What has got its leader or was added since it looked last, once it is time to look: as often as metadata grows old,
    /// or more often while something waits. What was added came later than reading began, so it is read from its beginning.
    /// - Throws: ``ClientError`` when the client was interrupted; what else fails is tried again.
    func later() throws(ClientError) -> [Consumer.Assignment] {
        guard console.clock.monotonicMs >= nextLookMs else { return [] }
        let metadata: ClusterMetadata
        do throws(ClientError) {
            metadata = try look()
        } catch {
            nextLookMs = console.clock.monotonicMs + PartitionFinder.retryMs
            guard error.isRetriable else { throw error }
            return []
        }
        scheduleLook()
        return ready(metadata) + (mayFindMore ? added(metadata) : [])
    }

    private func ready(_ metadata: ClusterMetadata) -> [Consumer.Assignment] {
        if waiting.isEmpty { return [] }
        var led: Set<TopicPartition> = []
        for topic in metadata.topics {
            for partition in topic.partitions where partition.leader >= 0 {
                led.insert(TopicPartition(topic: topic.name, partition: partition.index))
            }
        }
        let ready = waiting.filter { led.contains($0.topicPartition) }
        waiting.removeAll { led.contains($0.topicPartition) }
        if !waiting.isEmpty { lookAgainSoon() }
        return ready
    }

    private func added(_ metadata: ClusterMetadata) -> [Consumer.Assignment] {
        let picked = Set(settings.topics.names + settings.topics.matching(metadata.topics.map(\.name)))
        var added: [Consumer.Assignment] = []
        for topic in metadata.topics where topic.error == .none && picked.contains(topic.name) {
            if topic.isInternal && !settings.topics.names.contains(topic.name) { continue }
            for partition in topic.partitions {
                let new = Consumer.Assignment(topic: topic.name, partition: partition.index, start: .beginning)
                guard known.insert(new.topicPartition).inserted else { continue }
                if partition.leader >= 0 { added.append(new) } else { putBack([new]) }
            }
        }
        return added
    }

    /// These could not be read yet.
    func putBack(_ assignments: [Consumer.Assignment]) {
        waiting += assignments
        lookAgainSoon()
    }

    private func scheduleLook() {
        nextLookMs = mayFindMore ? console.clock.monotonicMs + Int64(client.config.metadataMaxAgeMs) : .max
    }

    private func lookAgainSoon() {
        nextLookMs = min(nextLookMs, console.clock.monotonicMs + PartitionFinder.retryMs)
    }

    // Once: whoever reads does not wait for a broker that does not answer.
    private func look() throws(ClientError) -> ClusterMetadata {
        let topics = settings.topics.patterns.isEmpty ? settings.topics.names : nil
        return try client.blocking("ask for metadata", timeoutMs: 6000) { runtime, complete in
            runtime.askMetadata(topics, allowAutoCreate: false, timeoutMs: 5000) { complete($0) }
        }
    }
}
