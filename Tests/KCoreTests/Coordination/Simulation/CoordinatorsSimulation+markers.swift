@testable import KCore

/// The partitions that a broker writes markers to, each on its own way: what is on its way is gone with the broker.
///
/// `@unchecked Sendable`: one thread runs a simulation.
final class SimulatedMarkedPartitions: MarkedPartitions, @unchecked Sendable {
    private unowned let simulation: CoordinatorsSimulation
    var isGone = false

    init(_ simulation: CoordinatorsSimulation) { self.simulation = simulation }

    func write(
        _ marker: CoordinatorTransactionEnd, to place: TopicPartition,
        _ completion: @escaping @Sendable (ErrorCode) -> Void
    ) {
        simulation.send(marker, to: place, isGone: { [self] in isGone }) { [self] in if !isGone { completion($0) } }
    }

    func isOpen(_ marker: CoordinatorTransactionEnd, in place: TopicPartition) -> Bool? {
        simulation.isOpen(marker.producerId, in: place)
    }
}

/// A marker that the groups' coordinator has taken and not answered.
struct SimulatedGroupMarker {
    var producerId: Int64
    var isCommit: Bool
    var completion: (ErrorCode) -> Void
}

/// What the broker does with decisions: markers, and then word to the coordinator, by the product's own hand.
extension CoordinatorsSimulation {
    typealias Ending = TransactionMachine.Producer

    /// A broker begins that coordinates transactions.
    func begins(_ process: SimulatedCoordinator<TransactionMachine>.Process) {
        marked.isGone = true
        let marked = SimulatedMarkedPartitions(self)
        self.marked = marked
        let markers = TransactionMarkers(marked, loop: process.loop, logger: .silent)
        let ends = TransactionEnds { [unowned self] end, completion in
            markers.write(planted(end), coordinatorEpoch: transactions.leaderEpoch, completion)
        } isOver: { _ in
        }
        ends.serve(process.runtime)
        self.ends.current = ends
    }

    /// The coordinator says how a transaction ends.
    func decide(_ end: TransactionEnd) {
        let (attempt, problem) = transactionChecker.decided(end, nowMs)
        note(problem)
        trace(
            "\(end.transactionalId)/\(end.producerId)/\(end.producerEpoch) is to \(end.isCommit ? "commit" : "abort")")
        var end = end
        let key = Ending(id: end.producerId, epoch: end.producerEpoch)
        endings[key] = attempt
        if bug == .marksWithFormerEpoch { endings[Ending(id: key.id, epoch: key.epoch - 1)] = attempt }
        if bug == .forgetsDecision, !decided.insert(key).inserted { end.isCommit = false }
        ends.current?.send(end)
    }

    private func planted(_ end: TransactionEnd) -> TransactionEnd {
        var end = end
        if bug == .marksWithFormerEpoch { end.producerEpoch -= 1 }
        if bug == .forgetsMarker, end.partitions.count > 1, let left = end.partitions.max() {
            end.partitions.remove(left)
        }
        return end
    }

    func isOpen(_ producerId: Int64, in place: TopicPartition) -> Bool {
        if place == Self.groupsPlace { return groups.log.openProducers.contains(producerId) }
        return places[Self.index(of: place)].open[producerId]?.isEmpty == false
    }

    /// - Parameter isGone: whether who sends it is gone by now.
    func send(
        _ marker: CoordinatorTransactionEnd, to place: TopicPartition, isGone: @escaping () -> Bool,
        _ completion: @escaping (ErrorCode) -> Void
    ) {
        let delayMs = network.chance(10) ? Int64(network.int(500...8000)) : network.delayMs()
        network.later(delayMs) { [unowned self] in
            if isGone() { return }
            if place == Self.groupsPlace { return markGroups(marker, completion) }
            if !exists(place) {
                count("markers for topics that are gone")
                return completion(bug == .waitsForDeletedTopics ? .notLeaderOrFollower : .unknownTopicOrPartition)
            }
            let (code, entries) = places[Self.index(of: place)].mark(marker, nowMs)
            let attempt = endings[Ending(id: marker.producerId, epoch: marker.producerEpoch)]
            note(transactionChecker.marked(entries, by: marker, of: attempt ?? nil))
            completion(code)
        }
    }

    private func markGroups(_ marker: CoordinatorTransactionEnd, _ completion: @escaping (ErrorCode) -> Void) {
        let late = bug == .lateTransactionWins && marker.isCommit ? pendingOffsets(of: marker.producerId) : []
        groupMarkersTaken += 1
        let number = groupMarkersTaken
        groupMarkers[number] = SimulatedGroupMarker(
            producerId: marker.producerId, isCommit: marker.isCommit, completion: completion)
        groups.end(marker) { [unowned self] code in
            groupMarkers[number] = nil
            trace(
                "the marker of \(marker.producerId)/\(marker.producerEpoch) is in \(Self.groupsPlace.topic): \(code.name)"
            )
            switch code {
            case .none:
                offsetChecker.ended(marker.producerId, isCommit: marker.isCommit, isCertain: true)
                for (key, offset) in late { plant(offset, key) }
            case .invalidProducerEpoch, .transactionCoordinatorFenced, .coordinatorLoadInProgress: break
            default: offsetChecker.ended(marker.producerId, isCommit: marker.isCommit, isCertain: false)
            }
            completion(code)
        }
    }

    private func pendingOffsets(of producerId: Int64) -> [(OffsetChecker.Key, Int64)] {
        (groups.machine?.groups ?? NameMap()).flatMap { id, group in
            (group.offsets.pending[producerId] ?? [:]).flatMap { topic, partitions in
                partitions.map { index, offset in
                    let partition = TopicPartition(topic: topic, partition: index)
                    return (OffsetChecker.Key(group: id, partition: partition), offset.offset)
                }
            }
        }.sorted { $0.0 < $1.0 }
    }

    // MARK: The end of a broker

    func crashTransactions() {
        count("crashes of the transactions' coordinator")
        trace("the transactions' coordinator is gone")
        // With all that it was doing, or only as leader.
        if network.int(0...1) == 0 { transactions.crash() } else { transactions.resign() }
    }

    func crashGroups() {
        count("crashes of the groups' coordinator")
        trace("the groups' coordinator is gone")
        mayReturn()
        guard network.int(0...1) == 0 else { return groups.resign() }
        if plan.commitsWhole { commitAtLast() }
        offsetChecker.crash()
        // Nobody knows which of them are there. Whoever wrote them is told that the connection is gone.
        for (_, marker) in groupMarkers.sorted(by: { $0.key < $1.key }) {
            offsetChecker.ended(marker.producerId, isCommit: marker.isCommit, isCertain: false)
            network.later(1000) { marker.completion(.notCoordinator) }
        }
        groupMarkers = [:]
        groups.crash()
    }
}
