@testable import KCore

/// What a broker does before a transaction begins in a partition: it asks the coordinator, or has the partition added.
extension CoordinatorsSimulation {
    /// - Parameter admitted: told what the coordinator says, some time later; never when the coordinator dies before.
    func admit(
        _ index: Int, _ producer: SimulatedProducer.Producer, _ attempt: Int, _ place: TopicPartition,
        _ admitted: @escaping (ErrorCode) -> Void
    ) {
        let (id, adds) = (producers[index].id, producers[index].addsByWriting)
        let isZombie = transactionChecker.isZombie(id, producer)
        let asked = bug == .takesLateWrites ? current(id) ?? producer : producer
        if adds { transactionChecker.takesAdd(attempt, nowMs) }
        let isEarly = adds && bug == .appendsBeforeAdding
        if isEarly { admitted(.none) }
        transactions.ask({ $0 }) { machine, turn, reply in
            let code =
                adds
                ? machine.addPartitions(id, asked, [place], clientVersion: 2, &turn)
                : machine.verify(id, producer, [place])[place] ?? .unknownServerError
            turn.send(code, to: reply)
        } _: { [unowned self] code in
            if adds { isAdded(place, attempt, id, producer, code, isZombie: isZombie) }
            // A marker may come before the partition hears of it.
            if !isEarly { network.later(Int64(network.int(0...50))) { admitted(code) } }
        }
    }

    private func isAdded(
        _ place: TopicPartition, _ attempt: Int, _ id: String, _ producer: SimulatedProducer.Producer,
        _ code: ErrorCode, isZombie: Bool
    ) {
        trace("\(id) \(producer.id)/\(producer.epoch) writes to \(place) in transaction \(attempt): \(code.name)")
        guard code == .none else { return }
        count("partitions added by writing")
        if isZombie { note("a zombie of \(id), \(producer), adds a partition") }
        transactionChecker.added(attempt)
    }
}
