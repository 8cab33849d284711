/// One step of a machine: what it is told, and what it gives out.
struct CoordinatorTurn<Record: Sendable>: Sendable {
    /// Milliseconds from an arbitrary start, for deadlines.
    let nowMs: Int64
    /// Milliseconds since 1970, for what is kept in records.
    let wallMs: Int64
    /// The producer whose transaction the records of this step belong to.
    let producer: CoordinatorProducer?
    /// To be appended together, in this order.
    private(set) var records: [Record] = []
    /// What to do when all that was written is kept.
    private(set) var effects: [CoordinatorEffect] = []
    private(set) var nextOffset: Int64
    /// Whether the records may come to the log in several batches.
    private(set) var isDivisible = false

    /// - Parameter nextOffset: of the first record that is written.
    init(nowMs: Int64, wallMs: Int64, nextOffset: Int64 = 0, producer: CoordinatorProducer? = nil) {
        self.nowMs = nowMs
        self.wallMs = wallMs
        self.nextOffset = nextOffset
        self.producer = producer
    }

    /// Says that each of the step's records stands for itself: it may be more than a batch can hold, and a crash may leave
    /// some of it undone.
    mutating func allowDivision() { isDivisible = true }

    fileprivate mutating func next() -> CoordinatorRecordOrigin {
        defer { nextOffset += 1 }
        return CoordinatorRecordOrigin(offset: nextOffset, producerId: producer?.id, timestampMs: wallMs)
    }

    /// For ``CoordinatorMachine/write(_:_:)``.
    mutating func add(_ record: Record) -> CoordinatorRecordOrigin {
        records.append(record)
        return next()
    }

    /// Has `response` sent when all that was written until now is kept.
    mutating func send<Response>(_ response: Response, to reply: CoordinatorReply<Response>) {
        effects.append(CoordinatorEffect(run: { reply.send(response) }, refuse: reply.refuse))
    }

    /// Has a waiting request refused.
    mutating func refuse<Response>(_ reply: CoordinatorReply<Response>, _ code: ErrorCode) {
        effects.append(CoordinatorEffect(run: { reply.refuse(code) }, refuse: reply.refuse))
    }

    /// The same for effects that were made elsewhere.
    mutating func add(_ effects: [CoordinatorEffect]) { self.effects += effects }

    /// Has `body` run when all that was written until now is kept; it runs on the partition's loop.
    mutating func whenKept(
        _ body: @escaping @Sendable () -> Void, refused: @escaping @Sendable (ErrorCode) -> Void = { _ in }
    ) {
        effects.append(CoordinatorEffect(run: body, refuse: refused))
    }
}

/// Whose transaction a step writes into.
struct CoordinatorProducer: Hashable, Sendable {
    var id: Int64
    var epoch: Int16
}

/// What a step has done outside: it happens when the step's records are kept, or is refused when they cannot be.
struct CoordinatorEffect: Sendable {
    var run: @Sendable () -> Void
    var refuse: @Sendable (ErrorCode) -> Void
}

/// Where the answer to a request goes. A machine that lets a request wait keeps this.
struct CoordinatorReply<Response: Sendable>: Sendable {
    let send: @Sendable (Response) -> Void
    /// Answers with an error of the coordinator as a whole, such as NOT_COORDINATOR.
    let refuse: @Sendable (ErrorCode) -> Void

    /// - Parameter refusal: makes the response that says that error.
    init(_ send: @escaping @Sendable (Response) -> Void, refusal: @escaping @Sendable (ErrorCode) -> Response) {
        self.send = send
        refuse = { send(refusal($0)) }
    }
}
