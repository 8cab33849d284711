import Testing

@testable import KCore

@Suite struct PipeliningTests {
    @Test func `what is sent comes back`() throws {
        let server = try TestServer { frame, connection in
            connection.complete(connection.reserveResponse(), .prefixed(frame.array))
        }
        defer { server.stop() }
        let client = try RawClient(port: server.listener.port)
        client.send(frame: [1, 2, 3])
        #expect(client.receiveFrame() == [1, 2, 3])
    }

    @Test func `responses leave in the order of their requests, whatever the order in which they are ready`() throws {
        let slots = Inbox<(UInt8, Connection, ResponseSlot)>()
        let server = try TestServer { frame, connection in
            slots.add((frame[0], connection, connection.reserveResponse()))
        }
        defer { server.stop() }
        let client = try RawClient(port: server.listener.port)
        for number in 0..<50 { client.send(frame: [UInt8(number)]) }
        let waiting = try #require(slots.wait(count: 50))
        for (number, connection, slot) in waiting.shuffled() { connection.complete(slot, .prefixed([number])) }
        for number in 0..<50 { #expect(client.receiveFrame() == [UInt8(number)]) }
    }
}
