/// A machine and its log. Touched by one thread at a time: its loop, or a test.
///
/// Steps run with ``run(_:reply:_:)`` and their like, which change the machine at once; ``flush(nowMs:)`` appends what they
/// wrote and lets their answers go when the high watermark has passed it. What would have to wait for the log's disk is left
/// to another thread, see ``takeLateWork()``: until that has come back the steps wait in the order in which they came.
final class CoordinatorPartition<Machine: CoordinatorMachine> {
    typealias Turn = CoordinatorTurn<Machine.Record>

    enum Phase: Equatable {
        case loading
        case active
        /// Waits to be loaded again.
        case failed
    }

    /// Bytes at which a batch is closed and another one begun: half of what the log takes, so that what stands around the
    /// records has room.
    private var maxBatchBytes: Int { min(512 << 10, log.maxBatchBytes / 2) }
    /// Requests that wait at most: a disk that does not answer must not fill the memory.
    private static var mostWaiting: Int { 10_000 }

    let log: any CoordinatorLog
    private(set) var phase = Phase.loading
    private(set) var machine: Machine?
    /// Tells a load from one that has been overtaken.
    private(set) var loadNumber = 0
    /// How often it failed since the last time that the log took a record.
    private(set) var failures = 0
    /// Whether the last one will be the same the next time, as far as one can tell.
    private(set) var failureLasts = false
    /// Why it failed the last time.
    private(set) var failure = ""
    private let clock: any Clock
    private var nextOffset: Int64 = 0
    private var batches = CoordinatorBatches<Machine>()
    private var effects: [CoordinatorEffect] = []
    // Of what is appended, and not below the high watermark yet.
    private var held = CoordinatorHeldEffects()
    // What is to be on stable storage before anything more is told.
    private var mustFlushTo: Int64 = 0
    /// Who waits for a step.
    private var waiting = CoordinatorWaitingSteps<Machine>()
    private var isMakingSteps = false
    private var late: Late?
    // Until somebody has come for it.
    private var lateWork: CoordinatorLateWork?
    // What was found out for the first who waits.
    private var checked: ErrorCode?

    /// What another thread is doing.
    private enum Late {
        case append
        case marker(CoordinatorTransactionEnd, CoordinatorReply<Void>)
        case check
        /// Nobody wants to know any more what comes of it; but as long as it is on its way, the log may get records.
        case givenUp
    }

    init(log: any CoordinatorLog, clock: any Clock) {
        self.log = log
        self.clock = clock
    }

    /// Whether there is something for ``flush()`` to do.
    var isDirty: Bool { !effects.isEmpty || !batches.isEmpty }
    /// Whether another thread has work for the log, so that no step can be made.
    var isLate: Bool { late != nil }
    /// The high watermark that the first answer in the row was held back for, or when the log was left to another thread; nil
    /// when nothing waits.
    private(set) var awaitedFrom: Int64?
    /// Up to where the log has to be on stable storage before the first answer in the row can leave; nil when it is, or need
    /// not be.
    private(set) var awaitedFlush: Int64?

    // MARK: Loading

    /// - Returns: the number that the result is to come with.
    func beginLoading() -> Int {
        phase = .loading
        machine = nil
        loadNumber += 1
        return loadNumber
    }

    /// Takes what loading made, unless another load was begun since.
    func loaded(_ number: Int, _ machine: Machine, nextOffset: Int64) {
        guard number == loadNumber, phase == .loading else { return }
        self.machine = machine
        self.nextOffset = nextOffset
        phase = .active
        step { machine, turn in machine.didLoad(&turn) }
    }

    /// - Parameter lasts: whether it is the log that is damaged.
    func loadFailed(_ number: Int, lasts: Bool = false) {
        guard number == loadNumber, phase == .loading else { return }
        phase = .failed
        failureLasts = lasts
        // Who loads has said why.
        failure = ""
        failures += 1
    }

    // MARK: Steps

    /// Why no step can be made now; nil when one can.
    var refusal: ErrorCode? {
        switch phase {
        case .active: nil
        case .loading: .coordinatorLoadInProgress
        case .failed: .notCoordinator
        }
    }

    /// Makes a step for a request: it sends an answer through the turn, or keeps the reply for later.
    func run<Response>(
        _ reply: CoordinatorReply<Response>,
        _ body: @escaping (inout Machine, inout Turn, CoordinatorReply<Response>) -> Void
    ) {
        enter(.plain, refuse: reply.refuse) { machine, turn in body(&machine, &turn, reply) }
    }

    /// Makes a step whose records belong to a transaction. They are a batch of their own, which names the producer.
    /// Refused, with nothing done, when the log has fenced the producer.
    func run<Response>(
        in producer: CoordinatorProducer, _ reply: CoordinatorReply<Response>,
        _ body: @escaping (inout Machine, inout Turn, CoordinatorReply<Response>) -> Void
    ) {
        enter(.transactional(producer), refuse: reply.refuse) { machine, turn in body(&machine, &turn, reply) }
    }

