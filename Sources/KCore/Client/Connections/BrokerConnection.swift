/// The requests of one client to one broker: connects when there is something to send, asks which versions the broker
/// has, sends in order, matches answers, times out, and waits longer after each failure before it connects again.
///
/// Lives on the client's loop. What is asked of a broken connection fails; whether to ask again is the caller's
/// decision.
final class BrokerConnection: ChannelDelegate {
    private enum State {
        case idle
        /// A failure was not long ago.
        case waiting
        case connecting
        /// ApiVersions is on its way.
        case negotiating
        case ready
        case closed
    }

    let address: HostAndPort
    private let config: ClientConfig
    private unowned let context: any ChannelContext
    private let logger: Logger

    private var state = State.idle
    private var channel: (any Channel)?
    private var queue: [Exchange] = []
    private var inFlight: [Exchange] = []
    private var nextCorrelationId: Int32 = 0
    private var failures = 0
    private var timerDeadlineMs = Int64.max
    /// What the broker has; nil before it was asked.
    private(set) var versions: ApiVersionTable?

    static let softwareName = "kafka-native"
    static let softwareVersion = "0.1.0"

    init(address: HostAndPort, config: ClientConfig, context: any ChannelContext, logger: Logger) {
        self.address = address
        self.config = config
        self.context = context
        self.logger = logger
    }

    var isReady: Bool { state == .ready }
    /// Failures in a row.
    var recentFailures: Int { failures }
    /// Requests that have not been answered.
    var pendingCount: Int { queue.count + inFlight.count }
    var queuedBytes: Int { channel?.queuedBytes ?? 0 }

    func send(_ exchange: Exchange) {
        guard state != .closed else { return exchange.complete(.failure(.closed)) }
        if state == .ready { return transmit(exchange) }
        queue.append(exchange)
        armTimer(exchange.deadlineMs)
        if state == .idle { connect() }
    }

    func close() {
        guard state != .closed else { return }
        state = .closed
        let channel = self.channel
        self.channel = nil
        channel?.close()
        failAll(.closed)
    }

    // MARK: Connecting

    private func connect() {
        state = .connecting
        context.open(address, delegate: self)
    }

    func channelOpened(_ channel: any Channel) {
        guard state == .connecting else { return channel.close() }
        self.channel = channel
        state = .negotiating
        negotiate(version: ApiVersionsRequest.api.versions.upperBound)
    }

    private func negotiate(version: Int16) {
        var request = ApiVersionsRequest()
        request.clientSoftwareName = BrokerConnection.softwareName
        request.clientSoftwareVersion = BrokerConnection.softwareVersion
        let clientId = config.clientId
        let exchange = Exchange(
            api: ApiVersionsRequest.api, versions: version...version,
            deadlineMs: context.nowMs + Int64(config.requestTimeoutMs),
            encode: { version, correlationId throws(WireError) in
                try Framing.request(request, version: version, correlationId: correlationId, clientId: clientId)
            },
            finish: { [weak self] result in if case .success(let answer) = result { self?.negotiated(answer) } })
        put(exchange, version: version)
    }

    private func negotiated(_ answer: Exchange.Answer) {
        // A broker that does not have the version says so in version 0, and what it has instead (KIP-511). What cannot
        // be made out of that can be had in version 0.
        if isRefusal(answer.frame), answer.version > 0 {
            let refusal = try? Framing.readResponse(to: ApiVersionsRequest.self, answer.frame, version: 0).response
            let has = refusal.map { ApiVersionTable($0.apiKeys) }?
                .version(of: .apiVersions, within: 0...(answer.version - 1))
            return negotiate(version: has ?? 0)
        }
        do throws(WireError) {
            let (_, response) = try Framing.readResponse(
                to: ApiVersionsRequest.self, answer.frame, version: answer.version)
            guard response.errorCode == .none else {
                return broken("ApiVersions was refused: \(response.errorCode.name)", isFailure: true)
            }
            versions = ApiVersionTable(response)
        } catch {
            return broken("its ApiVersions answer is unreadable (\(error)); is it a Kafka broker?", isFailure: true)
        }
        state = .ready
        failures = 0
        let waiting = queue
        queue = []
        for exchange in waiting { send(exchange) }
    }

    private func isRefusal(_ frame: Bytes) -> Bool {
        // Behind the correlation id stands the error code, in every version.
        frame.count >= 6 && Int16(frame[4]) << 8 | Int16(frame[5]) == ErrorCode.unsupportedVersion.rawValue
    }

    // MARK: Sending

