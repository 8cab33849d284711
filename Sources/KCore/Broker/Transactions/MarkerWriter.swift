internal import Synchronization

/// Writes the markers that end transactions into the partitions that this broker leads.
final class MarkerWriter: MarkedPartitions {
    /// Ends a transaction in a partition of the groups' coordinators, which have to know of it.
    typealias EndInGroups = @Sendable (CoordinatorTransactionEnd, Int32, CoordinatorReply<Void>) -> Void

    private let partitions: PartitionManager
    private let clock: any Clock
    private let endInGroups: EndInGroups

    init(partitions: PartitionManager, clock: any Clock, endInGroups: @escaping EndInGroups) {
        self.partitions = partitions
        self.clock = clock
        self.endInGroups = endInGroups
    }

    func write(
        _ marker: CoordinatorTransactionEnd, to place: TopicPartition,
        _ completion: @escaping @Sendable (ErrorCode) -> Void
    ) {
        guard let topic = partitions.table.value.find(place.topic) else { return completion(.unknownTopicOrPartition) }
        guard let partition = topic.partition(place.partition) else { return completion(topic.error(place.partition)) }
        // Its coordinator is given up, and says only that it is not here.
        if partition.log.isOffline { return completion(.kafkaStorageError) }
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

    func isOpen(_ marker: CoordinatorTransactionEnd, in place: TopicPartition) -> Bool? {
        let partition = partitions.table.value.find(place.topic)?.partition(place.partition)
        return partition?.log.hasOpenTransaction(of: marker.producerId)
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