    /// Writes the end of a transaction into the log, and applies it.
    func endTransaction(_ end: CoordinatorTransactionEnd, _ reply: CoordinatorReply<Void>) {
        enter(.end(end, reply), refuse: reply.refuse) { _, _ in }
    }

    /// Makes a step that nobody waits for, however long that takes.
    /// - Parameter refused: called instead, once, when there is no machine, or it is given up first.
    func perform(_ body: @escaping (inout Machine, inout Turn) -> Void, refused: @escaping () -> Void) {
        enter(.plain, isRequest: false, refuse: { _ in refused() }, body)
    }

    private func enter(
        _ kind: CoordinatorWaitingSteps<Machine>.Kind, isRequest: Bool = true, refuse: @escaping (ErrorCode) -> Void,
        _ body: @escaping (inout Machine, inout Turn) -> Void
    ) {
        // Once: how often it has failed says how long it is left alone.
        if phase == .active, isLate, log.isSilent {
            fail(CoordinatorPartition.answer(to: .kafkaStorageError), "the disk does not answer")
        }
        if let refusal { return refuse(refusal) }
        if isRequest, waiting.count >= Self.mostWaiting { return refuse(.coordinatorNotAvailable) }
        waiting.add(.init(kind: kind, refuse: refuse, body: body))
        makeSteps()
    }

    /// Makes the steps that wait, as far as that goes.
    private func makeSteps() {
        // An answer may bring the next request.
        if isMakingSteps { return }
        isMakingSteps = true
        defer { isMakingSteps = false }
        while phase == .active, !isLate, let next = waiting.first {
            guard case .plain = next.kind else {
                // What the log knows of producers must be as new as the step.
                flush()
                guard phase == .active, !isLate else { return }
                makeStep(in: next)
                continue
            }
            waiting.removeFirst()
            step(nil, next.body)
        }
    }

    private func makeStep(in next: CoordinatorWaitingSteps<Machine>.Step) {
        switch next.kind {
        case .plain: break
        case .transactional(let producer):
            guard let code = checked.take() ?? log.checkAtOnce(producer) else {
                return leave(.check, .check(producer))
            }
            waiting.removeFirst()
            guard code == .none else { return next.refuse(code) }
            step(producer, next.body)
            flush()
        case .end(let end, let reply):
            waiting.removeFirst()
            let marker = EndTransactionMarker(isCommit: end.isCommit, coordinatorEpoch: end.coordinatorEpoch)
            guard
                let batch = try? marker.batch(
                    producerId: end.producerId, producerEpoch: end.producerEpoch, timestampMs: clock.wallMs)
            else { return reply.refuse(.unknownServerError) }
            do throws(LogError) {
                // Alone, since the log may refuse it without having anything against what else is written.
                guard let appended = try log.appendAtOnce(batch) else {
                    return leave(.marker(end, reply), .append([batch]))
                }
                isWritten(end, appended, reply)
            } catch {
                reply.refuse(error.code)
            }
        }
    }

    private func isWritten(
        _ end: CoordinatorTransactionEnd, _ appended: CoordinatorAppended, _ reply: CoordinatorReply<Void>
    ) {
        note(appended)
        var end = end
        end.offset = nextOffset - 1
        step { machine, turn in
            machine.replay(end)
            turn.send((), to: reply)
        }
        flush()
    }

    /// Makes a step for the broker itself, without waiting: as long as ``isLate``, it must not write.
    /// - Returns: nil when there is no machine now.
    func ask<Answer>(_ body: (inout Machine, inout Turn) -> Answer) -> Answer? {
        var answer: Answer?
        if phase == .active { step { machine, turn in answer = body(&machine, &turn) } }
        return answer
    }

    /// Does what is due, in as many steps as the machine makes of it. While requests may wait, whom they are from is not to be
    /// put out for being silent: then nothing is done.
    func tick() {
        let nowMs = clock.monotonicMs
        repeat {
            guard phase == .active, !isLate else { return }
            step { machine, turn in machine.tick(&turn) }
        } while machine?.nextTickMs ?? .max <= nowMs
    }

    private func step(_ producer: CoordinatorProducer? = nil, _ body: (inout Machine, inout Turn) -> Void) {
        guard var machine = self.machine.take() else { return }
        var turn = Turn(
            nowMs: clock.monotonicMs, wallMs: clock.wallMs, nextOffset: nextOffset, producer: producer)
        body(&machine, &turn)
        self.machine = machine
        nextOffset = turn.nextOffset
        effects += turn.effects
        guard !turn.records.isEmpty else { return }
        do {
            try batches.add(turn, mostBytes: maxBatchBytes)
        } catch {
            // The machine wrote what cannot be written: a mistake of ours, which must not become a lie.
            fail(.unknownServerError, "a record cannot be written: \(error)")
        }
    }

