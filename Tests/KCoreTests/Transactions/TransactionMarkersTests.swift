import Synchronization
import Testing

@testable import KCore

/// Markers that are not taken at once, on a loop that is turned by hand.
@Suite struct TransactionMarkersTests {
    /// Partitions that all answer the same.
    private final class Partitions: MarkedPartitions {
        let answer = Mutex(ErrorCode.none)
        let asked = Atomic(0)

        func write(
            _ marker: CoordinatorTransactionEnd, to place: TopicPartition,
            _ completion: @escaping @Sendable (ErrorCode) -> Void
        ) {
            asked.add(1, ordering: .relaxed)
            completion(answer.withLock { $0 })
        }

        func isOpen(_ marker: CoordinatorTransactionEnd, in place: TopicPartition) -> Bool? { nil }
    }

    private let partitions = Partitions()
    private let clock = ManualClock()
    private let loop: EventLoop
    private let done = Heard<String>()
    private var asked: Int { partitions.asked.load(ordering: .relaxed) }

    init() throws { loop = try EventLoop(clock: clock, startsThread: false) }

    private func write(_ logger: Logger) { write(by: TransactionMarkers(partitions, loop: loop, logger: logger)) }

    private func write(by markers: TransactionMarkers) {
        let end = TransactionEnd(
            transactionalId: "t", producerId: 7, producerEpoch: 0, isCommit: true,
            partitions: [TopicPartition(topic: "__consumer_offsets", partition: 3)], coordinatorPartition: 0)
        markers.write(end, coordinatorEpoch: 0) { [done] in
            done.add("done")
        }
    }

    private func advance(ms: Int64) {
        for _ in 0..<ms / 50 {
            clock.advance(ms: 50)
            for _ in 0..<3 { loop.turn(maxWaitMs: 0) }
        }
    }

    @Test(arguments: [ErrorCode.notCoordinator, .coordinatorLoadInProgress, .kafkaStorageError])
    func `a partition that takes no marker is tried less and less, but each second, and told of once`(
        code: ErrorCode
    ) {
        let capture = PipeCapture()
        partitions.answer.withLock { $0 = code }
        write(Logger(component: "transactions", sink: Logger.Sink(descriptor: capture.descriptor)))
        advance(ms: 1000)
        #expect(asked == 4)
        advance(ms: 9000)
        #expect((12...14).contains(asked) && done.all.isEmpty)
        let lines = capture.text.split(separator: "\n")
        #expect(lines.count == 1 && lines.allSatisfy { $0.contains("are tried again") })
        partitions.answer.withLock { $0 = .none }
        let before = asked
        advance(ms: 1000)
        #expect(asked == before + 1 && done.all == ["done"])
    }

    @Test(arguments: [ErrorCode.none, .unknownTopicOrPartition, .invalidProducerEpoch])
    func `a partition that fails again after it has answered is told of again`(answer: ErrorCode) {
        let capture = PipeCapture()
        let logger = Logger(component: "transactions", sink: Logger.Sink(descriptor: capture.descriptor))
        let markers = TransactionMarkers(partitions, loop: loop, logger: logger)
        for _ in 0..<2 {
            partitions.answer.withLock { $0 = .notCoordinator }
            write(by: markers)
            advance(ms: 10_000)
            partitions.answer.withLock { $0 = answer }
            advance(ms: 2000)
        }
        #expect(capture.text.split(separator: "\n").count { $0.contains("are tried again") } == 2)
    }
}
