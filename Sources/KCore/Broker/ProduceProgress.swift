/// A produce request of which some is appended: the answer as far as it is known, and what is still to be done for it.
struct ProduceProgress: Sendable {
    /// Records of one partition that another thread is to append.
    struct Late: Sendable {
        var topicIndex: Int
        var partitionIndex: Int
        var partition: Partition
        var records: PreparedAppend
    }

    let acks: Int16
    private var response = ProduceResponse()
    private(set) var late: [Late] = []
    private var waits: [ParkedProduce.Wait] = []
    private var firstError: (code: ErrorCode, partition: String)?

    init(acks: Int16, topics: Int) {
        self.acks = acks
        response.responses.reserveCapacity(topics)
    }

    // MARK: Partitions, in the order of the request

    /// What is added next is of this topic.
    mutating func begin(_ topic: String, partitions: Int) {
        var answer = ProduceResponse.TopicProduceResponse()
        answer.name = topic
        response.responses.append(answer)
        response.responses[response.responses.count - 1].partitionResponses.reserveCapacity(partitions)
    }

    /// - Parameter message: nil where the code says it all.
    mutating func add(_ index: Int32, _ code: ErrorCode, _ message: String? = nil) {
        add(index)
        change(place.topic, place.partition) { answer in
            answer.errorCode = code
            answer.errorMessage = message
        }
    }

    mutating func add(_ index: Int32, _ result: AppendResult, _ partition: Partition) {
        add(index)
        note(result, partition, place.topic, place.partition)
    }

    mutating func add(_ index: Int32, _ error: LogError, _ partition: Partition, _ call: Call) {
        add(index)
        note(error, partition, place.topic, place.partition, call)
    }

    mutating func addLate(_ index: Int32, _ partition: Partition, _ records: PreparedAppend) {
        add(index)
        late.append(
            Late(topicIndex: place.topic, partitionIndex: place.partition, partition: partition, records: records))
    }

    /// What became of late records.
    mutating func note(_ result: Result<AppendResult, LogError>, of late: Late, _ call: Call) {
        switch result {
        case .success(let result): note(result, late.partition, late.topicIndex, late.partitionIndex)
        case .failure(let error): note(error, late.partition, late.topicIndex, late.partitionIndex, call)
        }
    }

    private mutating func add(_ index: Int32) {
        var answer = ProduceResponse.PartitionProduceResponse()
        answer.index = index
        answer.baseOffset = -1
        response.responses[response.responses.count - 1].partitionResponses.append(answer)
    }

    // Of the partition that was added last.
    private var place: (topic: Int, partition: Int) {
        let topic = response.responses.count - 1
        return (topic, response.responses[topic].partitionResponses.count - 1)
    }

    private mutating func note(_ result: AppendResult, _ partition: Partition, _ topicIndex: Int, _ index: Int) {
        change(topicIndex, index) { answer in
            answer.baseOffset = result.baseOffset
            answer.logAppendTimeMs = result.logAppendTimeMs
            answer.logStartOffset = result.logStartOffset
        }
        guard result.awaitsFlush else { return }
        waits.append(
            ParkedProduce.Wait(
                topicIndex: topicIndex, partitionIndex: index, log: partition.log, offset: result.lastOffset + 1))
    }

    private mutating func note(
        _ error: LogError, _ partition: Partition, _ topicIndex: Int, _ index: Int, _ call: Call
    ) {
        change(topicIndex, index) { $0.fail(error) }
        if error.code == .notLeaderOrFollower || error.code == .unknownServerError {
            call.broker.logger.warning("a produce failed: \(error.message)", ["partition": partition.topicPartition])
        }
    }

    private mutating func change(
        _ topicIndex: Int, _ index: Int, _ body: (inout ProduceResponse.PartitionProduceResponse) -> Void
    ) {
        body(&response.responses[topicIndex].partitionResponses[index])
        let code = response.responses[topicIndex].partitionResponses[index].errorCode
        guard code != .none, firstError == nil else { return }
        let answer = response.responses[topicIndex]
        firstError = (code, "\(answer.name)-\(answer.partitionResponses[index].index)")
    }

    // MARK: The answer

    /// Answers, at once or when what was appended is on stable storage where that is asked for.
    func answer(_ call: Call) {
        guard acks == 0 else {
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
}
