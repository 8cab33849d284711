/// What a coordinator's partition asks of its log and may wait for the disk. Until it is done the partition makes no step, so
/// that what the machine knows and what the log says keep their order.
struct CoordinatorLateWork: Sendable {
    enum Task: Sendable {
        /// Batches, in this order.
        case append([Bytes])
        /// Whether a producer may write into a transaction.
        case check(CoordinatorProducer)
    }

    let log: any CoordinatorLog
    let task: Task

    /// Does it, on a thread that may wait: see ``CoordinatorLog/runLate(_:)``.
    /// - Returns: what became of the last batch, for all of them; what the log, or the check, has against it.
    func run() -> Result<CoordinatorAppended, LogError> {
        do throws(LogError) {
            var appended = CoordinatorAppended(endOffset: 0)
            switch task {
            case .append(let batches):
                for batch in batches {
                    let next = try log.append(batch)
                    appended.endOffset = max(next.endOffset, appended.endOffset)
                    appended.awaitsFlush = appended.awaitsFlush || next.awaitsFlush
                }
            case .check(let producer):
                let code = log.check(producer)
                if code != .none { throw LogError(code, "") }
            }
            return .success(appended)
        } catch {
            return .failure(error)
        }
    }
}

/// Who waits for a step of a coordinator's partition, in the order in which they came.
struct CoordinatorWaitingSteps<Machine: CoordinatorMachine> {
    enum Kind {
        case plain
        /// Its records belong to a transaction.
        case transactional(CoordinatorProducer)
        /// The marker of a transaction is to be written; there is no body.
        case end(CoordinatorTransactionEnd, CoordinatorReply<Void>)
    }

    struct Step {
        var kind: Kind
        var refuse: (ErrorCode) -> Void
        var body: (inout Machine, inout CoordinatorTurn<Machine.Record>) -> Void
    }

    // Nil for one that was taken.
    private var steps: [Step?] = []
    private var head = 0

    var count: Int { steps.count - head }
    var first: Step? { head < steps.count ? steps[head] : nil }

    mutating func add(_ step: Step) { steps.append(step) }

    mutating func removeFirst() {
        guard head < steps.count else { return }
        steps[head] = nil
        head += 1
        if head == steps.count {
            steps.removeAll(keepingCapacity: steps.count <= 1024)
            head = 0
        }
    }

    /// - Returns: those that waited.
    mutating func removeAll() -> [Step] {
        defer { (steps, head) = ([], 0) }
        return steps[head...].compactMap { $0 }
    }
}
