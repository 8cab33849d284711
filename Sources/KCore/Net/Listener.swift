internal import CKernel
internal import Glibc

/// Accepts connections at one address and gives them to the loops of a group, in turn.
///
/// `@unchecked Sendable`: the variables are touched on `loop` only.
public final class Listener: @unchecked Sendable {
    /// Makes the handler of one connection, on its loop.
    public typealias MakeHandler = @Sendable (EventLoop) -> any ConnectionHandler

    /// Where it listens, with the port that the system chose when 0 was asked for.
    public let address: SocketAddress
    public var port: Int { address.port }

    private let descriptor: Int32
    private let loop: EventLoop
    private let group: EventLoopGroup
    private let options: ConnectionOptions
    private let limits: ConnectionLimits
    private let logger: Logger
    private let makeHandler: MakeHandler
    private var registration = Registration.none
    private var isOpen = true
    // Said once, not at every retry.
    private var lacksDescriptors = false
    private var saidFullMs: Int64?

    /// Connections taken in one turn before others of the loop get theirs.
    private static let maxPerTurn = 64
    /// How long to wait when the process has no descriptor left.
    private static let retryMs: Int64 = 100

    /// Begins to listen.
    /// - Parameters:
    ///   - host: a numeric address or a name; empty for all addresses of this machine, of IPv6 and IPv4.
    ///   - port: 0 for any that is free (see ``port``).
    ///   - backlog: connections that may wait to be accepted (`socket.listen.backlog.size`).
    public init(
        host: String, port: Int, group: EventLoopGroup, backlog: Int = 1024,
        options: ConnectionOptions = ConnectionOptions(), limits: ConnectionLimits = ConnectionLimits(),
        logger: Logger = .silent, makeHandler: @escaping MakeHandler
    ) throws(NetError) {
        (descriptor, address) = try Listener.listen(host: host, port: port, backlog: backlog, options)
        loop = group.next()
        self.group = group
        self.options = options
        self.limits = limits
        self.logger = logger
        self.makeHandler = makeHandler
        if !loop.execute({ self.start() }) { Glibc.close(descriptor) }
    }

    /// Stops listening. Connections that were accepted stay. From any thread.
    public func close() {
        loop.execute { self.end() }
    }

    private static func listen(
        host: String, port: Int, backlog: Int, _ options: ConnectionOptions
    ) throws(NetError) -> (descriptor: Int32, bound: SocketAddress) {
        var failure = NetError("listen at \(host):\(port)", reason: "the name has no address")
        for host in host.isEmpty ? ["::", "0.0.0.0"] : [host] {
            do throws(NetError) {
                for address in try SocketAddress.resolve(host: host, port: port, passive: true) {
                    do throws(NetError) {
                        return try Socket.listening(at: address, backlog: backlog, options)
                    } catch { failure = error }
                }
            } catch { failure = error }
        }
        throw failure
    }

    private func start() {
        do throws(NetError) {
            registration = try loop.register(self, descriptor: descriptor, interest: .read)
        } catch {
            logger.error("cannot listen", ["address": address, "reason": error])
            isOpen = false
            Glibc.close(descriptor)
        }
    }

    private func end() {
        guard isOpen else { return }
        isOpen = false
        loop.deregister(registration)
        Glibc.close(descriptor)
    }

    private func pause() { loop.modify(registration, interest: []) }

    private func resume() {
        if isOpen { loop.modify(registration, interest: .read) }
    }
}

extension Listener: EventSource {
    func ready(_: Readiness) {
        for _ in 0..<Listener.maxPerTurn {
            guard limits.hasRoom(orElse: { [self] in loop.execute { self.resume() } }) else {
                sayFull()
                return pause()
            }
            var peer = sockaddr_storage()
            let accepted = ck_accept(descriptor, &peer)
            guard accepted >= 0 else {
                if !acceptFailed(accepted) { return }
                continue
            }
            lacksDescriptors = false
            give(accepted, SocketAddress(peer))
        }
    }

    // Once a minute: at the limit each connection that ends lets one in.
    private func sayFull() {
        if let saidFullMs, loop.nowMs - saidFullMs < 60_000 { return }
        saidFullMs = loop.nowMs
        logger.warning(
            "no more connections are accepted until others end",
            ["address": address, "connections": limits.count])
    }

    /// - Returns: whether to go on.
    private func acceptFailed(_ result: Int32) -> Bool {
        switch -result {
        case EAGAIN: return false
        // These concern the one connection only (see accept(2)).
        case EINTR, ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP,
            ENETUNREACH:
            return true
        default:
            // No descriptor or memory left: the connection stays in the backlog, and epoll would report it without end.
            if !lacksDescriptors {
                logger.warning(
                    "cannot accept for now", ["address": address, "reason": NetError("accept", code: result)])
                lacksDescriptors = true
            }
            pause()
            loop.schedule(afterMs: Listener.retryMs) { [weak self] in self?.resume() }
            return false
        }
    }

    private func give(_ socket: Int32, _ peer: SocketAddress) {
        guard limits.admit(peer.host) else {
            Glibc.close(socket)
            logger.warning("too many connections from one host", ["host": peer.host])
            return
        }
        let target = group.next()
        let taken = target.execute { [options, limits, logger, makeHandler] in
            do throws(NetError) {
                let connection = try Connection.adopt(
                    socket, peer: peer, on: target, options: options, isOutbound: false)
                connection.onEnd = { limits.release(peer.host) }
                try connection.open(makeHandler(target))
            } catch {
                limits.release(peer.host)
                logger.warning("cannot open a connection", ["peer": peer, "reason": error])
            }
        }
        if !taken {
            Glibc.close(socket)
            limits.release(peer.host)
        }
    }

    func loopEnds(drain: Bool) { end() }
    func tick(nowMs: Int64) {}
}
