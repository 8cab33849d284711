internal import Synchronization

/// What becomes of decisions: their markers, and then word of it to the machine that decided.
///
/// A coordinator that starts anew asks for the markers again. While they are still being written that must not begin a
/// second time: a marker that came late would end the producer's next transaction.
final class TransactionEnds: Sendable {
    /// Has the markers of a transaction written, however long it takes, and then calls `completion` once.
    typealias Mark = @Sendable (_ end: TransactionEnd, _ completion: @escaping @Sendable () -> Void) -> Void

    private struct Key: Hashable {
        var transactionalId: String
        var producer: TransactionMachine.Producer
    }

    // Not held: its machines hold this.
    private struct Served: Sendable {
        weak var runtime: CoordinatorRuntime<TransactionMachine>?
    }

    private let served = Mutex(Served())
    private let inProgress = Mutex<Set<Key>>([])
    private let mark: Mark
    private let isOver: @Sendable (_ transactionalId: String) -> Void

    /// - Parameter isOver: told of a transaction that is complete, in the order of answers: behind those that said that it was
    ///   not.
    init(mark: @escaping Mark, isOver: @escaping @Sendable (_ transactionalId: String) -> Void) {
        self.mark = mark
        self.isOver = isOver
    }

    /// Says where the machines are. Before that no decision is made.
    func serve(_ runtime: CoordinatorRuntime<TransactionMachine>) { served.withLock { $0.runtime = runtime } }

    /// A decision is kept.
    func send(_ end: TransactionEnd) {
        let producer = TransactionMachine.Producer(id: end.producerId, epoch: end.producerEpoch)
        let key = Key(transactionalId: end.transactionalId, producer: producer)
        guard inProgress.withLock({ $0.insert(key).inserted }) else { return }
        mark(end) { [self] in
            let runtime = served.withLock { $0.runtime }
            // Whoever does not take it now asks for the markers again when it has loaded.
            let reply = CoordinatorReply<Void> { _ in
                self.inProgress.withLock { _ = $0.remove(key) }
                self.isOver(end.transactionalId)
            } refusal: { _ in
                ()
            }
            runtime?.perform(in: end.coordinatorPartition) { machine, turn in
                machine.markersWritten(end, &turn)
                turn.send((), to: reply)
            } refused: {
                reply.refuse(.notCoordinator)
            }
        }
    }
}
