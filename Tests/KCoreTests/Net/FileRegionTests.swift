import Glibc
import Testing

@testable import KCore

@Suite struct FileRegionTests {
    private static let content = (0..<600_000).map { UInt8(truncatingIfNeeded: $0 / 5) }

    private var content: [UInt8] { FileRegionTests.content }

    private func answer(
        sendBufferBytes: Int, _ frames: @escaping @Sendable (UInt8) -> Frame
    ) throws -> (TestServer, RawClient, Inbox<CloseReason>) {
        let reasons = Inbox<CloseReason>()
        var options = ConnectionOptions()
        options.sendBufferBytes = sendBufferBytes
        let server = try TestServer(options: options, closed: { reasons.add($1) }) { frame, connection in
            connection.complete(connection.reserveResponse(), frames(frame[0]))
        }
        return (server, try RawClient(port: server.listener.port), reasons)
    }

    @Test(arguments: [true, false])
    func `parts of files go out between bytes, in order`(withDescriptor: Bool) throws {
        let file = try TestFile(content, withDescriptor: withDescriptor)
        let parts = [(7, 300_000), (500_000, 100_000), (0, 1), (999, 3)]
        let middle = parts.flatMap { part -> [UInt8] in Array(content[part.0..<part.0 + part.1]) }
        let expected: [UInt8] = [1, 2, 3] + middle + [4]
        let (server, client, _) = try answer(sendBufferBytes: 20_000) { _ in
            var segments: [Frame.Segment] = [.bytes(Bytes([0, 0, 0, 0])), .bytes(Bytes([1, 2, 3]))]
            for (position, count) in parts {
                segments.append(.file(FileRegion(source: file, position: Int64(position), count: count)))
            }
            segments.append(.bytes(Bytes([4])))
            return Frame(segments: segments, count: expected.count + 4)
        }
        defer { server.stop() }
        for _ in 0..<2 {
            client.send(frame: [0])
            #expect(client.receive(4) == [0, 0, 0, 0])
            #expect(client.receive(expected.count) == expected)
        }
    }

    @Test(arguments: [true, false])
    func `a file that is shorter than promised closes the connection`(withDescriptor: Bool) throws {
        let file = try TestFile(Array(content[..<100_000]), withDescriptor: withDescriptor)
        let (server, client, reasons) = try answer(sendBufferBytes: 20_000) { _ in
            Frame(
                segments: [.bytes(Bytes([9])), .file(FileRegion(source: file, position: 50_000, count: 60_000))],
                count: 60_001)
        }
        defer { server.stop() }
        client.send(frame: [0])
        #expect(client.receive(100_000) == [9] + content[50_000..<100_000])
        #expect(reasons.wait(count: 1) == [.brokenRegion])
    }

    @Test func `a connection with endless output does not keep others waiting`() throws {
        let file = try TestFile(content, withDescriptor: true)
        // A minute's worth: it lasts however late the modest one is.
        let most = 300_000
        let (server, greedy, _) = try answer(sendBufferBytes: -1) { kind in
            guard kind == 1 else { return .prefixed([2]) }
            let region = FileRegion(source: file, position: 0, count: 600_000)
            return Frame(segments: Array(repeating: .file(region), count: most), count: most * region.count)
        }
        defer { server.stop() }
        greedy.send(frame: [1])
        let modest = try RawClient(port: server.listener.port)
        let regions = Monitor(0)
        let reader = Thread(name: "test") {
            while greedy.receive(600_000).count == 600_000 { regions.update { $0 += 1 } }
        }
        // Both are under way.
        #expect(regions.wait(timeoutMs: 20_000) { $0 >= 1 ? true : nil } == true)
        modest.send(frame: [2])
        #expect(modest.receiveFrame() == [2])
        regions.withLock { #expect($0 < most) }
        shutdown(greedy.descriptor, Int32(SHUT_RDWR))
        reader.join()
    }
}

/// A file that is gone when it is no longer used.
final class TestFile: RegionSource {
    private let file: Int32
    let descriptor: Int32?

    init(_ content: [UInt8], withDescriptor: Bool) throws {
        var path = Array("/tmp/kcore-net-XXXXXX".utf8CString)
        let file = mkstemp(&path)
        unlink(path)
        self.file = file
        descriptor = withDescriptor ? file : nil
        guard content.withUnsafeBytes({ pwrite(file, $0.baseAddress, $0.count, 0) }) == content.count else {
            throw NetError("write", code: errno)
        }
    }

    deinit { close(file) }

    func read(at position: Int64, into target: UnsafeMutableRawBufferPointer) -> Int {
        // In pieces that do not fit anything.
        pread(file, target.baseAddress, min(target.count, 77_777), off_t(position))
    }
}
