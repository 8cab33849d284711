extension TransactionMachine {
    /// What DescribeTransactions tells of an id: TRANSACTIONAL_ID_NOT_FOUND when there is none.
    func describe(_ id: String) -> DescribeTransactionsResponse.TransactionState {
        var answer = DescribeTransactionsResponse.TransactionState()
        answer.transactionalId = id
        guard !id.isEmpty else {
            answer.errorCode = .invalidRequest
            return answer
        }
        guard let state = states[id] else {
            answer.errorCode = .transactionalIdNotFound
            return answer
        }
        answer.transactionState = state.status.name
        answer.transactionTimeoutMs = state.timeoutMs
        answer.transactionStartTimeMs = state.startMs
        answer.producerId = state.producerId
        answer.producerEpoch = state.producerEpoch
        answer.topics = state.topics.map { topic, partitions in
            var entry = DescribeTransactionsResponse.TopicData()
            entry.topic = topic
            entry.partitions = partitions
            return entry
        }
        return answer
    }

    /// What ListTransactions tells of this partition's ids, in no order.
    func list(
        statuses: Set<TransactionStatus>, producerIds: Set<Int64>, minDurationMs: Int64, nowMs: Int64
    ) -> [ListTransactionsResponse.TransactionState] {
        states.lazy.filter { _, state in
            (statuses.isEmpty || statuses.contains(state.status))
                && (producerIds.isEmpty || producerIds.contains(state.producerId))
                && (minDurationMs < 0 || nowMs &- state.startMs > minDurationMs)
        }.map { id, state in
            var entry = ListTransactionsResponse.TransactionState()
            entry.transactionalId = id
            entry.producerId = state.producerId
            entry.transactionState = state.status.name
            return entry
        }
    }
}
