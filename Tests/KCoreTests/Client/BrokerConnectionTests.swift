import Testing

@testable import KCore

/// A network of one broker that the test plays.
private final class Stage: ChannelContext {
    final class Wire: Channel {
        var sent: [Bytes] = []
        var isClosed = false
        var queuedBytes: Int { 0 }
        func send(_ frame: Frame) {
            for case .bytes(let bytes) in frame.segments { sent.append(bytes.slice(4..<bytes.count)) }
        }
        func close() { isClosed = true }
    }

    var nowMs: Int64 = 0
    var timers: [(at: Int64, job: () -> Void)] = []
    var opened = 0
    let wire = Wire()
    private(set) weak var delegate: (any ChannelDelegate)?

    func schedule(afterMs: Int64, _ job: @escaping () -> Void) { timers.append((nowMs + afterMs, job)) }

    func open(_ address: HostAndPort, delegate: any ChannelDelegate) {
        opened += 1
        self.delegate = delegate
    }

    func advance(ms: Int64) {
        nowMs += ms
        let due = timers.filter { $0.at <= nowMs }
        timers.removeAll { $0.at <= nowMs }
        for timer in due { timer.job() }
    }

    func accept() { delegate?.channelOpened(wire) }
    func lose(_ reason: String = "reset") { delegate?.channelClosed(reason: reason) }

    func answerVersions(
        _ apis: [(ApiKey, Int16, Int16)], code: ErrorCode = .none, request: Int = 0, version: Int16 = 0
    ) throws {
        var response = ApiVersionsResponse()
        response.errorCode = code
        response.apiKeys = apis.map { key, low, high in
            var api = ApiVersionsResponse.ApiVersion()
            (api.apiKey, api.minVersion, api.maxVersion) = (key, low, high)
            return api
        }
        try answer(response, ApiVersionsRequest.api, version: version, request: request)
    }

    func answer<R: WireStruct>(_ response: R, _ api: Api, version: Int16, request: Int) throws {
        let id = try RequestHeader.peek(wire.sent[request]).correlationId
        let frame = try Framing.response(response, api: api, version: version, correlationId: id)
        guard case .bytes(let bytes)? = frame.segments.first else { return }
        delegate?.channelReceived(bytes.slice(4..<bytes.count))
    }
}

private final class Outcome {
    var results: [Result<MetadataResponse, ClientError>] = []
    var error: ClientError? {
        if case .failure(let error)? = results.first { error } else { nil }
    }
}

struct BrokerConnectionTests {
    private let newest = ApiVersionsRequest.api.versions.upperBound

    private func connection(_ stage: Stage, _ properties: [(name: String, value: String)] = []) throws
        -> BrokerConnection
    {
        BrokerConnection(
            address: HostAndPort(host: "b", port: 1), config: try ClientConfig(properties), context: stage,
            logger: .silent)
    }

    private func ask(
        _ connection: BrokerConnection, _ stage: Stage, _ outcome: Outcome, timeoutMs: Int64 = 1000,
        versions: ClosedRange<Int16>? = nil
    ) {
        connection.send(
            Exchange(
                MetadataRequest(), versions: versions, clientId: "c", deadlineMs: stage.nowMs + timeoutMs, broker: "b"
            ) { result in
                outcome.results.append(result.flatMap { $0.map { .success($0) } ?? .failure(.closed) })
            })
    }

    @Test func `it connects when asked, learns the versions and sends in the newest that both have`() throws {
        let (stage, outcome) = (Stage(), Outcome())
        let connection = try connection(stage)
        #expect(stage.opened == 0)
        ask(connection, stage, outcome)
        #expect(stage.opened == 1)
        stage.accept()
        try stage.answerVersions([(.metadata, 2, 7)], version: newest)
        #expect(try RequestHeader.peek(stage.wire.sent[1]).version == 7)
        var response = MetadataResponse()
        response.clusterId = "x"
        try stage.answer(response, MetadataRequest.api, version: 7, request: 1)
        #expect(try outcome.results.first?.get().clusterId == "x")
        #expect(connection.pendingCount == 0)
    }

