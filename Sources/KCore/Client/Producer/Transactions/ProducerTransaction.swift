/// The transaction that a producer is in, as its loop sees it: which partitions the coordinator knows of, and the batches
/// that wait until it knows of theirs. A value without I/O.
struct ProducerTransaction {
    private(set) var isOpen = false
    /// The brokers make partitions part of the transaction when they are written to: nothing has to wait (KIP-890).
    private(set) var addsByWriting = false
    /// Partitions that the coordinator has made part of the transaction.
    private(set) var partitions: Set<TopicPartition> = []
    /// Whether the coordinator has been told of anything, so that it must be told of the end.
    var isKnown = false
    /// Why the transaction can only be aborted.
    var failure: ClientError?
    var isAsking = false
    private(set) var attempts = 0
    private var held: [ProducerBatch] = []

    /// What the coordinator must be asked to add, in the order of its use.
    var wanted: [TopicPartition] {
        var seen: Set<TopicPartition> = []
        return held.map(\.topicPartition).filter { seen.insert($0).inserted }
    }

    mutating func begin(addsByWriting: Bool) {
        self = ProducerTransaction()
        self.addsByWriting = addsByWriting
        isOpen = true
    }

    /// - Returns: whether the batch may go; else it is held.
    mutating func admit(_ batch: ProducerBatch) -> Bool {
        if addsByWriting {
            // Whether it arrives or not, nobody else says to the coordinator that there is something to end.
            isKnown = true
            return true
        }
        if partitions.contains(batch.topicPartition) { return true }
        held.append(batch)
        return false
    }

    /// - Returns: the batches that have waited for these partitions.
    mutating func added(_ added: [TopicPartition]) -> [ProducerBatch] {
        attempts = 0
        partitions.formUnion(added)
        let free = held.filter { partitions.contains($0.topicPartition) }
        held.removeAll { partitions.contains($0.topicPartition) }
        return free
    }

    mutating func attemptFailed() { attempts += 1 }

    mutating func takeHeld() -> [ProducerBatch] {
        defer { held = [] }
        return held
    }
}
