import Glibc
import Testing

@testable import KCore

@Suite struct TransportLayerTests {
    /// Two connections on one loop that a test turns, over a network that exists in memory only.
    private struct Network {
        let loop: EventLoop
        let client: Connection
        let server: Connection
        let answers = Inbox<[UInt8]>()
        let reasons = Inbox<CloseReason>()

        init(
            seed: UInt64, options: ConnectionOptions = ConnectionOptions(), received: @escaping ClosureHandler.Received
        ) throws {
            loop = try EventLoop(clock: StepClock(), startsThread: false)
            loop.turn(maxWaitMs: 0)
            let (near, far) = MemoryLayer.pair(seed: seed, loop: loop)
            client = Connection(
                loop: loop, transport: Transport(layer: near), peer: nil, options: options, isOutbound: true)
            server = Connection(
                loop: loop, transport: Transport(layer: far), peer: nil, options: options, isOutbound: false)
            near.connection = client
            far.connection = server
            let (answers, reasons) = (self.answers, self.reasons)
            try client.open(ClosureHandler(closed: { reasons.add($1) }) { frame, _ in answers.add(frame.array) })
            try server.open(ClosureHandler(closed: { reasons.add($1) }, received: received))
        }

        func turn(until isDone: () -> Bool) {
            for _ in 0..<100_000 where !isDone() { loop.turn(maxWaitMs: 0) }
        }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `frames pass a network that takes and gives any number of bytes`(seed: UInt64) throws {
        let file = try TestFile((0..<5000).map { UInt8(truncatingIfNeeded: $0) }, withDescriptor: true)
        let network = try Network(seed: seed) { frame, connection in
            let slot = connection.reserveResponse()
            let header = Bytes(Array(RawClient.framed([UInt8](repeating: 0, count: 5000 + frame.count))[..<4]))
            connection.complete(
                slot,
                Frame(
                    segments: [
                        .bytes(header), .file(FileRegion(source: file, position: 0, count: 5000)), .bytes(frame),
                    ],
                    count: 5004 + frame.count))
        }
        let sizes = [0, 1, 3, 100, 4096, 70_000, 2]
        for size in sizes { network.client.send(.prefixed([UInt8](repeating: UInt8(size % 251), count: size))) }
        network.turn { network.answers.all.count == sizes.count }
        let prefix = (0..<5000).map { UInt8(truncatingIfNeeded: $0) }
        #expect(network.answers.all == sizes.map { prefix + [UInt8](repeating: UInt8($0 % 251), count: $0) })
        #expect(network.reasons.all == [])
    }

    @Test func `the end of one side is seen by the other`() throws {
        let network = try Network(seed: 1) { _, connection in connection.close() }
        network.client.send(.prefixed([1]))
        network.turn { network.reasons.all.count == 2 }
        #expect(network.reasons.all == [.local, .peerClosed])
    }
}

/// One end of a stream in memory.
///
/// `@unchecked Sendable`: used on the thread that turns the loop only.
private final class MemoryLayer: TransportLayer, @unchecked Sendable {
    private var input: [UInt8] = []
    private var other: MemoryLayer?
    private var isEnded = false
    private var generator: SeededGenerator
    private let loop: EventLoop
    weak var connection: Connection?

    let descriptor: Int32? = nil
    let interest: Readiness = []
    // The loop is told whenever something comes.
    let hasBufferedInput = false

    private init(seed: UInt64, loop: EventLoop) {
        generator = SeededGenerator(seed: seed)
        self.loop = loop
    }

    static func pair(seed: UInt64, loop: EventLoop) -> (MemoryLayer, MemoryLayer) {
        let (a, b) = (MemoryLayer(seed: seed, loop: loop), MemoryLayer(seed: seed + 1000, loop: loop))
        (a.other, b.other) = (b, a)
        return (a, b)
    }

    private func announce() { loop.execute { self.connection?.transportReady() } }

    func read(into first: UnsafeMutableRawBufferPointer, then second: UnsafeMutableRawBufferPointer) -> Int {
        guard !input.isEmpty else { return isEnded ? 0 : -Int(EAGAIN) }
        let count = min(Int.random(in: 1...10_000, using: &generator), input.count, first.count + second.count)
        first.copyBytes(from: input[..<min(count, first.count)])
        if count > first.count { second.copyBytes(from: input[first.count..<count]) }
        input.removeFirst(count)
        if !input.isEmpty || isEnded { announce() }
        return count
    }

    func write(_ pieces: UnsafeBufferPointer<UnsafeRawBufferPointer>) -> Int {
        guard let other else { return -Int(EPIPE) }
        var room = Int.random(in: 0...5000, using: &generator)
        // As with a socket, the room that was lacking is announced when it is there.
        announce()
        guard room > 0 else { return -Int(EAGAIN) }
        let before = other.input.count
        for piece in pieces where room > 0 {
            other.input += piece.prefix(room)
            room -= min(room, piece.count)
        }
        other.announce()
        return other.input.count - before
    }

    func close() {
        other?.isEnded = true
        other?.announce()
        other?.other = nil
        other = nil
    }
}