    @Test func `a broker that refuses the newest ApiVersions is asked in the one it has`() throws {
        let (stage, outcome) = (Stage(), Outcome())
        let connection = try connection(stage)
        ask(connection, stage, outcome)
        stage.accept()
        try stage.answerVersions([(.apiVersions, 0, 2)], code: .unsupportedVersion)
        #expect(try RequestHeader.peek(stage.wire.sent[1]).version == 2)
        try stage.answerVersions([(.metadata, 0, 4)], request: 1, version: 2)
        #expect(try RequestHeader.peek(stage.wire.sent[2]).version == 4)
    }

    @Test func `an API that the broker lacks fails alone`() throws {
        let (stage, outcome, other) = (Stage(), Outcome(), Outcome())
        let connection = try connection(stage)
        ask(connection, stage, outcome, versions: 9...12)
        ask(connection, stage, other)
        stage.accept()
        try stage.answerVersions([(.metadata, 0, 4)], version: newest)
        #expect(outcome.error?.kind == .unsupported)
        #expect(other.results.isEmpty)
        #expect(connection.isReady)
    }

    @Test func `a broker that cannot be reached fails what waits, and is tried again only after a pause`() throws {
        let (stage, outcome, second) = (Stage(), Outcome(), Outcome())
        let connection = try connection(stage)
        ask(connection, stage, outcome)
        stage.lose("Connection refused")
        #expect(outcome.error?.message.contains("Connection refused") == true)
        ask(connection, stage, second)
        #expect(stage.opened == 1)
        stage.advance(ms: 100)
        #expect(stage.opened == 2)
        #expect(second.results.isEmpty)
    }

    @Test func `a request that is not answered in time fails, and with it the connection`() throws {
        let (stage, outcome, behind) = (Stage(), Outcome(), Outcome())
        let connection = try connection(stage)
        ask(connection, stage, outcome)
        stage.accept()
        try stage.answerVersions([(.metadata, 0, 12)], version: newest)
        ask(connection, stage, behind, timeoutMs: 60_000)
        stage.advance(ms: 1000)
        #expect(outcome.error?.kind == .timeout)
        #expect(behind.error?.kind == .connection)
        #expect(stage.wire.isClosed)
    }

    @Test func `a request that could not even be sent fails in time`() throws {
        let (stage, outcome) = (Stage(), Outcome())
        let connection = try connection(stage)
        ask(connection, stage, outcome)
        stage.advance(ms: 1000)
        #expect(outcome.error?.kind == .timeout)
    }

    @Test func `an answer to another request ends the connection`() throws {
        let (stage, outcome) = (Stage(), Outcome())
        let connection = try connection(stage)
        ask(connection, stage, outcome)
        stage.accept()
        try stage.answerVersions([(.metadata, 0, 12)], version: newest)
        connection.channelReceived([0, 0, 0, 99, 0, 0])
        #expect(outcome.error?.kind == .connection)
        #expect(stage.wire.isClosed)
    }

    @Test func `bytes that are no answer are an error and not a crash`() throws {
        let (stage, outcome) = (Stage(), Outcome())
        let connection = try connection(stage)
        ask(connection, stage, outcome)
        stage.accept()
        connection.channelReceived([0, 0, 0, 1, 0, 0, 0x7F])
        #expect(outcome.error?.message.contains("is it a Kafka broker?") == true)
    }

    @Test func `an idle connection that ends is no failure`() throws {
        let (stage, outcome, second) = (Stage(), Outcome(), Outcome())
        let connection = try connection(stage)
        ask(connection, stage, outcome)
        stage.accept()
        try stage.answerVersions([(.metadata, 0, 12)], version: newest)
        try stage.answer(MetadataResponse(), MetadataRequest.api, version: 12, request: 1)
        stage.lose()
        #expect(connection.recentFailures == 0)
        ask(connection, stage, second)
        #expect(stage.opened == 2)
    }
}
