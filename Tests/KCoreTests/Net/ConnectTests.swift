import Glibc
import Testing

@testable import KCore

@Suite struct ConnectTests {
    private func connect(
        _ host: String, _ port: Int, on loop: EventLoop, timeoutMs: Int64 = 10_000, received: Inbox<[UInt8]> = Inbox()
    ) -> Result<Connection, NetError>? {
        let result = Promise<Result<Connection, NetError>>()
        Connection.connect(
            host: host, port: port, on: loop, timeoutMs: timeoutMs,
            makeHandler: { _ in ClosureHandler { frame, _ in received.add(frame.array) } },
            completion: { result.set($0) })
        return result.wait()
    }

    @Test(arguments: ["127.0.0.1", "localhost"]) func `a client talks to a server`(host: String) throws {
        let server = try TestServer { frame, connection in
            connection.complete(connection.reserveResponse(), .prefixed(frame.array))
        }
        defer { server.stop() }
        let loop = try EventLoop()
        defer { loop.stop() }
        let received = Inbox<[UInt8]>()
        let connection = try #require(try connect(host, server.listener.port, on: loop, received: received)?.get())
        for number in 0..<100 { connection.send(.prefixed([UInt8(number)])) }
        #expect(received.wait(count: 100) == (0..<100).map { [UInt8($0)] })
    }

    @Test func `a port where nobody listens is refused at once`() throws {
        let loop = try EventLoop()
        defer { loop.stop() }
        let port = try SilentPort()
        defer { withExtendedLifetime(port) {} }
        guard case .failure(let error)? = connect("127.0.0.1", port.number, on: loop) else {
            Issue.record("connected to nobody")
            return
        }
        #expect(error.isRefused)
    }

    @Test func `a name that does not exist is an error`() throws {
        let loop = try EventLoop()
        defer { loop.stop() }
        guard case .failure? = connect("no such name", 9092, on: loop) else {
            Issue.record("connected to nobody")
            return
        }
    }

    @Test func `a host that does not answer is given up after the timeout`() throws {
        // A full backlog: the system then drops what further peers send.
        let silent = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(silent) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(silent, $0, length)
                listen(silent, 0)
                _ = getsockname(silent, $0, &length)
            }
        }
        let port = Int(in_port_t(bigEndian: address.sin_port))
        let first = try RawClient(port: port)
        let loop = try EventLoop()
        defer { loop.stop() }
        var timedOut = false
        for _ in 0..<4 where !timedOut {
            if case .failure(let error)? = connect("127.0.0.1", port, on: loop, timeoutMs: 100) {
                timedOut = error.isTimeout
            }
        }
        #expect(timedOut)
        withExtendedLifetime(first) {}
    }

    @Test(arguments: ["localhost", "127.0.0.1"]) func `an attempt ends once, whenever the loop is stopped`(host: String)
        throws
    {
        for delay in 0..<5 {
            let loop = try EventLoop()
            let results = Inbox<Bool>()
            func attempt() {
                Connection.connect(
                    host: host, port: 1, on: loop, timeoutMs: 60_000, makeHandler: { _ in ClosureHandler { _, _ in } },
                    completion: { _ in results.add(true) })
            }
            attempt()
            if delay > 0 { loop.schedule(afterMs: Int64(delay)) { loop.beginToStop(drainMs: 0) } }
            loop.stop()
            #expect(results.all.count == 1)
            attempt()
            #expect(results.all.count == 2)
        }
    }

    @Test func `no more connections are taken from one host than it may have`() throws {
        let limits = ConnectionLimits(maxPerHost: 2)
        let opened = Inbox<UInt64>()
        let server = try TestServer(limits: limits, opened: { opened.add($0.number) }) { frame, connection in
            connection.complete(connection.reserveResponse(), .prefixed(frame.array))
        }
        defer { server.stop() }
        let clients = try (0..<2).map { _ in try RawClient(port: server.listener.port) }
        _ = opened.wait(count: 2)
        let third = try RawClient(port: server.listener.port)
        #expect(third.receiveFrame() == nil)
        clients[0].send(frame: [1])
        #expect(clients[0].receiveFrame() == [1])
        #expect(limits.count == 2)
    }

    @Test func `when all connections are taken the next one waits for an end`() throws {
        let limits = ConnectionLimits(maxConnections: 2)
        let opened = Inbox<UInt64>()
        let server = try TestServer(limits: limits, opened: { opened.add($0.number) }) { frame, connection in
            connection.complete(connection.reserveResponse(), .prefixed(frame.array))
        }
        defer { server.stop() }
        var first: RawClient? = try RawClient(port: server.listener.port)
        let second = try RawClient(port: server.listener.port)
        _ = opened.wait(count: 2)
        let third = try RawClient(port: server.listener.port)
        third.send(frame: [3])
        second.send(frame: [2])
        #expect(second.receiveFrame() == [2])
        #expect(opened.all.count == 2)
        withExtendedLifetime(first) {}
        first = nil
        #expect(third.receiveFrame() == [3])
    }

    @Test func `two listeners cannot have one port`() throws {
        let server = try TestServer { _, _ in }
        defer { server.stop() }
        #expect(throws: NetError.self) {
            _ = try Listener(host: "127.0.0.1", port: server.listener.port, group: server.group) { _ in
                ClosureHandler { _, _ in }
            }
        }
    }
}
