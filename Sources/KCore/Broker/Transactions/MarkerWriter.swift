internal import Synchronization

/// Writes the markers that end transactions into the partitions that this broker leads.
final class MarkerWriter: Sendable {
    /// Ends a transaction in a partition of the groups' coordinators, which have to know of it.
    typealias GroupEnd = @Sendable (CoordinatorTransactionEnd, Int32, CoordinatorReply<Void>) -> Void

    /// How long a partition that does not take its marker is left alone.
    private static let retryMs: Int64 = 100
    /// How long one is left alone that refuses the marker.
    private static let refusedRetryMs: Int64 = 10_000

    private let partitions: PartitionManager
    private let loop: EventLoop
    private let clock: any Clock
    private let logger: Logger
    private let endInGroups: GroupEnd

    /// - Parameter loop: where the time to try again is waited for.
    init(
        partitions: PartitionManager, loop: EventLoop, clock: any Clock, logger: Logger,
        endInGroups: @escaping GroupEnd
    ) {
        self.partitions = partitions
        self.loop = loop
        self.clock = clock
        self.logger = logger
        self.endInGroups = endInGroups
    }

    /// Writes one marker.
    /// - Parameter completion: called once, on any thread, when the marker is kept or refused.
    func write(
        _ marker: CoordinatorTransactionEnd, to place: TopicPartition,
        _ completion: @escaping @Sendable (ErrorCode) -> Void
    ) {
        guard let topic = partitions.table.value.find(place.topic) else { return completion(.unknownTopicOrPartition) }
        guard let partition = topic.partition(place.partition) else { return completion(topic.error(place.partition)) }
        if place.topic == CoordinatorTopic.groupsName {
            let once = Once(completion)
            return endInGroups(
                marker, place.partition,
                CoordinatorReply<Void> {
                    once.call(.none)
                } refusal: {
                    once.call($0)
                })
        }
        partition.log.environment.requests { [clock] in
            do throws(LogError) {
                let result = try partition.append(
                    try marker.batch(timestampMs: clock.wallMs), requiredAcks: -1, origin: .coordinator)
                guard result.awaitsFlush else { return completion(.none) }
                partition.log.whenFlushed(to: result.lastOffset + 1) { completion($0?.code ?? .none) }
            } catch {
                completion(error.code)
            }
        }
    }

    /// Has all partitions of a transaction marked, however long it takes.
    /// - Parameter completion: called once, on any thread, when the last one is.
    func writeAll(
        _ end: TransactionEnd, coordinatorEpoch: Int32, _ completion: @escaping @Sendable () -> Void
    ) {
        if end.partitions.isEmpty { return completion() }
        let marker = CoordinatorTransactionEnd(
            producerId: end.producerId, producerEpoch: end.producerEpoch, coordinatorEpoch: coordinatorEpoch,
            isCommit: end.isCommit)
        let tally = Tally(end.partitions.count, completion)
        for place in end.partitions { keepWriting(marker, to: place, tally) }
    }

    private func keepWriting(
        _ marker: CoordinatorTransactionEnd, to place: TopicPartition, _ tally: Tally, isRefused: Bool = false
    ) {
        write(marker, to: place) { [self] code in
            switch code {
            case .none: tally.done()
            case .unknownTopicOrPartition:
                // The topic is deleted.
                warn("a transaction cannot be ended", code, marker, place)
                tally.done()
            case .invalidProducerEpoch, .transactionCoordinatorFenced:
                // Somebody has written there with an epoch that only a later coordinator or producer could have. As long as the
                // transaction is open there nobody may be told that it has ended; an administrator can end it.
                guard isOpen(marker, in: place) else {
                    warn("a transaction was ended by somebody else", code, marker, place)
                    return tally.done()
                }
                if !isRefused {
                    warn("a transaction cannot be ended, it hangs until somebody does", code, marker, place)
                }
                again(afterMs: Self.refusedRetryMs, marker, place, tally, isRefused: true)
            default: again(afterMs: Self.retryMs, marker, place, tally, isRefused: isRefused)
            }
        }
    }

    private func again(
        afterMs: Int64, _ marker: CoordinatorTransactionEnd, _ place: TopicPartition, _ tally: Tally, isRefused: Bool
    ) {
        loop.execute {
            self.loop.schedule(afterMs: afterMs) { self.keepWriting(marker, to: place, tally, isRefused: isRefused) }
        }
    }

    private func isOpen(_ marker: CoordinatorTransactionEnd, in place: TopicPartition) -> Bool {
        let partition = partitions.table.value.find(place.topic)?.partition(place.partition)
        return partition?.log.hasOpenTransaction(of: marker.producerId) ?? true
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

    /// Passes on the first call only: a reply that is refused is sent as well.
    private final class Once: Sendable {
        private let isCalled = Atomic(false)
        private let completion: @Sendable (ErrorCode) -> Void

        init(_ completion: @escaping @Sendable (ErrorCode) -> Void) { self.completion = completion }

        func call(_ code: ErrorCode) {
            if isCalled.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged {
                completion(code)
            }
        }
    }
}

extension CoordinatorTransactionEnd {
    /// The marker that says this, as a batch.
    fileprivate func batch(timestampMs: Int64) throws(LogError) -> Bytes {
        let marker = EndTransactionMarker(isCommit: isCommit, coordinatorEpoch: coordinatorEpoch)
        do throws(RecordsError) {
            return try marker.batch(producerId: producerId, producerEpoch: producerEpoch, timestampMs: timestampMs)
        } catch {
            throw LogError(.unknownServerError, "a marker cannot be written: \(error)")
        }
    }
}
