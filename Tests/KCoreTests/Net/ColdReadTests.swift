import Glibc
import Testing

@testable import KCore

/// A file of which nothing is in memory until it is loaded, which takes until the test says so.
private final class ColdFile: RegionSource {
    private let file: TestFile
    private let warm = Monitor<Set<Int64>>([])
    let asked = Inbox<Range<Int64>>()
    private let gate = Monitor(false)

    init(_ content: [UInt8]) throws { file = try TestFile(content, withDescriptor: true) }

    var descriptor: Int32? { file.descriptor }
    func read(at position: Int64, into target: UnsafeMutableRawBufferPointer) -> Int {
        file.read(at: position, into: target)
    }
    func isCached(at position: Int64, count: Int) -> Bool { warm.withLock { $0.contains(position) } }
    func load(at position: Int64, count: Int) {
        asked.add(position..<position + Int64(count))
        _ = gate.wait(timeoutMs: 30_000) { $0 ? true : nil }
        warm.update { _ = $0.insert(position) }
    }
    func open() { gate.update { $0 = true } }
}

@Suite struct ColdReadTests {
    private static let content = (0..<2_500_000).map { UInt8(truncatingIfNeeded: $0 / 7) }

    private func server(
        _ file: ColdFile, readers: WorkerPool, own: WorkerPool? = nil, inMemoryUntilMs: Int64 = 0
    ) throws -> (group: EventLoopGroup, port: Int) {
        let group = try EventLoopGroup(count: 1, readers: readers)
        let listener = try Listener(
            host: "127.0.0.1", port: 0, group: group, options: ConnectionOptions(), limits: ConnectionLimits()
        ) { _ in
            ClosureHandler { frame, connection in
                let slot = connection.reserveResponse()
                guard frame[0] == 1 else { return connection.complete(slot, .prefixed([2])) }
                var region = FileRegion(source: file, position: 100, count: ColdReadTests.content.count - 100)
                region.inMemoryUntilMs = inMemoryUntilMs
                region.readers = own
                connection.complete(
                    slot, Frame(segments: [.bytes(Bytes([9])), .file(region)], count: region.count + 1))
            }
        }
        return (group, listener.port)
    }

    @Test func `a cold read keeps its own connection waiting and no other of the loop`() throws {
        let file = try ColdFile(ColdReadTests.content)
        let readers = WorkerPool(name: "reader", threads: 2)
        let (group, port) = try server(file, readers: readers)
        defer {
            group.stop()
            readers.stop()
        }
        let (cold, hot) = (try RawClient(port: port), try RawClient(port: port))
        cold.send(frame: [1])
        #expect(file.asked.wait(count: 1) == [100..<100 + Int64(ColdRead.maxBytes)])
        for _ in 0..<100 {
            hot.send(frame: [0])
            #expect(hot.receiveFrame() == [2])
        }
        // One part at a time, however many threads there are.
        #expect(file.asked.all.count == 1)
        file.open()
        #expect(cold.receive(ColdReadTests.content.count - 99) == [9] + ColdReadTests.content[100...])
        #expect(file.asked.all.count == 3)
        cold.send(frame: [0])
        #expect(cold.receiveFrame() == [2])
    }

    @Test func `a file is read by those who read from its disk, whatever the others wait for`() throws {
        let file = try ColdFile(ColdReadTests.content)
        file.open()
        let others = WorkerPool(name: "reader", threads: 1)
        let own = WorkerPool(name: "own", threads: 1)
        let (group, port) = try server(file, readers: others, own: own)
        let answers = Monitor(false)
        others.submit { _ = answers.wait(timeoutMs: 30_000) { $0 ? true : nil } }
        defer {
            answers.update { $0 = true }
            group.stop()
            others.stop()
            own.stop()
        }
        let client = try RawClient(port: port)
        client.send(frame: [1])
        #expect(client.receive(ColdReadTests.content.count - 99) == [9] + ColdReadTests.content[100...])
        #expect(others.queued == 0)
    }

    @Test func `what was written just now is sent without a look`() throws {
        let file = try ColdFile(ColdReadTests.content)
        let readers = WorkerPool(name: "reader", threads: 1)
        let (group, port) = try server(file, readers: readers, inMemoryUntilMs: .max)
        defer {
            group.stop()
            readers.stop()
        }
        let client = try RawClient(port: port)
        client.send(frame: [1])
        #expect(client.receive(ColdReadTests.content.count - 99) == [9] + ColdReadTests.content[100...])
        #expect(file.asked.all.isEmpty)
    }

    @Test func `what was written just before, and waited to be sent since, is looked at`() throws {
        let file = try ColdFile(ColdReadTests.content)
        file.open()
        let readers = WorkerPool(name: "reader", threads: 1)
        let (group, port) = try server(file, readers: readers, inMemoryUntilMs: SystemClock().monotonicMs)
        defer {
            group.stop()
            readers.stop()
        }
        let client = try RawClient(port: port)
        client.send(frame: [1])
        #expect(client.receive(ColdReadTests.content.count - 99) == [9] + ColdReadTests.content[100...])
        #expect(file.asked.all.count == 3)
    }

    @Test func `a client that goes while its part is read harms nobody`() throws {
        let file = try ColdFile(ColdReadTests.content)
        let readers = WorkerPool(name: "reader", threads: 1)
        let (group, port) = try server(file, readers: readers)
        defer {
            group.stop()
            readers.stop()
        }
        var leaver: RawClient? = try RawClient(port: port)
        leaver?.reset()
        leaver?.send(frame: [1])
        #expect(file.asked.wait(count: 1) != nil)
        leaver = nil
        file.open()
        let client = try RawClient(port: port)
        client.send(frame: [1])
        #expect(client.receive(ColdReadTests.content.count - 99) == [9] + ColdReadTests.content[100...])
    }

    @Test func `when nobody reads any more, it is sent all the same`() throws {
        let file = try ColdFile(ColdReadTests.content)
        file.open()
        let readers = WorkerPool(name: "reader", threads: 1)
        readers.stop()
        let (group, port) = try server(file, readers: readers)
        defer { group.stop() }
        let client = try RawClient(port: port)
        client.send(frame: [1])
        #expect(client.receive(ColdReadTests.content.count - 99) == [9] + ColdReadTests.content[100...])
    }
}
