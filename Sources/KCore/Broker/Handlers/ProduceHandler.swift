/// Produce: each partition's batches go to its log, and the answer says where they are.
///
/// With one replica a batch is replicated as soon as it is appended, so acks 1 and all are answered in the same turn,
/// unless `flush.messages` wants the batch on stable storage first: then the answer is parked.
enum ProduceHandler {
    /// Who calls itself so may write to internal topics, as in Kafka.
    private static let adminClientId = "__admin_client"

    static func handle(_ request: ProduceRequest, _ call: Call) {
        if ProduceVerification.lacksId(request) {
            return append(request, call, refused: refusal(of: request, .transactionalIdAuthorizationFailed))
        }
        let adds = call.version >= ProduceRequest.addsPartitionsFrom
        guard adds || call.broker.settings.verifiesTransactions,
            let verification = ProduceVerification(request, adds: adds, call.partitions)
        else { return append(request, call, refused: [:]) }
        if verification.isMixed {
            return append(request, call, refused: refusal(of: request, .invalidProducerIdMapping))
        }
        guard verification.isNeeded || !call.client.produces.isEmpty else {
            return append(request, call, refused: [:])
        }
        let place = call.client.produces.enter()
        guard verification.isNeeded, let producer = verification.producer else {
            return proceed(call, place) { append(request, call, refused: [:]) }
        }
        call.broker.transactions.admit(
            verification.transactionalId, producer, verification.partitions, adds: adds, call.image
        ) { answers in
            call.loop.execute {
                proceed(call, place) {
                    append(request, call, refused: verification.settle(answers, version: call.version))
                }
            }
        }
    }

    private static func proceed(_ call: Call, _ place: Int, _ append: @escaping () -> Void) {
        for body in call.client.produces.ready(place, append) { body() }
    }

    private static func refusal(of request: ProduceRequest, _ code: ErrorCode) -> [TopicPartition: ErrorCode] {
        var refused: [TopicPartition: ErrorCode] = [:]
        for topic in request.topicData {
            for data in topic.partitionData { refused[TopicPartition(topic: topic.name, partition: data.index)] = code }
        }
        return refused
    }

    /// - Parameter refused: partitions whose records are not to be appended, and why.
    private static func append(_ request: ProduceRequest, _ call: Call, refused: [TopicPartition: ErrorCode]) {
        var response = ProduceResponse()
        var firstError: (code: ErrorCode, partition: String)?
        var waits: [ParkedProduce.Wait] = []
        let table = call.partitions
        response.responses.reserveCapacity(request.topicData.count)
        for topic in request.topicData {
            var topicResponse = ProduceResponse.TopicProduceResponse()
            topicResponse.name = topic.name
            topicResponse.partitionResponses.reserveCapacity(topic.partitionData.count)
            let entry = table.find(topic.name)
            for data in topic.partitionData {
                var answer = ProduceResponse.PartitionProduceResponse()
                answer.index = data.index
                answer.baseOffset = -1
                if let code = refused[TopicPartition(topic: topic.name, partition: data.index)] {
                    answer.errorCode = code
                    answer.errorMessage = code.meaning
                } else if let (log, offset) = append(data, to: entry, request, call, &answer) {
                    waits.append(
                        ParkedProduce.Wait(
                            topicIndex: response.responses.count,
                            partitionIndex: topicResponse.partitionResponses.count, log: log, offset: offset))
                }
                if answer.errorCode != .none && firstError == nil {
                    firstError = (answer.errorCode, "\(topic.name)-\(data.index)")
                }
                topicResponse.partitionResponses.append(answer)
            }
            response.responses.append(topicResponse)
        }
        guard request.acks == 0 else {
            return waits.isEmpty ? call.reply(response) : ParkedProduce.answer(response, after: waits, call)
        }
        // Without an answer, closing the connection is the only way to tell the client that something is wrong.
        if let firstError {
            call.closeAfterEarlierAnswers(
                "a produce request without acknowledgement failed for \(firstError.partition): \(firstError.code)")
        } else {
            call.replyNothing()
        }
    }

    /// - Returns: the log that has to be flushed before this is acknowledged, and behind which offset.
    private static func append(
        _ data: ProduceRequest.PartitionProduceData, to topic: PartitionTable.Topic?, _ request: ProduceRequest,
        _ call: Call,
        _ answer: inout ProduceResponse.PartitionProduceResponse
    ) -> (Log, Int64)? {
        guard (-1...1).contains(request.acks) else {
            answer.errorCode = .invalidRequiredAcks
            return nil
        }
        if let topic, TopicName.isInternal(topic.name), call.header.clientId != adminClientId {
            // What stands there is a coordinator's state.
            answer.errorCode = .invalidTopicException
            return nil
        }
        guard let partition = topic?.partition(data.index) else {
            answer.errorCode = topic?.error(data.index) ?? .unknownTopicOrPartition
            return nil
        }
        do throws(LogError) {
            let records = try checked(data.records, version: call.version)
            let result = try partition.append(records, requiredAcks: request.acks, origin: .client)
            answer.baseOffset = result.baseOffset
            answer.logAppendTimeMs = result.logAppendTimeMs
            answer.logStartOffset = result.logStartOffset
            return result.awaitsFlush ? (partition.log, result.lastOffset + 1) : nil
        } catch {
            answer.fail(error)
            if error.code == .notLeaderOrFollower || error.code == .unknownServerError {
                call.broker.logger.warning(
                    "a produce failed: \(error.message)", ["partition": partition.topicPartition])
            }
            return nil
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
