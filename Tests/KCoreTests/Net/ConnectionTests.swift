import Glibc
import Testing

@testable import KCore

@Suite struct ConnectionTests {
    @Test func `a frame may come byte by byte`() throws {
        let server = try TestServer { frame, connection in
            connection.complete(connection.reserveResponse(), .prefixed(frame.array))
        }
        defer { server.stop() }
        let client = try RawClient(port: server.listener.port)
        for byte in RawClient.framed(Array(0..<40)) + RawClient.framed([41]) { client.send([byte]) }
        #expect(client.receiveFrame() == Array(0..<40))
        #expect(client.receiveFrame() == [41])
    }

    @Test func `a large frame comes whole, again and again`() throws {
        let server = try TestServer { frame, connection in
            connection.complete(connection.reserveResponse(), .prefixed(frame.array))
        }
        defer { server.stop() }
        let client = try RawClient(port: server.listener.port)
        for round in 0..<4 {
            let payload = (0..<1_500_000).map { UInt8(truncatingIfNeeded: $0 / 3 + round) }
            let sender = Thread(name: "test") { client.send(frame: payload) }
            #expect(client.receiveFrame() == payload)
            sender.join()
        }
    }

    @Test(arguments: [[0xFF, 0xFF, 0xFF, 0xFF], [0x7F, 0xFF, 0xFF, 0xFF], [0, 0, 4, 1]] as [[UInt8]])
    func `a bad length closes that connection and no other`(header: [UInt8]) throws {
        var options = ConnectionOptions()
        options.maxFrameBytes = 1024
        let reasons = Inbox<CloseReason>()
        let server = try TestServer(options: options, closed: { reasons.add($1) }) { frame, connection in
            connection.complete(connection.reserveResponse(), .prefixed(frame.array))
        }
        defer { server.stop() }
        let good = try RawClient(port: server.listener.port)
        let bad = try RawClient(port: server.listener.port)
        good.send(frame: [1])
        #expect(good.receiveFrame() == [1])
        bad.send(header)
        #expect(bad.receiveFrame() == nil)
        let length = header.reduce(Int32(0)) { $0 << 8 | Int32($1) }
        #expect(reasons.wait(count: 1) == [.badFrameLength(length)])
        good.send(frame: [2])
        #expect(good.receiveFrame() == [2])
    }

