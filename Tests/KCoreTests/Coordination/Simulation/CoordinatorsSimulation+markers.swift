@testable import KCore

/// Where decisions go when they are kept.
///
/// `@unchecked Sendable`: one thread runs a simulation.
final class SimulatedEnds: @unchecked Sendable {
    var send: (TransactionEnd) -> Void = { _ in }
}

/// The end of a transaction whose markers are being written.
struct SimulatedEnding {
    var end: TransactionEnd
    var attempt: Int?
    var coordinatorEpoch: Int32
    var missing: Set<TopicPartition>
}

/// What the broker does with decisions: markers, each on its own way, and then word to the coordinator.
extension CoordinatorsSimulation {
    private static func key(_ end: TransactionEnd) -> String {
        "\(end.transactionalId)/\(end.producerId)/\(end.producerEpoch)"
    }

    func sendMarkers(_ end: TransactionEnd) {
        var end = end
        let (attempt, problem) = transactionChecker.decided(end, nowMs)
        note(problem)
        let key = Self.key(end)
        trace("\(key) is to \(end.isCommit ? "commit" : "abort")")
        // While markers are being written, nobody begins to write them a second time.
        guard endings[key] == nil else { return }
        if bug == .forgetsDecision, !decided.insert(key).inserted { end.isCommit = false }
        decided.insert(key)
        if bug == .marksWithFormerEpoch { end.producerEpoch -= 1 }
        var places = end.partitions
        if bug == .forgetsMarker, places.count > 1, let left = places.max() { places.remove(left) }
        endings[key] = SimulatedEnding(
            end: end, attempt: attempt, coordinatorEpoch: transactions.life, missing: places)
        if places.isEmpty { complete(key) }
        for place in places.sorted() { sendMarker(key, place) }
    }

    private func sendMarker(_ key: String, _ place: TopicPartition) {
        let life = brokerLife
        let delayMs = network.chance(10) ? Int64(network.int(500...8000)) : network.delayMs()
        network.later(delayMs) { [unowned self] in
            // What the broker itself was to send is gone with it.
            guard life == brokerLife, let ending = endings[key] else { return }
            if place == Self.groupsPlace { return markGroups(key, ending) }
            let entries = places[Int(place.partition)].mark(
                ending.end, coordinatorEpoch: ending.coordinatorEpoch, nowMs)
            note(transactionChecker.marked(entries, by: ending.end, of: ending.attempt))
            isMarked(key, place)
        }
    }

    private func markGroups(_ key: String, _ ending: SimulatedEnding) {
        let end = CoordinatorTransactionEnd(
            producerId: ending.end.producerId, producerEpoch: ending.end.producerEpoch,
            coordinatorEpoch: ending.coordinatorEpoch, isCommit: ending.end.isCommit)
        let late = bug == .lateTransactionWins && end.isCommit ? pendingOffsets(of: end.producerId) : []
        let life = groups.life
        // When the coordinator is gone before it has said so, nobody knows whether it is there.
        groupMarkers[key] = (end.producerId, end.isCommit)
        groups.end(end) { [unowned self] code in
            groupMarkers[key] = nil
            trace("the marker of \(key) is in \(Self.groupsPlace.topic): \(code.name)")
            switch code {
            case .none:
                offsetChecker.ended(end.producerId, isCommit: end.isCommit, isCertain: true)
                for (key, offset) in late { plant(offset, key) }
                isMarked(key, Self.groupsPlace)
            case .invalidProducerEpoch, .transactionCoordinatorFenced: isMarked(key, Self.groupsPlace)
            default:
                if code != .coordinatorLoadInProgress {
                    offsetChecker.ended(end.producerId, isCommit: end.isCommit, isCertain: false)
                }
                sendMarker(key, Self.groupsPlace)
            }
        }
        network.later(5000) { [unowned self] in
            guard groups.life != life, groupMarkers.removeValue(forKey: key) != nil else { return }
            sendMarker(key, Self.groupsPlace)
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

    private func isMarked(_ key: String, _ place: TopicPartition) {
        guard endings[key]?.missing.remove(place) != nil, endings[key]?.missing.isEmpty == true else { return }
        complete(key)
    }

    /// Whoever does not take it now asks for the markers again when it has loaded.
    private func complete(_ key: String) {
        guard let ending = endings[key] else { return }
        var end = ending.end
        if bug == .marksWithFormerEpoch { end.producerEpoch += 1 }
        let told = end
        transactions.ask({ _ in false }) { machine, turn, reply in
            machine.markersWritten(told, &turn)
            turn.send(true, to: reply)
        } _: { [unowned self] _ in
            endings[key] = nil
        }
    }

    // MARK: The end of a broker

    func crashTransactions() {
        count("crashes of the transactions' coordinator")
        trace("the transactions' coordinator is gone")
        if network.int(0...1) == 0 {
            // With all that it was doing.
            brokerLife += 1
            for (_, ending) in endings.sorted(by: { $0.key < $1.key }) where groupMarkersOf(ending) {
                offsetChecker.ended(ending.end.producerId, isCommit: ending.end.isCommit, isCertain: false)
            }
            (endings, groupMarkers) = ([:], [:])
            transactions.crash()
        } else {
            transactions.resign()
        }
    }

    private func groupMarkersOf(_ ending: SimulatedEnding) -> Bool { groupMarkers[Self.key(ending.end)] != nil }

    func crashGroups() {
        count("crashes of the groups' coordinator")
        trace("the groups' coordinator is gone")
        if network.int(0...1) == 0 {
            offsetChecker.crash()
            for (_, (producerId, isCommit)) in groupMarkers.sorted(by: { $0.key < $1.key }) {
                offsetChecker.ended(producerId, isCommit: isCommit, isCertain: false)
            }
            groups.crash()
        } else {
            groups.resign()
        }
    }
}

extension SimulatedCoordinator {
    func end(_ end: CoordinatorTransactionEnd, _ answered: @escaping (ErrorCode) -> Void) {
        nonisolated(unsafe) let answered = answered
        nonisolated(unsafe) var isOver = false
        let once: @Sendable (ErrorCode) -> Void = { code in
            if !isOver { answered(code) }
            isOver = true
        }
        partition.endTransaction(end, CoordinatorReply<Void>({ once(.none) }, refusal: { once($0) }))
    }
}
