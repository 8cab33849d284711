internal import Synchronization

/// A produce request whose answer waits until what it appended is on stable storage. Whoever flushes finishes it.
final class ParkedProduce: Sendable {
    /// One partition of the request.
    struct Wait: Sendable {
        var topicIndex: Int
        var partitionIndex: Int
        var log: Log
        /// Behind the last record that was appended.
        var offset: Int64
    }

    private struct State {
        var response: ProduceResponse
        var missing: Int
    }

    private let call: Call
    private let state: Mutex<State>

    private init(_ response: ProduceResponse, missing: Int, _ call: Call) {
        self.call = call
        state = Mutex(State(response: response, missing: missing))
    }

    /// Answers when all of `waits` are done; with the error of each that fails.
    static func answer(_ response: ProduceResponse, after waits: [Wait], _ call: Call) {
        let parked = ParkedProduce(response, missing: waits.count, call)
        for wait in waits { wait.log.whenFlushed(to: wait.offset) { parked.done(wait, $0) } }
    }

    private func done(_ wait: Wait, _ error: LogError?) {
        let response = state.withLock { state -> ProduceResponse? in
            if let error {
                state.response.responses[wait.topicIndex].partitionResponses[wait.partitionIndex].fail(error)
            }
            state.missing -= 1
            return state.missing == 0 ? state.response : nil
        }
        if let response { call.reply(response) }
    }
}

extension ProduceResponse.PartitionProduceResponse {
    /// Says that the records of the partition are not acknowledged, and why.
    mutating func fail(_ error: LogError) {
        baseOffset = -1
        logAppendTimeMs = -1
        logStartOffset = -1
        errorCode = error.code
        errorMessage = error.message
        recordErrors = error.recordFaults.map { fault in
            var entry = ProduceResponse.BatchIndexAndErrorMessage()
            entry.batchIndex = fault.batchIndex
            entry.batchIndexErrorMessage = fault.message
            return entry
        }
    }
}