    private func transmit(_ exchange: Exchange) {
        guard let version = versions?.version(of: exchange.api.key, within: exchange.versions) else {
            let wanted = "\(exchange.versions.lowerBound) to \(exchange.versions.upperBound)"
            let has = versions?.ranges[exchange.api.key].map { "versions \($0.lowerBound) to \($0.upperBound)" }
            let message =
                "the broker at \(address) has \(has ?? "no version") of \(exchange.api.key), and \(wanted) are needed"
            return exchange.complete(.failure(ClientError(.unsupported, message)))
        }
        put(exchange, version: version)
    }

    private func put(_ exchange: Exchange, version: Int16) {
        nextCorrelationId = nextCorrelationId == .max ? 0 : nextCorrelationId + 1
        exchange.correlationId = nextCorrelationId
        exchange.version = version
        let frame: Frame
        do throws(WireError) {
            frame = try exchange.encode(version, nextCorrelationId)
        } catch {
            let message = "cannot write \(exchange.api.key) version \(version): \(error)"
            return exchange.complete(.failure(ClientError(.badData, message)))
        }
        channel?.send(frame)
        guard exchange.expectsAnswer else {
            return exchange.complete(.success(Exchange.Answer(frame: Bytes(), version: version)))
        }
        inFlight.append(exchange)
        armTimer(exchange.deadlineMs)
    }

    func channelReceived(_ frame: Bytes) {
        guard frame.count >= 4 else { return broken("it sent a frame of \(frame.count) bytes", isFailure: true) }
        let correlationId = frame.withUnsafeBytes { Int32(bigEndian: $0.loadUnaligned(as: Int32.self)) }
        guard let exchange = inFlight.first, exchange.correlationId == correlationId else {
            return broken("it answered request \(correlationId) out of order", isFailure: true)
        }
        inFlight.removeFirst()
        exchange.complete(.success(Exchange.Answer(frame: frame, version: exchange.version)))
    }

    // MARK: Failure

    func channelClosed(reason: String) {
        channel = nil
        guard state != .closed else { return }
        // That an idle connection ends is no failure.
        let isFailure = state != .ready || !inFlight.isEmpty
        broken(reason, isFailure: isFailure)
    }

    private func broken(_ reason: String, isFailure: Bool) {
        let wasConnected = state == .ready
        let channel = self.channel
        self.channel = nil
        channel?.close()
        let hadWork = pendingCount > 0
        if isFailure { failures += 1 }
        state = isFailure ? .waiting : .idle
        if isFailure {
            let delay = config.reconnectBackoff.delayMs(failures: failures)
            context.schedule(afterMs: delay) { [weak self] in self?.waited() }
            logger.debug("connection failed", ["broker": address, "reason": reason, "failures": failures])
        }
        guard hadWork else { return }
        let what = wasConnected ? "lost the connection to" : "cannot reach"
        let advice = wasConnected || reason.hasSuffix("?") ? "" : "; is a broker running there?"
        failAll(ClientError(.connection, "\(what) the broker at \(address): \(reason)\(advice)"))
    }

    private func waited() {
        guard state == .waiting else { return }
        state = .idle
        if !queue.isEmpty { connect() }
    }

    private func failAll(_ error: ClientError) {
        let all = inFlight + queue
        inFlight = []
        queue = []
        for exchange in all { exchange.complete(.failure(error)) }
    }

    // MARK: Time

    private func armTimer(_ deadlineMs: Int64) {
        guard deadlineMs < timerDeadlineMs else { return }
        timerDeadlineMs = deadlineMs
        context.schedule(afterMs: max(0, deadlineMs - context.nowMs)) { [weak self] in self?.timerFired(deadlineMs) }
    }

    private func timerFired(_ deadlineMs: Int64) {
        // An earlier timer has taken its place.
        guard deadlineMs == timerDeadlineMs else { return }
        timerDeadlineMs = .max
        let now = context.nowMs
        let late = queue.filter { $0.deadlineMs <= now }
        queue.removeAll { $0.deadlineMs <= now }
        for exchange in late { exchange.complete(.failure(timeout(exchange))) }
        if let exchange = inFlight.first(where: { $0.deadlineMs <= now }) {
            // Answers come in order, so those behind it cannot be had either.
            inFlight.removeAll { $0 === exchange }
            exchange.complete(.failure(timeout(exchange)))
            broken("it did not answer \(exchange.api.key) in time", isFailure: true)
        }
        if let next = (queue + inFlight).map(\.deadlineMs).min() { armTimer(next) }
    }

    private func timeout(_ exchange: Exchange) -> ClientError {
        let what = state == .ready ? "did not answer \(exchange.api.key)" : "could not be asked for \(exchange.api.key)"
        return ClientError(.timeout, "the broker at \(address) \(what) in time; is it overloaded or unreachable?")
    }
}
