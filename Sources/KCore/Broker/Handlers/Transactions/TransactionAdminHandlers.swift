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
        } _: { [unknown] answers, isLoading in
            var response = ListTransactionsResponse()
            response.unknownStateFilters = unknown
            if isLoading {
                response.errorCode = .coordinatorLoadInProgress
            } else {
                response.transactionStates = answers.flatMap { $0 }.sorted {
                    ExactName($0.transactionalId) < ExactName($1.transactionalId)
                }
            }
            call.reply(response)
        }
    }

    static func describe(_ request: DescribeTransactionsRequest, _ call: Call) {
        typealias Indexed = (index: Int, state: DescribeTransactionsResponse.TransactionState)
        if request.transactionalIds.isEmpty { return call.reply(DescribeTransactionsResponse()) }
        let gathering = CoordinatorGathering<Indexed>(shards: request.transactionalIds.count, on: call.loop) {
            states, _ in
            var response = DescribeTransactionsResponse()
            response.transactionStates = states.sorted { $0.index < $1.index }.map(\.state)
            call.reply(response)
        }
        for (index, id) in request.transactionalIds.enumerated() {
            let reply = CoordinatorReply<DescribeTransactionsResponse.TransactionState> {
                gathering.add([(index, $0)], isLoading: false)
            } refusal: { code in
                var state = DescribeTransactionsResponse.TransactionState()
                state.transactionalId = id
                state.errorCode = code
                return state
            }
            call.broker.transactions.submit(id, call.image, reply) { machine, _ in machine.describe(id) }
        }
    }

    private struct Question: Sendable {
        var index: Int32
        var topic: PartitionTable.Topic?
        var partition: Partition?
    }

    static func producers(_ request: DescribeProducersRequest, _ call: Call) {
        let table = call.partitions
        var questions: [Question] = []
        for topic in request.topics {
            let entry = table.find(topic.name)
            for index in topic.partitionIndexes {
                questions.append(Question(index: index, topic: entry, partition: entry?.partition(index)))
            }
        }
        // Who is appending may wait for the disk.
        DirectoryWork.answers(to: questions, log: { $0.partition?.log }) { questions in
            questions.map(answer)
        } completion: { answers in
            var rest = answers[...]
            var response = DescribeProducersResponse()
            response.topics = request.topics.map { topic in
                var answer = DescribeProducersResponse.TopicResponse()
                answer.name = topic.name
                answer.partitions = Array(rest.prefix(topic.partitionIndexes.count))
                rest = rest.dropFirst(topic.partitionIndexes.count)
                return answer
            }
            call.reply(response)
        }
    }

    private static func answer(_ question: Question) -> DescribeProducersResponse.PartitionResponse {
        var answer = DescribeProducersResponse.PartitionResponse()
        answer.partitionIndex = question.index
        if let partition = question.partition {
            answer.activeProducers = producers(partition.log)
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
