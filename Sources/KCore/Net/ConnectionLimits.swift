internal import Synchronization

/// How many connections a broker has, in all and from one host (`max.connections`, `max.connections.per.ip`,
/// `max.connections.per.ip.overrides`). Shared by its listeners.
public final class ConnectionLimits: Sendable {
    private struct State {
        var maxConnections: Int
        var maxPerHost: Int
        var overrides: [String: Int]
        var total = 0
        var perHost: [String: Int] = [:]
        var waiters: [@Sendable () -> Void] = []

        mutating func takeWaiters() -> [@Sendable () -> Void] {
            guard total < maxConnections, !waiters.isEmpty else { return [] }
            defer { waiters = [] }
            return waiters
        }
    }

    private let state: Mutex<State>

    /// - Parameter overrides: numeric address of a host to its own limit.
    public init(maxConnections: Int = .max, maxPerHost: Int = .max, overrides: [String: Int] = [:]) {
        state = Mutex(State(maxConnections: maxConnections, maxPerHost: maxPerHost, overrides: overrides))
    }

    /// Changes the limits. Connections that are open stay.
    public func update(maxConnections: Int, maxPerHost: Int, overrides: [String: Int]) {
        let waiters = state.withLock { state in
            state.maxConnections = maxConnections
            state.maxPerHost = maxPerHost
            state.overrides = overrides
            return state.takeWaiters()
        }
        for waiter in waiters { waiter() }
    }

    /// Connections now.
    public var count: Int { state.withLock { $0.total } }

    /// Counts a connection from `host`.
    /// - Returns: false when the host has as many as it may: then it is not counted.
    func admit(_ host: String) -> Bool {
        state.withLock { state in
            let here = state.perHost[host] ?? 0
            guard here < state.overrides[host] ?? state.maxPerHost else { return false }
            state.perHost[host] = here + 1
            state.total += 1
            return true
        }
    }

    /// Says that a connection that was admitted has ended.
    func release(_ host: String) {
        let waiters = state.withLock { state in
            let here = state.perHost[host] ?? 0
            state.perHost[host] = here > 1 ? here - 1 : nil
            state.total -= 1
            return state.takeWaiters()
        }
        for waiter in waiters { waiter() }
    }

    /// - Parameter job: called once when there is room again, if there is none.
    /// - Returns: whether there is room for another connection.
    func hasRoom(orElse job: @escaping @Sendable () -> Void) -> Bool {
        state.withLock { state in
            if state.total < state.maxConnections { return true }
            state.waiters.append(job)
            return false
        }
    }
}