    // MARK: Keeping

    /// Appends what was written since the last time, and lets go of the answers that may.
    func flush() {
        guard phase == .active else { return }
        if isLate { return release() }
        do {
            let batches = try batches.takeAll()
            for (index, batch) in batches.enumerated() {
                guard let appended = try log.appendAtOnce(batch) else {
                    leave(.append, .append(Array(batches[index...])))
                    break
                }
                note(appended)
                failures = 0
            }
        } catch let error as LogError {
            return fail(CoordinatorPartition.answer(to: error.code), error.message)
        } catch {
            return fail(.unknownServerError, "a batch cannot be written: \(error)")
        }
        if !isLate { hold() }
        release()
    }

    private func note(_ appended: CoordinatorAppended) {
        nextOffset = max(appended.endOffset, nextOffset)
        if appended.awaitsFlush { mustFlushTo = max(appended.endOffset, mustFlushTo) }
    }

    /// All that the effects tell of is in the log.
    private func hold() {
        guard !effects.isEmpty else { return }
        held.add(effects, endOffset: nextOffset, flushedTo: mustFlushTo)
        effects = []
    }

    private func leave(_ late: Late, _ task: CoordinatorLateWork.Task) {
        self.late = late
        lateWork = CoordinatorLateWork(log: log, task: task)
    }

    /// What a thread that may wait for the disk has to do now; each is given out once. ``finishLateWork(_:)`` follows.
    func takeLateWork() -> CoordinatorLateWork? { lateWork.take() }

    /// Takes what came of the last that was taken.
    func finishLateWork(_ result: Result<CoordinatorAppended, LogError>) {
        guard let late = self.late.take() else { return }
        switch (late, result) {
        case (.givenUp, _): break
        case (.append, .success(let appended)):
            note(appended)
            failures = 0
            hold()
        case (.append, .failure(let error)):
            return fail(CoordinatorPartition.answer(to: error.code), error.message)
        case (.marker(let end, let reply), .success(let appended)): isWritten(end, appended, reply)
        case (.marker(_, let reply), .failure(let error)): reply.refuse(error.code)
        case (.check, .success): checked = ErrorCode.none
        case (.check, .failure(let error)): checked = error.code
        }
        makeSteps()
    }

    /// Lets go of the answers that the high watermark has passed; gives up when it will pass no more.
    func release() {
        (awaitedFrom, awaitedFlush) = (nil, nil)
        guard isLate || !held.isEmpty else { return }
        let highWatermark = log.highWatermark
        let flushedOffset = log.flushedOffset
        defer {
            awaitedFrom = isLate || !held.isEmpty ? highWatermark : nil
            awaitedFlush = held.awaitedFlush(flushedOffset)
        }
        while let effects = held.next(highWatermark: highWatermark, flushedOffset: flushedOffset) {
            for effect in effects { effect.run() }
        }
        if phase == .active, isLate || !held.isEmpty, log.isOffline {
            fail(CoordinatorPartition.answer(to: .kafkaStorageError), "the log directory is offline")
        }
    }

    /// Gives up the state, which is no longer what the log says, and refuses everybody who waits.
    func fail(_ code: ErrorCode, _ reason: String = "") {
        phase = .failed
        failureLasts = false
        failure = reason
        failures += 1
        var refused = held.removeAll() + effects
        (awaitedFrom, awaitedFlush) = (nil, nil)
        mustFlushTo = 0
        effects = []
        batches.removeAll()
        checked = nil
        let turnedAway = waiting.removeAll()
        let given = late
        // What nobody has come for is not done.
        late = given != nil && lateWork == nil ? .givenUp : nil
        lateWork = nil
        if var machine = machine.take() {
            var turn = Turn(nowMs: clock.monotonicMs, wallMs: clock.wallMs)
            machine.abandon(code, &turn)
            refused += turn.effects
        }
        for effect in refused { effect.refuse(code) }
        if case .marker(_, let reply)? = given { reply.refuse(code) }
        for step in turnedAway { step.refuse(code) }
    }

    /// The log cannot bring to stable storage what answers wait for.
    func flushFailed(_ error: LogError) {
        if phase == .active { fail(CoordinatorPartition.answer(to: error.code), error.message) }
    }

    /// What clients are told when the log does not take a record: to ask again, here or at another broker.
    static func answer(to code: ErrorCode) -> ErrorCode {
        switch code {
        case .notEnoughReplicas, .notEnoughReplicasAfterAppend, .requestTimedOut, .unknownTopicOrPartition:
            .coordinatorNotAvailable
        case .notLeaderOrFollower, .kafkaStorageError: .notCoordinator
        default: .unknownServerError
        }
    }
}
