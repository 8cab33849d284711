internal import Synchronization

/// The fetch sessions of a broker: a bounded number, the longest unused making room for new ones (KIP-227).
final class FetchSessionCache: Sendable {
    /// What a request's session id and epoch mean.
    enum Opening {
        /// No session: the request names all its partitions and so does the answer.
        case sessionless
        /// A new session was made of the request; its first answer is full.
        case created(FetchSession)
        /// The request changed a known session; the answer carries only what changed.
        case incremental(FetchSession)
        case failed(ErrorCode)
    }

    private struct State {
        var idle: [Int32: FetchSession] = [:]
        // Sessions that a request has taken out, so that changing them copies nothing. A second request of the same
        // session meanwhile is a client's mistake.
        var inUse: Set<Int32> = []

        var count: Int { idle.count + inUse.count }
    }

    private let state = Mutex(State())
    private let maxSessions: Int
    private let evictionMs: Int64

    /// - Parameter evictionMs: a session that was used within this time is not evicted
    ///   (`min.incremental.fetch.session.eviction.ms`).
    init(maxSessions: Int, evictionMs: Int64 = 120_000) {
        self.maxSessions = maxSessions
        self.evictionMs = evictionMs
    }

    var count: Int { state.withLock { $0.count } }

    /// Finds or makes the session of `request`. A session that is returned must be given back with ``close(_:)``.
    func open(_ request: FetchRequest, usesTopicIds: Bool, nowMs: Int64) -> Opening {
        let id = request.sessionId
        let epoch = request.sessionEpoch
        return state.withLock { state in
            if epoch == -1 || epoch == 0 {
                // Both end the named session: -1 for good, 0 to begin anew.
                if id != 0 {
                    state.idle[id] = nil
                    state.inUse.remove(id)
                }
                guard epoch == 0, makeRoom(&state, nowMs: nowMs) else { return .sessionless }
                var session = FetchSession(id: newId(state), usesTopicIds: usesTopicIds, nowMs: nowMs)
                session.update(request.topics)
                state.inUse.insert(session.id)
                return .created(session)
            }
            guard var session = state.idle.removeValue(forKey: id) else { return .failed(.fetchSessionIdNotFound) }
            if let error = session.advance(request, usesTopicIds: usesTopicIds, nowMs: nowMs) {
                state.idle[id] = session
                return .failed(error)
            }
            state.inUse.insert(id)
            return .incremental(session)
        }
    }

    /// Keeps what the answer changed in the session, unless it has been ended in the meantime.
    func close(_ session: FetchSession) {
        state.withLock { state in
            if state.inUse.remove(session.id) != nil { state.idle[session.id] = session }
        }
    }

    private func makeRoom(_ state: inout State, nowMs: Int64) -> Bool {
        if state.count < maxSessions { return true }
        guard let oldest = state.idle.values.min(by: { $0.lastUsedMs < $1.lastUsedMs }),
            nowMs - oldest.lastUsedMs >= evictionMs
        else { return false }
        state.idle[oldest.id] = nil
        return true
    }

    private func newId(_ state: borrowing State) -> Int32 {
        while true {
            let id = Int32.random(in: 1...Int32.max)
            if state.idle[id] == nil && !state.inUse.contains(id) { return id }
        }
    }
}
