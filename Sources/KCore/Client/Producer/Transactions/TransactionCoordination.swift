internal import Synchronization

/// Asks the coordinator of the client's transactional id, for callers that can wait.
final class TransactionCoordination: Sendable {
    private let client: KafkaClient
    private let known = Mutex<HostAndPort?>(nil)

    init(_ client: KafkaClient) { self.client = client }

    /// Sends a request to the coordinator until it is answered for good.
    /// - Parameters:
    ///   - action: what errors say could not be done.
    ///   - versions: those that the caller can do with; nil for all that are described.
    ///   - code: the error that an answer says.
    func ask<R: ApiRequest>(
        _ request: R, _ action: String, versions: ClosedRange<Int16>? = nil,
        adapt: (@Sendable (inout R, Int16) -> Void)? = nil,
        code: (R.Response) -> ErrorCode
    ) throws(ClientError) -> R.Response {
        try client.retrying { leftMs throws(ClientError) in
            let address = try coordinator(leftMs)
            do throws(ClientError) {
                let timeout = min(leftMs, Int64(client.config.requestTimeoutMs))
                let response: R.Response = try client.blocking(action, timeoutMs: timeout + 1000) { runtime, complete in
                    runtime.send(request, to: address, versions: versions, timeoutMs: timeout, adapt: adapt) {
                        complete($0)
                    }
                }
                let code = code(response)
                if code == .none { return response }
                throw .refused(action, code, producer: client.config)
            } catch {
                if error.errorCode?.isAboutCoordinators ?? error.isRetriable { known.withLock { $0 = nil } }
                throw error
            }
        }
    }

    private func coordinator(_ leftMs: Int64) throws(ClientError) -> HostAndPort {
        if let address = known.withLock({ $0 }) { return address }
        let id = client.config.transactionalId
        var request = FindCoordinatorRequest()
        request.keyType = .transaction
        let response = try client.call(request, timeoutMs: Int(leftMs)) { request, version in
            if version >= 4 { request.coordinatorKeys = [id] } else { request.key = id }
        }
        let address = try response.address(of: id)
        known.withLock { $0 = address }
        return address
    }
}
