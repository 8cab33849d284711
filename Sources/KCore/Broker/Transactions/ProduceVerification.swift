internal import Synchronization

/// What the coordinator has to confirm, or to add to the transaction, before a produce request may begin it in its partitions
/// (KIP-890).
struct ProduceVerification: Sendable {
    private struct Place: Sendable {
        var name: TopicPartition
        var log: Log
        var number: Int
    }

    let transactionalId: String
    private(set) var producer: TransactionMachine.Producer?
    /// Whether its records are of several producers, which no transaction has.
    private(set) var isMixed = false
    private var places: [Place] = []

    /// - Parameter adds: whether the request makes its partitions part of the transaction.
    /// - Returns: nil for a request without transactions.
    init?(_ request: ProduceRequest, adds: Bool, _ table: PartitionTable) {
        guard let id = request.transactionalId else { return nil }
        transactionalId = id
        // No client's transaction has partitions of coordinators by producing to them.
        for topic in request.topicData where !(adds && TopicName.isInternal(topic.name)) {
            let entry = table.find(topic.name)
            for data in topic.partitionData {
                guard let log = entry?.partition(data.index)?.log,
                    let header = ProduceVerification.header(data.records),
                    header.isTransactional, header.hasProducerId
                else { continue }
                let producer = TransactionMachine.Producer(id: header.producerId, epoch: header.producerEpoch)
                if let known = self.producer, known != producer {
                    isMixed = true
                    return
                }
                self.producer = producer
                // Where each transaction has its own epoch, each begins with the number 0.
                let number = log.beginVerification(
                    of: producer.id, epoch: producer.epoch, sequence: adds ? 0 : header.baseSequence, hasOwnEpoch: adds)
                guard let number else { continue }
                places.append(
                    Place(name: TopicPartition(topic: topic.name, partition: data.index), log: log, number: number))
            }
        }
    }

    /// Whether the coordinator has to be asked.
    var isNeeded: Bool { !places.isEmpty }
    var partitions: Set<TopicPartition> { Set(places.map(\.name)) }

    /// Tells the logs what the coordinator has said.
    /// - Returns: what the partitions that it did not confirm are to be answered.
    func settle(_ answers: [TopicPartition: ErrorCode], version: Int16) -> [TopicPartition: ErrorCode] {
        var errors: [TopicPartition: ErrorCode] = [:]
        for place in places {
            let code = answers[place.name] ?? .unknownServerError
            if code == .none, let producer {
                place.log.confirmTransaction(of: producer.id, place.number)
            } else {
                if let producer, code.isAboutProducers {
                    place.log.refuseTransaction(of: producer.id, place.number)
                }
                errors[place.name] = ProduceVerification.answer(to: code, version: version)
            }
        }
        return errors
    }

    // As Kafka's leaders answer: again later where the coordinator could not say, and in the words that a version knows.
    private static func answer(to code: ErrorCode, version: Int16) -> ErrorCode {
        switch code {
        case .concurrentTransactions where version >= ProduceRequest.addsPartitionsFrom: code
        case .concurrentTransactions, .coordinatorLoadInProgress, .coordinatorNotAvailable, .notCoordinator:
            .notEnoughReplicas
        case .producerFenced: .invalidProducerEpoch
        case .transactionAbortable where version < 11: .invalidTxnState
        default: code
        }
    }

    /// Whether a request without a transactional id has records of a transaction.
    static func lacksId(_ request: ProduceRequest) -> Bool {
        request.transactionalId == nil
            && request.topicData.contains { $0.partitionData.contains { isTransactional($0.records) } }
    }

    // Asked of every batch of producers without transactions, which no more than a look at a few bytes should cost.
    private static func isTransactional(_ records: WireRecords?) -> Bool {
        guard case .bytes(let bytes) = records, bytes.count > RecordBatchHeader.size else { return false }
        return bytes.withUnsafeBytes { raw in
            let attributes = raw.loadUnaligned(fromByteOffset: RecordBatchHeader.attributesPosition, as: Int16.self)
            return raw[RecordBatchHeader.magicPosition] == UInt8(RecordBatchHeader.magic)
                && BatchAttributes(rawValue: Int16(bigEndian: attributes)).isTransactional
        }
    }

    private static func header(_ records: WireRecords?) -> RecordBatchHeader? {
        guard case .bytes(let bytes) = records else { return nil }
        return try? bytes.withUnsafeBytes { raw throws(RecordsError) in try RecordBatchHeader(reading: raw) }
    }
}

extension ErrorCode {
    /// The coordinator knows another producer or epoch.
    var isAboutProducers: Bool { self == .producerFenced || self == .invalidProducerIdMapping }
}
