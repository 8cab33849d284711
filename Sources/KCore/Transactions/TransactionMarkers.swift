internal import Synchronization

/// The partitions that markers are written to, wherever they are.
protocol MarkedPartitions: AnyObject, Sendable {
    /// Writes one marker.
    /// - Parameter completion: called once, on any thread, when the marker is kept or refused.
    func write(
        _ marker: CoordinatorTransactionEnd, to place: TopicPartition,
        _ completion: @escaping @Sendable (ErrorCode) -> Void)
    /// Whether the transaction that the marker ends is open there, in whichever epoch.
    /// - Returns: nil where nobody can say at the moment.
    func isOpen(_ marker: CoordinatorTransactionEnd, in place: TopicPartition) -> Bool?
}

/// Has all partitions of a transaction marked, however long it takes.
final class TransactionMarkers: Sendable {
    /// How long a partition that does not take its marker is left alone.
    private static let retryMs: Int64 = 100
    /// How long one is left alone that refuses the marker.
    private static let refusedRetryMs: Int64 = 10_000
    /// How long one is left alone at most that takes nothing: each time twice as long.
    private static let longestRetryMs: Int64 = 1000
    /// How often that has happened when it is told.
    private static let failuresBeforeWord = 6

    private let partitions: any MarkedPartitions
    private let loop: EventLoop
    private let logger: Logger
    /// Partitions of which it was told that transactions cannot be ended there now.
    private let failing = Mutex<Set<TopicPartition>>([])

    /// - Parameter loop: where the time to try again is waited for.
    init(_ partitions: any MarkedPartitions, loop: EventLoop, logger: Logger) {
        self.partitions = partitions
        self.loop = loop
        self.logger = logger
    }

    /// - Parameter completion: called once, on any thread, when the last partition is marked.
    func write(_ end: TransactionEnd, coordinatorEpoch: Int32, _ completion: @escaping @Sendable () -> Void) {
        if end.partitions.isEmpty { return completion() }
        let marker = CoordinatorTransactionEnd(
            producerId: end.producerId, producerEpoch: end.producerEpoch, coordinatorEpoch: coordinatorEpoch,
            isCommit: end.isCommit)
        let tally = Tally(end.partitions.count, completion)
        for place in end.partitions.sorted() { keepWriting(marker, to: place, tally) }
    }

    private func keepWriting(
        _ marker: CoordinatorTransactionEnd, to place: TopicPartition, _ tally: Tally, isRefused: Bool = false,
        failures: Int = 0
    ) {
        partitions.write(marker, to: place) { [self] code in
            switch code {
            case .none:
                forget(place, failures)
                tally.done()
            case .unknownTopicOrPartition:
                // The topic is deleted.
                forget(place, failures)
                warn("a transaction cannot be ended", code, marker, place)
                tally.done()
            case .invalidProducerEpoch, .transactionCoordinatorFenced:
                // Somebody has written there with an epoch that only a later coordinator or producer could have. As long as the
                // transaction is open there nobody may be told that it has ended; an administrator can end it.
                forget(place, failures)
                guard let isOpen = partitions.isOpen(marker, in: place) else {
                    return again(afterMs: Self.retryMs, marker, place, tally, isRefused: isRefused)
                }
                guard isOpen else {
                    warn("a transaction was ended by somebody else", code, marker, place)
                    return tally.done()
                }
                if !isRefused {
                    warn("a transaction cannot be ended, it hangs until somebody does", code, marker, place)
                }
                again(afterMs: Self.refusedRetryMs, marker, place, tally, isRefused: true)
            default:
                // A directory that is offline, or a coordinator of groups whose log is damaged, may refuse for as long as
                // the broker runs, and the markers of thousands of transactions.
                if failures == Self.failuresBeforeWord, failing.withLock({ $0.insert(place).inserted }) {
                    logger.warning(
                        "transactions cannot be ended for now, and are tried again: \(code.meaning)",
                        ["partition": place])
                }
                let pauseMs = min(Self.retryMs << Int64(min(failures, 10)), Self.longestRetryMs)
                again(afterMs: pauseMs, marker, place, tally, isRefused: isRefused, failures: failures + 1)
            }
        }
    }

    // It answers something else again: when it takes none the next time, that is told.
    private func forget(_ place: TopicPartition, _ failures: Int) {
        if failures >= Self.failuresBeforeWord { failing.withLock { _ = $0.remove(place) } }
    }

    private func again(
        afterMs: Int64, _ marker: CoordinatorTransactionEnd, _ place: TopicPartition, _ tally: Tally, isRefused: Bool,
        failures: Int = 0
    ) {
        loop.execute {
            self.loop.schedule(afterMs: afterMs) {
                self.keepWriting(marker, to: place, tally, isRefused: isRefused, failures: failures)
            }
        }
    }

    private func warn(
        _ what: String, _ code: ErrorCode, _ marker: CoordinatorTransactionEnd, _ place: TopicPartition
    ) {
        logger.warning(
            "\(what): \(code.meaning)",
            ["partition": place, "producerId": marker.producerId, "producerEpoch": marker.producerEpoch])
    }

    /// Calls its completion when so many things are done.
    private final class Tally: Sendable {
        private let missing: Atomic<Int>
        private let completion: @Sendable () -> Void

        init(_ count: Int, _ completion: @escaping @Sendable () -> Void) {
            missing = Atomic(count)
            self.completion = completion
        }

        func done() { if missing.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { completion() } }
    }
}
