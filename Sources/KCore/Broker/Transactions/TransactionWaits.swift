internal import Synchronization

/// Requests that wait until the transaction before theirs is over, by their transactional ids.
final class TransactionWaits: Sendable {
    private struct State {
        var last = 0
        var waiting: [String: [(number: Int, resume: @Sendable () -> Void)]] = [:]
    }

    private let state = Mutex(State())

    /// - Parameter resume: called once by ``resume(_:)``, unless it is removed before.
    /// - Returns: the number that ``remove(_:_:)`` takes.
    func add(_ id: String, _ resume: @escaping @Sendable () -> Void) -> Int {
        state.withLock { state in
            state.last += 1
            state.waiting[id, default: []].append((state.last, resume))
            return state.last
        }
    }

    /// - Returns: whether it has waited until now.
    func remove(_ id: String, _ number: Int) -> Bool {
        state.withLock { state in
            guard let index = state.waiting[id]?.firstIndex(where: { $0.number == number }) else { return false }
            state.waiting[id]?.remove(at: index)
            if state.waiting[id]?.isEmpty == true { state.waiting[id] = nil }
            return true
        }
    }

    /// The transaction is over: whoever waits goes on, in the order in which they came.
    func resume(_ id: String) {
        let waiting = state.withLock { $0.waiting.removeValue(forKey: id) } ?? []
        for wait in waiting { wait.resume() }
    }
}
