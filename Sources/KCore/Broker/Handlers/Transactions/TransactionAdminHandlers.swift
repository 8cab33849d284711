/// ListTransactions, DescribeTransactions and DescribeProducers: transactions as an administrator sees them (KIP-664).
enum TransactionAdminHandlers {
    static func list(_ request: ListTransactionsRequest, _ call: Call) {
        var statuses: Set<TransactionStatus> = []
        var unknown: [String] = []
        for name in request.stateFilters {
            if let known = TransactionStatus.names.first(where: { $0.name == name }) {
                statuses.insert(known.status)
            } else {
                unknown.append(name)
            }
        }
        // Who asks for nothing but what there is not gets nothing, and not everything.
        let asksForNone = statuses.isEmpty && !unknown.isEmpty
        call.broker.transactions.gather(on: call.loop) { [statuses] machine, nowMs in
            asksForNone
                ? []
                : machine.list(
                    statuses: statuses, producerIds: Set(request.producerIdFilters),
                    minDurationMs: request.durationFilter, nowMs: nowMs)
        } _: { [unknown] answers, missing in
            var response = ListTransactionsResponse()
            response.unknownStateFilters = unknown
            // What cannot be loaded may stay so: the others are told beside the error.
            response.errorCode = missing
            if missing != .coordinatorLoadInProgress {
                response.transactionStates = answers.flatMap { $0 }.sorted {
                    ExactName($0.transactionalId) < ExactName($1.transactionalId)
                }
            }
            call.reply(response)
        }
    }

    static func describe(_ request: DescribeTransactionsRequest, _ call: Call) {
        typealias State = DescribeTransactionsResponse.TransactionState
        let ids = request.transactionalIds
        @Sendable func refused(_ id: String, _ code: ErrorCode) -> State {
            var state = State()
            state.transactionalId = id
            state.errorCode = code
            return state
        }
        let named = RepetitionAllowance.places(of: ids)
        let answers = OrderedAnswers<State>(count: named.count, on: call.loop) { told in
            let allowance = RepetitionAllowance()
            var response = DescribeTransactionsResponse()
            response.transactionStates = Array(repeating: State(), count: ids.count)
            for ((_, places), state) in zip(named, told) {
                let states = allowance.answer(
                    places, size: \.size, refusal: { refused(ids[$0], .invalidRequest) }, { _ in state })
                for (place, state) in zip(places, states) { response.transactionStates[place] = state }
            }
            call.reply(response)
        }
        for (number, (id, _)) in named.enumerated() {
            let reply = CoordinatorReply<State>({ answers.set(number, $0) }, refusal: { refused(id, $0) })
            call.broker.transactions.submit(id, call.image, reply) { machine, _ in machine.describe(id) }
        }
    }

    private struct Question: Sendable {
        var index: Int32
        var topic: PartitionTable.Topic?
        var partition: Partition?
        /// Whether the request has named it before.
        var isRepeated: Bool
    }

    static func producers(_ request: DescribeProducersRequest, _ call: Call) {
        let table = call.partitions
        let allowance = RepetitionAllowance()
        var seen: Set<TopicPartition> = []
        var questions: [Question] = []
        for topic in request.topics {
            let entry = table.find(topic.name)
            for index in topic.partitionIndexes {
                let isNew = seen.insert(TopicPartition(topic: topic.name, partition: index)).inserted
                questions.append(
                    Question(index: index, topic: entry, partition: entry?.partition(index), isRepeated: !isNew))
            }
        }
        // Who is appending may wait for the disk.
        DirectoryWork.answers(to: questions, log: { $0.partition?.log }) { questions in
            questions.map { answer($0, allowance) }
        } completion: { answers in
            var rest = answers[...]
            var response = DescribeProducersResponse()
            response.topics = request.topics.map { topic in
                var answer = DescribeProducersResponse.TopicResponse()
                answer.name = topic.name
                answer.partitions = rest.take(topic.partitionIndexes.count)
                return answer
            }
            call.reply(response)
        }
    }

    private static func answer(
        _ question: Question, _ allowance: RepetitionAllowance
    ) -> DescribeProducersResponse.PartitionResponse {
        var answer = DescribeProducersResponse.PartitionResponse()
        answer.partitionIndex = question.index
        if question.isRepeated && allowance.isSpent {
            answer.errorCode = .invalidRequest
            answer.errorMessage = "The partition is named too often."
        } else if let partition = question.partition {
            answer.activeProducers = producers(partition.log)
            if question.isRepeated { allowance.take(16 + 40 * answer.activeProducers.count) }
        } else {
            answer.errorCode = question.topic?.error(question.index) ?? .unknownTopicOrPartition
            answer.errorMessage = answer.errorCode.meaning
        }
        return answer
    }

    private static func producers(_ log: Log) -> [DescribeProducersResponse.ProducerState] {
        log.producerStates.sorted { $0.key < $1.key }.map { id, state in
            var entry = DescribeProducersResponse.ProducerState()
            entry.producerId = id
            entry.producerEpoch = Int32(state.epoch)
            entry.lastSequence = state.lastSequence
            entry.lastTimestamp = state.lastTimestamp
            entry.coordinatorEpoch = state.coordinatorEpoch
            entry.currentTxnStartOffset = state.transactionFirstOffset ?? -1
            return entry
        }
    }
}

extension DescribeTransactionsResponse.TransactionState {
    /// About how many bytes it takes.
    fileprivate var size: Int {
        topics.reduce(64 + transactionalId.utf8.count) { $0 + 8 + $1.topic.utf8.count + 4 * $1.partitions.count }
    }
}