    @Test func `a request without a response leaves no gap`() throws {
        let server = try TestServer { frame, connection in
            let slot = connection.reserveResponse()
            connection.complete(slot, frame[0] % 2 == 0 ? nil : .prefixed([frame[0]]))
            // Completed twice: the second time nothing happens.
            connection.complete(slot, .prefixed([99]))
        }
        defer { server.stop() }
        let client = try RawClient(port: server.listener.port)
        for number in 0..<10 { client.send(frame: [UInt8(number)]) }
        for number in [1, 3, 5, 7, 9] { #expect(client.receiveFrame() == [UInt8(number)]) }
    }

    @Test func `no more requests are delivered than may be in flight`() throws {
        var options = ConnectionOptions()
        options.maxInFlight = 4
        let requests = Inbox<(Connection, ResponseSlot, UInt8)>()
        let most = Monitor(0)
        let server = try TestServer(options: options) { frame, connection in
            requests.add((connection, connection.reserveResponse(), frame[0]))
            most.withLock { $0 = max($0, connection.inFlight) }
        }
        defer { server.stop() }
        let client = try RawClient(port: server.listener.port)
        client.send((0..<100).flatMap { RawClient.framed([UInt8($0)]) })
        for number in 0..<100 {
            let all = try #require(requests.wait(count: number + 1))
            all[number].0.complete(all[number].1, .prefixed([all[number].2]))
            #expect(client.receiveFrame() == [UInt8(number)])
        }
        most.withLock { #expect($0 == 4) }
    }

    @Test func `a client that sends and never reads is not read from without end`() throws {
        var options = ConnectionOptions()
        options.maxQueuedOutputBytes = 256 * 1024
        options.sendBufferBytes = 16 * 1024
        let answer = [UInt8](repeating: 7, count: 10_000)
        let most = Monitor((queued: 0, received: 0))
        let server = try TestServer(options: options) { _, connection in
            connection.complete(connection.reserveResponse(), .prefixed(answer))
            most.update {
                $0.queued = max($0.queued, connection.queuedOutputBytes)
                $0.received += 1
            }
        }
        defer { server.stop() }
        let client = try RawClient(port: server.listener.port, receiveBufferBytes: 16 * 1024)
        let count = 2000
        let sender = Thread(name: "test") {
            for _ in 0..<count { client.send(frame: [UInt8](repeating: 1, count: 1000)) }
        }
        // Far more would be queued than the limit if nothing stopped it: 20 MB.
        _ = most.wait(timeoutMs: 30_000) { $0.queued > options.maxQueuedOutputBytes ? true : nil }
        for _ in 0..<count { #expect(client.receiveFrame()?.count == answer.count) }
        sender.join()
        most.withLock {
            #expect($0.received == count)
            #expect($0.queued < options.maxQueuedOutputBytes + 2 * answer.count)
            #expect($0.queued > options.maxQueuedOutputBytes)
        }
    }

    @Test func `reading can be paused by the owner`() throws {
        let requests = Inbox<UInt8>()
        let connections = Inbox<Connection>()
        let server = try TestServer { frame, connection in
            if requests.all.isEmpty {
                connection.pauseReading()
                connections.add(connection)
            }
            requests.add(frame[0])
        }
        defer { server.stop() }
        let client = try RawClient(port: server.listener.port)
        client.send(RawClient.framed([1]) + RawClient.framed([2]) + RawClient.framed([3]))
        let connection = try #require(connections.wait(count: 1))[0]
        let paused = Promise<[UInt8]>()
        connection.loop.execute {
            paused.set(requests.all)
            connection.resumeReading()
        }
        #expect(paused.wait() == [1])
        #expect(requests.wait(count: 3) == [1, 2, 3])
    }

    @Test func `a peer that closes its sending side still gets its responses`() throws {
        let (requests, reasons) = (Inbox<(Connection, ResponseSlot)>(), Inbox<CloseReason>())
        let server = try TestServer(closed: { reasons.add($1) }) { _, connection in
            requests.add((connection, connection.reserveResponse()))
        }
        defer { server.stop() }
        let client = try RawClient(port: server.listener.port)
        client.send(frame: [1])
        shutdown(client.descriptor, Int32(SHUT_WR))
        let request = try #require(requests.wait(count: 1))[0]
        request.0.complete(request.1, .prefixed([5]))
        #expect(client.receiveFrame() == [5])
        #expect(client.receiveFrame() == nil)
        #expect(reasons.wait(count: 1) == [.peerClosed])
    }

    @Test func `a peer that is gone ends the connection once`() throws {
        let reasons = Inbox<CloseReason>()
        let opened = Inbox<Connection>()
        let server = try TestServer(opened: { opened.add($0) }, closed: { reasons.add($1) }) { _, _ in }
        var client: RawClient? = try RawClient(port: server.listener.port)
        _ = opened.wait(count: 1)
        withExtendedLifetime(client) {}
        client = nil
        #expect(reasons.wait(count: 1) == [.peerClosed])
        opened.all[0].send(.prefixed([1]))
        opened.all[0].close()
        server.stop()
        #expect(reasons.all.count == 1)
    }

    @Test func `a reset ends the connection although it is not read from`() throws {
        let reasons = Inbox<CloseReason>()
        let paused = Promise<Bool>()
        let server = try TestServer(closed: { reasons.add($1) }) { _, connection in
            connection.pauseReading()
            paused.set(true)
        }
        defer { server.stop() }
        var client: RawClient? = try RawClient(port: server.listener.port)
        client?.send(frame: [1])
        _ = paused.wait()
        client?.reset()
        client = nil
        guard case .failed? = reasons.wait(count: 1)?.first else {
            Issue.record("\(reasons.all)")
            return
        }
    }

    @Test func `the last response arrives although the peer has sent more`() throws {
        let server = try TestServer { _, connection in
            connection.complete(connection.reserveResponse(), .prefixed([UInt8](repeating: 3, count: 200_000)))
            connection.closeWhenFlushed()
        }
        defer { server.stop() }
        let client = try RawClient(port: server.listener.port)
        client.send((0..<100).flatMap { _ in RawClient.framed([1, 2, 3]) })
        #expect(client.receiveFrame()?.count == 200_000)
        #expect(client.receiveFrame() == nil)
    }

    @Test func `nothing is read until a response that is alone is there`() throws {
        let requests = Inbox<(connection: Connection, slot: ResponseSlot, number: UInt8)>()
        let server = try TestServer { frame, connection in
            requests.add((connection, connection.reserveResponse(isAlone: frame[0] % 2 == 1), frame[0]))
        }
        defer { server.stop() }
        let client = try RawClient(port: server.listener.port)
        client.send((0..<6).flatMap { RawClient.framed([UInt8($0)]) })
        for (last, number) in [(1, 1), (3, 3), (5, 5)] {
            let got = try #require(requests.wait(count: last + 1))
            #expect(got.map { $0.number } == Array(0...UInt8(last)))
            // Its place is behind one that is still open: it is there nevertheless.
            got[number].connection.complete(got[number].slot, .prefixed([UInt8(number)]))
        }
        for one in requests.all where one.number % 2 == 0 {
            one.connection.complete(one.slot, .prefixed([one.number]))
        }
        for number in 0..<6 { #expect(client.receiveFrame() == [UInt8(number)]) }
    }

    @Test func `a handler may close, complete and send in any call`() throws {
        let (requests, reasons) = (Inbox<UInt8>(), Inbox<CloseReason>())
        let server = try TestServer(
            opened: { $0.send(.prefixed([100])) },
            closed: { connection, reason in
                reasons.add(reason)
                connection.close()
                connection.send(.prefixed([1]))
            },
            received: { frame, connection in
                requests.add(frame[0])
                let slot = connection.reserveResponse()
                if frame[0] == 2 { connection.close() }
                connection.complete(slot, .prefixed([frame[0]]))
                connection.pauseReading()
                connection.resumeReading()
            })
        defer { server.stop() }
        let client = try RawClient(port: server.listener.port)
        #expect(client.receiveFrame() == [100])
        client.send((0..<5).flatMap { RawClient.framed([UInt8($0)]) })
        #expect(reasons.wait(count: 1) == [.local])
        #expect(requests.all == [0, 1, 2])
        #expect(reasons.all.count == 1)
    }

    @Test func `an ended connection and its handler are let go`() throws {
        let loop = try EventLoop(clock: StepClock(), startsThread: false)
        loop.turn(maxWaitMs: 0)
        let pair = try SocketPair()
        weak var connection: Connection?
        weak var handler: ClosureHandler?
        do {
            let made = try Connection.adopt(
                pair.near, peer: nil, on: loop, options: ConnectionOptions(), isOutbound: false)
            let closures = ClosureHandler { frame, connection in
                connection.complete(connection.reserveResponse(), .prefixed(frame.array))
                connection.closeWhenFlushed()
            }
            try made.open(closures)
            (connection, handler) = (made, closures)
        }
        pair.send(RawClient.framed([1]))
        loop.turn(maxWaitMs: 0)
        #expect(connection != nil)
        shutdown(pair.far, Int32(SHUT_RDWR))
        for _ in 0..<3 { loop.turn(maxWaitMs: 0) }
        #expect(handler == nil)
        loop.beginToStop(drainMs: 0)
        loop.turn(maxWaitMs: 0)
        #expect(loop.isEnded)
        #expect(connection == nil)
    }

    @Test func `many idle connections are held and answered`() throws {
        // Both ends of each are open here: more than shells allow at first.
        OpenFileLimit.raise()
        let count = 2000
        let opened = Inbox<UInt64>()
        let server = try TestServer(loops: 2, opened: { opened.add($0.number) }) { frame, connection in
            connection.complete(connection.reserveResponse(), .prefixed(frame.array))
        }
        defer { server.stop() }
        let clients = try (0..<count).map { _ in try RawClient(port: server.listener.port) }
        #expect(opened.wait(count: count)?.count == count)
        for client in [clients[0], clients[count / 2], clients[count - 1]] {
            client.send(frame: [1, 2])
            #expect(client.receiveFrame() == [1, 2])
        }
    }

    @Test func `an idle connection is closed after its time, one with a request in flight is not`() throws {
        let clock = StepClock()
        let loop = try EventLoop(clock: clock, startsThread: false)
        loop.turn(maxWaitMs: 0)
        var options = ConnectionOptions()
        options.maxIdleMs = 60_000
        let reasons = Inbox<CloseReason>()
        let (idle, busy) = (try SocketPair(), try SocketPair())
        let slots = Inbox<ResponseSlot>()
        for pair in [idle, busy] {
            let handler = ClosureHandler(closed: { reasons.add($1) }) { slots.add($1.reserveResponse()) }
            let connection = try Connection.adopt(pair.near, peer: nil, on: loop, options: options, isOutbound: false)
            try connection.open(handler)
        }
        busy.send(RawClient.framed([1]))
        loop.turn(maxWaitMs: 0)
        #expect(slots.all.count == 1)
        clock.advance(ms: 59_000)
        loop.turn(maxWaitMs: 0)
        #expect(reasons.all == [])
        clock.advance(ms: 2000)
        loop.turn(maxWaitMs: 0)
        #expect(reasons.all == [.idle])
    }

    @Test(arguments: [false, true])
    func `a connection whose peer sends no more is closed after some seconds, request in flight or not`(isAlone: Bool)
        throws
    {
        let clock = StepClock()
        let loop = try EventLoop(clock: clock, startsThread: false)
        loop.turn(maxWaitMs: 0)
        let reasons = Inbox<CloseReason>()
        let pair = try SocketPair()
        let handler = ClosureHandler(closed: { reasons.add($1) }) { _ = $1.reserveResponse(isAlone: isAlone) }
        let connection = try Connection.adopt(
            pair.near, peer: nil, on: loop, options: ConnectionOptions(), isOutbound: false)
        try connection.open(handler)
        pair.send(RawClient.framed([1]))
        loop.turn(maxWaitMs: 0)
        pair.endSending()
        loop.turn(maxWaitMs: 0)
        #expect(connection.inFlight == 1)
        clock.advance(ms: 4900)
        loop.turn(maxWaitMs: 0)
        #expect(reasons.all == [])
        // A connection that is not read is looked at once a second.
        clock.advance(ms: 1100)
        loop.turn(maxWaitMs: 0)
        #expect(reasons.all == [.peerClosed])
    }

    @Test func `a loop that drains lets requests finish and takes no further ones`() throws {
        let (requests, reasons) = (Inbox<(Connection, ResponseSlot)>(), Inbox<CloseReason>())
        let server = try TestServer(closed: { reasons.add($1) }) { _, connection in
            requests.add((connection, connection.reserveResponse()))
        }
        let client = try RawClient(port: server.listener.port)
        client.send(frame: [1])
        let request = try #require(requests.wait(count: 1))[0]
        let begun = Promise<Bool>()
        server.group.loops[0].beginToStop(drainMs: 20_000)
        server.group.loops[0].execute { begun.set(true) }
        #expect(begun.wait() == true)
        client.send(frame: [2])
        request.0.complete(request.1, .prefixed([5]))
        server.group.stop()
        #expect(client.receiveFrame() == [5])
        #expect(client.receiveFrame() == nil)
        #expect(requests.all.count == 1)
        #expect(reasons.all == [.loopStopped])
    }

    @Test func `stopping closes what is open`() throws {
        let reasons = Inbox<CloseReason>()
        let opened = Inbox<Connection>()
        let server = try TestServer(opened: { opened.add($0) }, closed: { reasons.add($1) }) { _, _ in }
        let client = try RawClient(port: server.listener.port)
        _ = opened.wait(count: 1)
        server.stop()
        #expect(client.receiveFrame() == nil)
        #expect(reasons.all == [.loopStopped])
    }
}
