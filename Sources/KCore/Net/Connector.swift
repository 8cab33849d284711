internal import CKernel
internal import Glibc

extension Connection {
    /// Connects to `host`, trying all its addresses one after the other. From any thread; nothing blocks.
    /// - Parameters:
    ///   - host: a name, looked up on a thread of its own, or a numeric address.
    ///   - timeoutMs: for all of it: the look-up and every address.
    ///   - makeHandler: called on the loop once the connection is there.
    ///   - completion: called once, on the loop, after the handler was told; on the calling thread when the loop has ended.
    public static func connect(
        host: String, port: Int, on loop: EventLoop, options: ConnectionOptions = ConnectionOptions(),
        timeoutMs: Int64, makeHandler: @escaping Listener.MakeHandler,
        completion: @escaping @Sendable (Result<Connection, NetError>) -> Void
    ) {
        let accepted = loop.execute {
            let connector = Connector(
                name: "\(host):\(port)", loop: loop, options: options, timeoutMs: timeoutMs, makeHandler: makeHandler,
                completion: completion)
            connector.start(host: host, port: port)
        }
        if !accepted { completion(.failure(NetError("connect to \(host):\(port)", reason: "stopped"))) }
    }

    /// A connection on a socket that is connected. Only on the loop. On failure the socket is closed.
    static func adopt(
        _ socket: Int32, peer: SocketAddress?, on loop: EventLoop, options: ConnectionOptions, isOutbound: Bool
    ) throws(NetError) -> Connection {
        Socket.prepare(socket, options)
        var transport = Transport(descriptor: socket)
        if let makeLayer = options.makeLayer {
            do throws(NetError) {
                transport = Transport(layer: try makeLayer(socket))
            } catch {
                Glibc.close(socket)
                throw error
            }
        }
        return Connection(loop: loop, transport: transport, peer: peer, options: options, isOutbound: isOutbound)
    }
}

/// One attempt to connect.
///
/// `@unchecked Sendable`: touched on `loop` only; the thread that looks the name up only hands it back to the loop.
final class Connector: @unchecked Sendable, EventSource {
    private let name: String
    private let loop: EventLoop
    private let options: ConnectionOptions
    private let deadlineMs: Int64
    private let makeHandler: Listener.MakeHandler
    private var completion: (@Sendable (Result<Connection, NetError>) -> Void)?

    private var addresses: ArraySlice<SocketAddress> = []
    private var current: SocketAddress?
    private var failure: NetError
    private var socket: Int32 = -1
    private var registration = Registration.none
    private var timer: TimerHandle?

    /// Look-ups block, for seconds when a server does not answer. More than these at a time would not help.
    private static let resolvers = WorkerPool(name: "resolver", threads: 2, maxQueued: 10_000)

    init(
        name: String, loop: EventLoop, options: ConnectionOptions, timeoutMs: Int64,
        makeHandler: @escaping Listener.MakeHandler,
        completion: @escaping @Sendable (Result<Connection, NetError>) -> Void
    ) {
        self.name = name
        self.loop = loop
        self.options = options
        self.makeHandler = makeHandler
        self.completion = completion
        deadlineMs = loop.nowMs + min(max(timeoutMs, 0), 1 << 40)
        failure = NetError("connect to \(name)", code: ETIMEDOUT)
    }

    func start(host: String, port: Int) {
        guard !loop.isStopping else { return loopEnds(drain: false) }
        arm(deadlineMs)
        if let addresses = try? SocketAddress.resolve(host: host, port: port, numericOnly: true) {
            return tryAll(addresses)
        }
        // So as to hear when the loop ends meanwhile. Without a descriptor it cannot fail.
        registration = (try? loop.register(self, descriptor: nil, interest: [])) ?? .none
        let submitted = Connector.resolvers.submit { [self] in
            do throws(NetError) {
                let addresses = try SocketAddress.resolve(host: host, port: port)
                loop.execute { self.tryAll(addresses) }
            } catch {
                loop.execute { self.finish(.failure(error)) }
            }
        }
        if !submitted { finish(.failure(NetError("resolve \(host)", reason: "too many look-ups"))) }
    }

    private func tryAll(_ found: [SocketAddress]) {
        guard completion != nil else { return }
        drop()
        addresses = found[...]
        tryNext()
    }

    private func tryNext() {
        while let address = addresses.popFirst() {
            let descriptor = ck_socket(address.raw.family)
            guard descriptor >= 0 else {
                failure = NetError("connect to \(name)", code: descriptor)
                continue
            }
            Socket.setBuffers(descriptor, options)
            var raw = address.raw.storage
            let result = ck_connect(descriptor, &raw, address.raw.length)
            guard result >= 0 || result == -EINPROGRESS || result == -EINTR else {
                Glibc.close(descriptor)
                failure = NetError("connect to \(name) (\(address))", code: result)
                continue
            }
            do throws(NetError) {
                registration = try loop.register(self, descriptor: descriptor, interest: .write)
            } catch {
                Glibc.close(descriptor)
                failure = error
                continue
            }
            socket = descriptor
            current = address
            // An address that does not answer must leave time for the others.
            arm(loop.nowMs + max((deadlineMs - loop.nowMs) / Int64(addresses.count + 1), 1))
            return
        }
        finish(.failure(failure))
    }

    func ready(_: Readiness) {
        let error = ck_socket_error(socket)
        guard error == 0 else {
            failure = NetError("connect to \(name) (\(current?.description ?? ""))", code: error)
            drop()
            return tryNext()
        }
        let connected = socket
        loop.deregister(registration)
        socket = -1
        do throws(NetError) {
            let connection = try Connection.adopt(
                connected, peer: current, on: loop, options: options, isOutbound: true)
            try connection.open(makeHandler(loop))
            finish(.success(connection))
        } catch {
            finish(.failure(error))
        }
    }

    private func arm(_ atMs: Int64) {
        timer?.cancel()
        timer = loop.schedule(afterMs: atMs - loop.nowMs) { [self] in
            failure = NetError("connect to \(name)", code: ETIMEDOUT)
            drop()
            // Without addresses the name is still being looked up, and time is over.
            tryNext()
        }
    }

    private func drop() {
        loop.deregister(registration)
        registration = .none
        if socket >= 0 { Glibc.close(socket) }
        socket = -1
    }

    private func finish(_ result: Result<Connection, NetError>) {
        timer?.cancel()
        timer = nil
        drop()
        let completion = self.completion
        self.completion = nil
        completion?(result)
    }

    func loopEnds(drain: Bool) { finish(.failure(NetError("connect to \(name)", reason: "stopped"))) }
    func tick(nowMs: Int64) {}
}
