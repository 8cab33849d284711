internal import Synchronization

/// A client of a Kafka cluster: one event loop with its connections, which producers, consumers and admin clients
/// share.
///
/// Its calls block the calling thread, never the loop. What they wait for ends with the client: ``interrupt()`` and
/// ``close()`` release every caller.
public final class KafkaClient: Sendable {
    public let config: ClientConfig
    let loop: EventLoop
    let runtime: ClientRuntime
    let logger: Logger
    private let interruption = Mutex(Interruption())

    private struct Interruption {
        var error: ClientError?
        var next = 0
        var listeners: [Int: @Sendable (ClientError) -> Void] = [:]
    }

    /// Starts the loop; nothing is connected before something is asked.
    /// - Throws: ``ClientError/Kind/connection`` when the system gives no event loop.
    public init(_ config: ClientConfig, logger: Logger = .silent) throws(ClientError) {
        self.config = config
        self.logger = logger
        do throws(NetError) {
            loop = try EventLoop(name: "client")
        } catch {
            throw ClientError(.connection, "cannot start the client: \(error)")
        }
        runtime = ClientRuntime(config: config, loop: loop, logger: logger)
    }

    deinit { close() }

    /// Ends connections and loop. Callers that wait get ``ClientError/Kind/closed``.
    public func close() {
        stop(.closed)
        loop.execute { [runtime] in runtime.close() }
        loop.stop()
    }

    /// Makes all blocked and later calls throw ``ClientError/Kind/interrupted``. From any thread, but not from a signal
    /// handler.
    public func interrupt() { stop(.interrupted) }

    private func stop(_ error: ClientError) {
        let listeners = interruption.withLock { state -> [@Sendable (ClientError) -> Void] in
            if state.error == nil || error.kind == .closed { state.error = error }
            return Array(state.listeners.values)
        }
        for listener in listeners { listener(error) }
    }

    var interruptionError: ClientError? { interruption.withLock { $0.error } }

    /// Calls `listener` once the client is interrupted or closed; at once when it is already.
    func onInterrupt(_ listener: @escaping @Sendable (ClientError) -> Void) -> Int {
        let (number, error) = interruption.withLock { state -> (Int, ClientError?) in
            state.next += 1
            state.listeners[state.next] = listener
            return (state.next, state.error)
        }
        if let error { listener(error) }
        return number
    }

    func removeInterruptListener(_ number: Int) { interruption.withLock { $0.listeners[number] = nil } }

    // MARK: Blocking

    /// Has `start` run on the loop and waits until it completes.
    /// - Parameter what: what the error says could not be done when time runs out.
    func blocking<T: Sendable>(
        _ what: @autoclosure () -> String, timeoutMs: Int64,
        _ start: @escaping @Sendable (ClientRuntime, @escaping @Sendable (Result<T, ClientError>) -> Void) -> Void
    ) throws(ClientError) -> T {
        let box = Monitor<Result<T, ClientError>?>(nil)
        let complete: @Sendable (Result<T, ClientError>) -> Void = { result in
            box.update { if $0 == nil { $0 = result } }
        }
        let number = onInterrupt { complete(.failure($0)) }
        defer { removeInterruptListener(number) }
        loop.execute { [runtime] in start(runtime, complete) }
        guard let result = box.wait(timeoutMs: timeoutMs, { $0 }) else {
            throw ClientError(.timeout, "cannot \(what()): no answer within \(timeoutMs) ms")
        }
        return try result.get()
    }

    /// Waits; throws when the client is interrupted meanwhile.
    func pause(ms: Int64) throws(ClientError) {
        let box = Monitor<ClientError?>(nil)
        let number = onInterrupt { error in box.update { $0 = error } }
        defer { removeInterruptListener(number) }
        if let error = box.wait(timeoutMs: ms, { $0 }) { throw error }
    }

    /// Runs `attempt` until it succeeds, fails for good, or time runs out; waits longer after each failure.
    /// - Parameter timeoutMs: nil for `default.api.timeout.ms`.
    func retrying<T>(timeoutMs: Int64? = nil, _ attempt: (_ leftMs: Int64) throws(ClientError) -> T)
        throws(ClientError) -> T
    {
        let start = loop.clock.monotonicMs
        let limit = timeoutMs ?? Int64(config.defaultApiTimeoutMs)
        var patience = RetryPatience(startMs: start, limitMs: limit)
        var failures = 0
        while true {
            if let error = interruptionError { throw error }
            do {
                return try attempt(max(1, limit - (loop.clock.monotonicMs - start)))
            } catch {
                failures += 1
                let delay = config.retryBackoff.delayMs(failures: failures)
                let pauseMs = patience.pauseMs(after: error, delayMs: delay, nowMs: loop.clock.monotonicMs)
                guard let pauseMs else { throw error }
                try pause(ms: pauseMs)
            }
        }
    }
}

extension KafkaClient {
    /// Whom a request goes to.
    public enum Target: Sendable, Equatable {
        /// A broker of the client's choice.
        case any
        case controller
        /// The broker with this id.
        case broker(Int32)
    }

    /// Sends any request in the newest version that both sides have, and waits for the answer. Tries again where nobody
    /// could be reached.
    /// - Parameters:
    ///   - timeoutMs: nil for `default.api.timeout.ms`.
    ///   - adapt: changes the request to what a version can say.
    public func call<R: ApiRequest>(
        _ request: R, to target: Target = .any, timeoutMs: Int? = nil,
        adapt: (@Sendable (inout R, Int16) -> Void)? = nil
    ) throws(ClientError) -> R.Response {
        try retrying(timeoutMs: timeoutMs.map(Int64.init)) { leftMs throws(ClientError) in
            let address = try address(of: target)
            let timeout = min(leftMs, Int64(config.requestTimeoutMs))
            return try blocking("ask for \(R.api.key)", timeoutMs: timeout + 1000) { runtime, complete in
                runtime.send(request, to: address ?? runtime.anyServer(), timeoutMs: timeout, adapt: adapt) {
                    complete($0)
                }
            }
        }
    }

    /// Asks for the cluster's brokers and topics.
    /// - Parameters:
    ///   - topics: nil for all. One that does not exist comes with its error.
    ///   - allowAutoCreate: whether the broker may create those that do not exist.
    public func metadata(topics: [String]?, allowAutoCreate: Bool = false) throws(ClientError) -> ClusterMetadata {
        try retrying { leftMs throws(ClientError) in
            let timeout = min(leftMs, Int64(config.requestTimeoutMs))
            return try blocking("ask for metadata", timeoutMs: timeout + 1000) { runtime, complete in
                runtime.askMetadata(topics, allowAutoCreate: allowAutoCreate, timeoutMs: timeout) { complete($0) }
            }
        }
    }

    private func address(of target: Target) throws(ClientError) -> HostAndPort? {
        if target == .any { return nil }
        for isSecond in [false, true] {
            if isSecond { _ = try metadata(topics: []) }
            let cache: MetadataCache = try blocking("look up a broker", timeoutMs: 10_000) { runtime, complete in
                complete(.success(runtime.cache))
            }
            let id = if case .broker(let id) = target { id } else { cache.controllerId }
            if let address = cache.brokers[id] { return address }
            guard isSecond else { continue }
            let known = cache.brokers.keys.sorted().map(String.init).joined(separator: ", ")
            throw target == .controller
                ? ClientError(.broker(.notController), "the cluster has no controller at the moment")
                : ClientError(.broker(.brokerNotAvailable), "there is no broker \(id); there are \(known)")
        }
        return nil
    }
}
