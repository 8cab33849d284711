/// Produce: each partition's batches go to its log, and the answer says where they are.
///
/// With one replica a batch is replicated as soon as it is appended, so acks 1 and all are answered in the same turn,
/// unless `flush.messages` wants the batch on stable storage first: then the answer is parked.
enum ProduceHandler {
    /// Who calls itself so may write to internal topics, as in Kafka.
    private static let adminClientId = "__admin_client"

    static func handle(_ request: ProduceRequest, _ call: Call) {
        if ProduceVerification.lacksId(request) {
            return inTurn(request, call, refused: refusal(of: request, .transactionalIdAuthorizationFailed))
        }
        let adds = call.version >= ProduceRequest.addsPartitionsFrom
        guard adds || call.broker.settings.verifiesTransactions,
            let verification = ProduceVerification(request, adds: adds, call.partitions)
        else { return inTurn(request, call, refused: [:]) }
        if verification.isMixed {
            return inTurn(request, call, refused: refusal(of: request, .invalidProducerIdMapping))
        }
        guard verification.isNeeded, let producer = verification.producer else {
            return inTurn(request, call, refused: [:])
        }
        let place = call.client.produces.enter()
        call.broker.transactions.admit(
            verification.transactionalId, producer, verification.partitions, adds: adds, call.image
        ) { answers in
            call.loop.execute {
                proceed(request, call, place) { verification.settle(answers, version: call.version) }
            }
        }
    }

    /// Appends behind the requests that came before.
    private static func inTurn(_ request: ProduceRequest, _ call: Call, refused: [TopicPartition: ErrorCode]) {
        if !call.client.produces.isEmpty {
            return proceed(request, call, call.client.produces.enter()) { refused }
        }
        // As a rule there is nobody in front, and nothing to wait for.
        let produce = append(request, call, refused: refused)
        if produce.late.isEmpty { return produce.answer(call) }
        appendLate(produce, call, call.client.produces.enter(hasBegun: true))
    }

    private static func proceed(
        _ request: ProduceRequest, _ call: Call, _ place: Int, refused: @escaping () -> [TopicPartition: ErrorCode]
    ) {
        call.client.produces.ready(place) {
            let produce = append(request, call, refused: refused())
            if !produce.late.isEmpty { return appendLate(produce, call, place) }
            call.client.produces.finish(place)
            produce.answer(call)
        }
        callNext(call.client)
    }

    private static func callNext(_ client: ClientConnection) {
        while let next = client.produces.next() { next() }
    }

    /// Has threads of the partitions' log directories append what would have to wait for a disk.
    private static func appendLate(_ produce: ProduceProgress, _ call: Call, _ place: Int) {
        let acks = produce.acks
        DirectoryWork.answers(to: produce.late, log: { $0.partition.log }, by: { $0.appends }) { late in
            late.map { late in
                Result { () throws(LogError) in try late.partition.append(late.records, requiredAcks: acks) }
            }
        } completion: { results in
            call.loop.execute {
                var produce = produce
                for (late, result) in zip(produce.late, results) { produce.note(result, of: late, call) }
                call.client.produces.finish(place)
                produce.answer(call)
                callNext(call.client)
            }
        }
    }

    private static func refusal(of request: ProduceRequest, _ code: ErrorCode) -> [TopicPartition: ErrorCode] {
        var refused: [TopicPartition: ErrorCode] = [:]
        for topic in request.topicData {
            for data in topic.partitionData { refused[TopicPartition(topic: topic.name, partition: data.index)] = code }
        }
        return refused
    }

    /// - Parameter refused: partitions whose records are not to be appended, and why.
    private static func append(
        _ request: ProduceRequest, _ call: Call, refused: [TopicPartition: ErrorCode]
    ) -> ProduceProgress {
        var produce = ProduceProgress(acks: request.acks, topics: request.topicData.count)
        let table = call.partitions
        for topic in request.topicData {
            produce.begin(topic.name, partitions: topic.partitionData.count)
            let entry = table.find(topic.name)
            for data in topic.partitionData {
                let code = refused.isEmpty ? nil : refused[TopicPartition(topic: topic.name, partition: data.index)]
                if let code {
                    produce.add(data.index, code, code.meaning)
                } else {
                    append(data, to: entry, request, call, &produce)
                }
            }
        }
        return produce
    }

    private static func append(
        _ data: ProduceRequest.PartitionProduceData, to topic: PartitionTable.Topic?, _ request: ProduceRequest,
        _ call: Call, _ produce: inout ProduceProgress
    ) {
        guard (-1...1).contains(request.acks) else { return produce.add(data.index, .invalidRequiredAcks) }
        if let topic, TopicName.isInternal(topic.name), call.header.clientId != adminClientId {
            // What stands there is a coordinator's state.
            return produce.add(data.index, .invalidTopicException)
        }
        guard let partition = topic?.partition(data.index) else {
            return produce.add(data.index, topic?.error(data.index) ?? .unknownTopicOrPartition)
        }
        do throws(LogError) {
            let records = try checked(data.records, version: call.version)
            // Not in front of what came before it.
            if produce.late.contains(where: { $0.partition === partition }) {
                return produce.addLate(
                    data.index, partition, try partition.log.prepare(records, origin: .client))
            }
            switch try partition.appendAtOnce(records, requiredAcks: request.acks) {
            case .done(let result): produce.add(data.index, result, partition)
            case .wouldWait(let records): produce.addLate(data.index, partition, records)
            }
        } catch {
            produce.add(data.index, error, partition, call)
        }
    }

    /// The rules that depend on the request's version: what may be in it, which the log does not know.
    private static func checked(_ records: WireRecords?, version: Int16) throws(LogError) -> Bytes {
        guard case .bytes(let bytes) = records else {
            throw LogError(.invalidRecord, "a produce request holds no records for the partition")
        }
        guard version >= 3 else { return bytes }
        // From version 3 on: exactly one batch, of format 2 (KIP-98); zstd only from version 7 on (KIP-110).
        // INVALID_RECORD, since CORRUPT_MESSAGE would have clients send the same again.
        guard bytes.count > 0 else {
            throw LogError(.invalidRecord, "version \(version) of Produce takes one batch for each partition, not none")
        }
        if bytes.withUnsafeBytes({ LegacyRecords.isLegacy($0) }) {
            throw LogError(.invalidRecord, "version \(version) of Produce takes record format 2, no older one")
        }
        let first: RecordBatchHeader
        do throws(RecordsError) {
            first = try bytes.withUnsafeBytes { raw throws(RecordsError) in try RecordBatchHeader(reading: raw) }
        } catch {
            throw LogError(.corruptMessage, "the record batch cannot be read: \(error)")
        }
        guard first.magic == 2 else {
            throw LogError(.invalidRecord, "version \(version) of Produce takes record format 2, not \(first.magic)")
        }
        guard first.sizeInBytes == bytes.count else {
            throw LogError(.invalidRecord, "version \(version) of Produce takes one whole batch for each partition")
        }
        if version < 7 && first.attributes.compression == .zstd {
            throw LogError(.unsupportedCompressionType, "version \(version) of Produce does not allow zstd")
        }
        return bytes
    }
}
