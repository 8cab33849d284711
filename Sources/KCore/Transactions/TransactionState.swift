/// A transactional id and its transaction, as the last record says.
struct TransactionState: Equatable, Sendable {
    var producerId: Int64
    var producerEpoch: Int16
    /// The producer id before this one, while a producer may still ask with it (KIP-360, KIP-890); -1 for none.
    var previousProducerId: Int64 = -1
    /// What the producer goes on with when the transaction has ended; -1 when it keeps its id (KIP-890).
    var nextProducerId: Int64 = -1
    /// The epoch before the last change, so that a request that is sent again is known. Not kept in records; -1 unknown.
    var lastProducerEpoch: Int16 = -1
    var timeoutMs: Int32
    var status = TransactionStatus.empty
    var partitions: Set<TopicPartition> = []
    /// Milliseconds since 1970; -1 when none has begun.
    var startMs: Int64 = -1
    /// Milliseconds since 1970.
    var updateMs: Int64
    /// 2 when every transaction has its own epoch.
    var clientVersion: Int16 = 0

    /// The largest epoch that a producer is given; the one above it is for fencing it.
    static let lastUsableEpoch = Int16.max - 1

    var isEpochExhausted: Bool { producerEpoch >= TransactionState.lastUsableEpoch }
    var isPrepared: Bool { status == .prepareCommit || status == .prepareAbort }
    var bumpsEpochs: Bool { clientVersion >= 2 }
    /// Whether this is what the producer goes on as, with another id, when the markers are written. It does not wait for them.
    func willBe(_ producer: TransactionMachine.Producer) -> Bool {
        isPrepared && nextProducerId >= 0 && producer.id == nextProducerId && producer.epoch == 0
    }
    /// Milliseconds since 1970 at which the coordinator aborts it; nil when none is open.
    var deadlineMs: Int64? { status == .ongoing ? startMs &+ Int64(timeoutMs) : nil }
}

extension TransactionState {
    init(_ value: TransactionLogValue) {
        producerId = value.producerId
        producerEpoch = value.producerEpoch
        previousProducerId = value.previousProducerId
        nextProducerId = value.nextProducerId
        timeoutMs = value.transactionTimeoutMs
        status = value.transactionStatus
        startMs = value.transactionStartTimestampMs
        updateMs = value.transactionLastUpdateTimestampMs
        clientVersion = value.clientTransactionVersion
        for topic in value.transactionPartitions ?? [] {
            for partition in topic.partitionIds {
                partitions.insert(TopicPartition(topic: topic.topic, partition: partition))
            }
        }
    }

    var value: TransactionLogValue {
        var value = TransactionLogValue()
        value.producerId = producerId
        value.producerEpoch = producerEpoch
        value.previousProducerId = previousProducerId
        value.nextProducerId = nextProducerId
        value.transactionTimeoutMs = timeoutMs
        value.transactionStatus = status
        value.transactionStartTimestampMs = startMs
        value.transactionLastUpdateTimestampMs = updateMs
        value.clientTransactionVersion = clientVersion
        // As Kafka has it: null where no transaction can have partitions, and sorted so that equal states are equal bytes.
        value.transactionPartitions = nil
        if status != .empty {
            value.transactionPartitions = topics.map { topic, partitions in
                var schema = TransactionLogValue.PartitionsSchema()
                schema.topic = topic
                schema.partitionIds = partitions
                return schema
            }
        }
        return value
    }

    /// The partitions by topic, both sorted.
    var topics: [(topic: String, partitions: [Int32])] {
        Dictionary(grouping: partitions, by: \.topic).sorted { $0.key < $1.key }.map {
            ($0.key, $0.value.map(\.partition).sorted())
        }
    }
}

/// The end of a transaction that its partitions must be told of.
struct TransactionEnd: Equatable, Sendable {
    var transactionalId: String
    var producerId: Int64
    var producerEpoch: Int16
    var isCommit: Bool
    var partitions: Set<TopicPartition>
    /// The partition of `__transaction_state` that decided it.
    var coordinatorPartition: Int32
}

extension TransactionStatus {
    static let names: [(status: TransactionStatus, name: String)] = [
        (.empty, "Empty"), (.ongoing, "Ongoing"), (.prepareCommit, "PrepareCommit"), (.prepareAbort, "PrepareAbort"),
        (.completeCommit, "CompleteCommit"), (.completeAbort, "CompleteAbort"), (.dead, "Dead"),
        (.prepareEpochFence, "PrepareEpochFence"),
    ]

    /// As Kafka's tools print it.
    var name: String { TransactionStatus.names.first { $0.status == self }?.name ?? "Unknown(\(rawValue))" }
}
