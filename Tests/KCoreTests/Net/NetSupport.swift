import Glibc

@testable import KCore

/// A handler made of closures.
final class ClosureHandler: ConnectionHandler {
    typealias Received = @Sendable (Bytes, Connection) -> Void
    private let onReceived: Received
    private let onOpened: @Sendable (Connection) -> Void
    private let onClosed: @Sendable (Connection, CloseReason) -> Void

    init(
        opened: @escaping @Sendable (Connection) -> Void = { _ in },
        closed: @escaping @Sendable (Connection, CloseReason) -> Void = { _, _ in },
        received: @escaping Received
    ) {
        onOpened = opened
        onReceived = received
        onClosed = closed
    }

    func connectionOpened(_ connection: Connection) { onOpened(connection) }
    func received(_ frame: Bytes, on connection: Connection) { onReceived(frame, connection) }
    func closed(_ connection: Connection, reason: CloseReason) { onClosed(connection, reason) }
}

/// A value that one thread sets and a test waits for.
final class Promise<Value: Sendable>: Sendable {
    private let monitor = Monitor<Value?>(nil)

    func set(_ value: Value) { monitor.update { $0 = value } }
    /// - Returns: nil when it takes far too long.
    func wait() -> Value? { monitor.wait(timeoutMs: 20_000) { $0 } }
    var isSet: Bool { monitor.withLock { $0 != nil } }
}

/// Values that come one after the other.
final class Inbox<Value: Sendable>: Sendable {
    private let monitor = Monitor<[Value]>([])

    func add(_ value: Value) { monitor.update { $0.append(value) } }
    func wait(count: Int) -> [Value]? { monitor.wait(timeoutMs: 20_000) { $0.count >= count ? $0 : nil } }
    var all: [Value] { monitor.withLock { $0 } }
}

/// A loop and a listener whose connections do what a test wants.
struct TestServer {
    let group: EventLoopGroup
    let listener: Listener

    init(
        loops: Int = 1, options: ConnectionOptions = ConnectionOptions(), limits: ConnectionLimits = ConnectionLimits(),
        opened: @escaping @Sendable (Connection) -> Void = { _ in },
        closed: @escaping @Sendable (Connection, CloseReason) -> Void = { _, _ in },
        received: @escaping ClosureHandler.Received
    ) throws {
        group = try EventLoopGroup(count: loops)
        listener = try Listener(host: "127.0.0.1", port: 0, group: group, options: options, limits: limits) { _ in
            ClosureHandler(opened: opened, closed: closed, received: received)
        }
    }

    func stop() { group.stop() }
}

/// A port where nobody listens, and which nobody else can get as long as this is there.
final class SilentPort: Sendable {
    private let descriptor: Int32
    let number: Int

    init() throws {
        let bound = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(bound, $0, length) < 0 ? -1 : getsockname(bound, $0, &length)
            }
        }
        descriptor = bound
        number = Int(in_port_t(bigEndian: address.sin_port))
        if result < 0 { throw NetError("bind", code: errno) }
    }

    deinit { close(descriptor) }
}

extension Frame {
    /// `payload` with its length in front.
    static func prefixed(_ payload: [UInt8]) -> Frame { Frame(Bytes(RawClient.framed(payload))) }
}

/// A blocking socket, so that a test decides byte by byte what goes over it.
final class RawClient: Sendable {
    let descriptor: Int32

    init(port: Int, receiveBufferBytes: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBufferBytes {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result < 0 { throw NetError("connect", code: errno) }
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) {
        var done = 0
        while done < bytes.count {
            let sent = bytes.withUnsafeBytes { buffer in
                Glibc.send(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return }
            done += sent
        }
    }

    func send(frame payload: [UInt8]) { send(RawClient.framed(payload)) }

    /// `payload` with its length in front.
    static func framed(_ payload: [UInt8]) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: payload.count >> $0) } + payload
    }

    /// Up to `count` bytes; fewer only when the peer closed or reset the connection.
    func receive(_ count: Int) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = result.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress.map { $0 + done }, count - done, 0)
            }
            guard got > 0 else { break }
            done += got
        }
        return Array(result[..<done])
    }

    /// Has the system send a reset, and not an orderly end, when the socket is closed.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    func receiveFrame() -> [UInt8]? {
        let header = receive(4)
        guard header.count == 4 else { return nil }
        return receive(header.reduce(0) { $0 << 8 | Int($1) })
    }
}

/// A clock that stands still until a test moves it.
final class StepClock: Clock {
    private let now = Monitor<Int64>(1_000_000_000_000)

    var wallMs: Int64 { monotonicNs / 1_000_000 }
    var monotonicNs: Int64 { now.withLock { $0 } }
    func advance(ms: Int64) { now.withLock { $0 += ms * 1_000_000 } }
}

/// Two sockets that are connected to each other; the near one is given to a connection, which closes it.
final class SocketPair: Sendable {
    let near: Int32
    let far: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0, &ends) == 0 else {
            throw NetError("socketpair", code: errno)
        }
        (near, far) = (ends[0], ends[1])
    }

    deinit { close(far) }

    func send(_ bytes: [UInt8]) { _ = bytes.withUnsafeBytes { write(far, $0.baseAddress, $0.count) } }
    func endSending() { shutdown(far, Int32(SHUT_WR)) }
}
