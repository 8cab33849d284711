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
        /// An earlier request of the session is not answered yet. What was handed in is called when it is.
        case waiting
        case failed(ErrorCode)
    }

    private struct State {
        var idle: [Int32: FetchSession] = [:]
        // Sessions that a request has taken out, so that changing them copies nothing, and what waits for each. Kafka
        // answers a connection's requests one after the other, so a second one is to find the session as the first leaves
        // it; clients that send several ahead rely on that.
        var inUse: [Int32: [@Sendable () -> Void]] = [:]

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
    /// - Parameter retry: called, on any thread, when a request that has to wait should be opened again.
    func open(
        _ request: FetchRequest, usesTopicIds: Bool, nowMs: Int64, retry: @escaping @Sendable () -> Void = {}
    ) -> Opening {
        let id = request.sessionId
        let epoch = request.sessionEpoch
        var freed: [@Sendable () -> Void] = []
        defer { for waiter in freed { waiter() } }
        return state.withLock { state in
            if epoch == -1 || epoch == 0 {
                // Both end the named session: -1 for good, 0 to begin anew.
                if id != 0 {
                    state.idle[id] = nil
                    freed = state.inUse.removeValue(forKey: id) ?? []
                }
                guard epoch == 0, makeRoom(&state, nowMs: nowMs) else { return .sessionless }
                var session = FetchSession(id: newId(state), usesTopicIds: usesTopicIds, nowMs: nowMs)
                session.update(request.topics)
                state.inUse[session.id] = []
                return .created(session)
            }
            if state.inUse[id] != nil {
                state.inUse[id]?.append(retry)
                return .waiting
            }
            guard var session = state.idle.removeValue(forKey: id) else { return .failed(.fetchSessionIdNotFound) }
            if let error = session.advance(request, usesTopicIds: usesTopicIds, nowMs: nowMs) {
                state.idle[id] = session
                return .failed(error)
            }
            state.inUse[id] = []
            return .incremental(session)
        }
    }

    /// Keeps what the answer changed in the session, unless it has been ended in the meantime.
    func close(_ session: FetchSession) {
        let waiting = state.withLock { state -> [@Sendable () -> Void] in
            guard let waiting = state.inUse.removeValue(forKey: session.id) else { return [] }
            state.idle[session.id] = session
            return waiting
        }
        // In their order: the first takes the session, the others find it taken and wait again behind it.
        for waiter in waiting { waiter() }
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
            if state.idle[id] == nil && state.inUse[id] == nil { return id }
        }
    }
}
