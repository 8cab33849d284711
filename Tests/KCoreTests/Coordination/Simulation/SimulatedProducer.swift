@testable import KCore

/// A producer's program: begin, write here and there, commit offsets, end; begin anew as somebody else when anything goes
/// wrong.
struct SimulatedProducer {
    typealias Producer = TransactionMachine.Producer

    let id: String
    /// Whether each of its transactions has an epoch of its own (KIP-890).
    let bumpsEpoch: Bool
    /// Whether brokers make partitions part of its transactions when it writes to them; then each has its own epoch, too.
    let addsByWriting: Bool
    /// Whether it commits what a reader has read, else for a group without members.
    let isMember: Bool
    var producer: Producer?
    /// Who it was before it began anew, while it may ask to go on from there (KIP-360).
    var former: Producer?
    var transaction: Int?
    var sequences: [Int32: Int32] = [:]
    var added: Set<TopicPartition> = []
    var writes = 0
    /// How its transaction is to end, until it hears that it does.
    var ending: Bool?
    /// The request that it waits for; an answer to another one is one that it has given up.
    var call = 0
    var isWaiting = false
    var resend: (() -> Void)?
    var nextMs: Int64 = 0
    var isGone = false

    /// It forgets everything but who it was, and begins as whoever it is told to be.
    mutating func restart(as producer: Producer? = nil) {
        former = producer == nil ? self.producer ?? former : nil
        (self.producer, transaction, sequences, added, writes) = (producer, nil, [:], [], 0)
        (isWaiting, resend, ending) = (false, nil, nil)
    }
}

/// What producers do, and what becomes of it.
extension CoordinatorsSimulation {
    static let groupsPlace = TopicPartition(topic: "__consumer_offsets", partition: 0)

    func stepProducers() {
        for index in producers.indices where !producers[index].isGone && nowMs >= producers[index].nextMs {
            act(index)
            // Now and then one stalls for longer than its transaction may last.
            producers[index].nextMs = nowMs + Int64(network.chance(1) ? 20_000 : network.int(50...600))
        }
    }

    private func act(_ index: Int) {
        let client = producers[index]
        if client.isWaiting { return }
        guard let producer = client.producer else { return initialize(index) }
        guard let transaction = client.transaction else {
            // As if something had been lost, and another epoch were needed.
            if network.chance(8) { return producers[index].restart() }
            attempts += 1
            producers[index].transaction = attempts
            (producers[index].added, producers[index].writes) = ([], 0)
            return transactionChecker.begins(attempts, client.id, producer, bumpsEpoch: client.bumpsEpoch)
        }
        if let isCommit = client.ending { return end(index, producer, transaction, isCommit: isCommit) }
        // Who does not name partitions does not know whether there is anything to end.
        if client.addsByWriting && network.chance(3) { return end(index, producer, transaction, isCommit: false) }
        if client.writes > 0 && network.int(0...2) == 0 {
            return end(index, producer, transaction, isCommit: network.int(0...4) < 3)
        }
        let isCommittingOffsets = network.int(0...2) == 0
        let isWhole = topics.image.topic(Self.doomed) != nil && plan.deletesTopics
        let number = Int32(network.int(0...(isWhole ? 2 : 1)))
        let place = isCommittingOffsets ? Self.groupsPlace : Self.place(Int(number))
        if !client.addsByWriting && !client.added.contains(place) { return add(index, producer, transaction, place) }
        if isCommittingOffsets { return commitOffsets(index, producer, transaction) }
        write(index, producer, transaction, number)
    }

    /// Sends a request, again and again until it is answered or given up.
    /// - Parameter request: has the request taken; what it is given carries what the answer changes.
    func call(
        _ index: Int,
        _ request: @escaping (_ answer: @escaping (@escaping (inout SimulatedProducer) -> Void) -> Void) -> Void
    ) {
        calls += 1
        let number = calls
        // What is late can end a later transaction where transactions have no epochs of their own: KIP-890 is about that.
        let canRepeat = producers[index].bumpsEpoch
        let send = { [unowned self] in
            network.carry(canRepeat: canRepeat) { [unowned self] in
                request { [unowned self] change in
                    network.carry { [unowned self] in
                        guard producers[index].isWaiting, producers[index].call == number else { return }
                        (producers[index].isWaiting, producers[index].resend) = (false, nil)
                        change(&producers[index])
                    }
                }
            }
        }
        (producers[index].call, producers[index].isWaiting, producers[index].resend) = (number, true, send)
        send()
        awaitAnswer(index, number)
    }

    private func awaitAnswer(_ index: Int, _ number: Int) {
        network.later(2000) { [unowned self] in
            guard producers[index].isWaiting, producers[index].call == number else { return }
            // It gives up, and what it sent may still arrive.
            if network.isCalm || network.chance(40) { return producers[index].restart() }
            producers[index].resend?()
            awaitAnswer(index, number)
        }
    }

    // MARK: Requests

    private func initialize(_ index: Int) {
        let id = producers[index].id
        let expected = network.int(0...1) == 0 ? producers[index].former : nil
        call(index) { [unowned self] answer in
            let asked = expected.map { bug == .renewsZombieProducers ? current(id) ?? $0 : $0 }
            let timeoutMs = bug == .abortsTooEarly ? 700 : Int32(Self.transactionTimeoutMs)
            withFreshId({ TransactionMachine.Initialized.failed($0) }) { [unowned self] machine, turn, fresh in
                transactionChecker.takesInit(id, nowMs)
                return machine.initProducer(id, timeoutMs: timeoutMs, expected: asked, freshId: fresh, &turn)
            } isShort: {
                $0 == .needsProducerId
            } _: { [unowned self] outcome in
                guard case .producer(let producer) = outcome else {
                    trace(
                        "\(id) does not begin as who it was, \(expected.map { "\($0.epoch)" } ?? "nobody"): \(outcome)")
                    return answer { client in
                        client.restart()
                        if outcome == .failed(.producerFenced) { client.former = nil }
                    }
                }
                trace("\(id) is \(producer.id)/\(producer.epoch)\(expected.map { ", it was \($0.epoch)" } ?? "")")
                count(expected == nil ? "producers begun" : "producers that begin anew")
                note(
                    transactionChecker.initialized(
                        id, as: .init(producer: producer, client: index, expected: expected)))
                answer { $0.restart(as: producer) }
            }
        }
    }

    private func add(_ index: Int, _ producer: SimulatedProducer.Producer, _ attempt: Int, _ place: TopicPartition) {
        let (id, version) = (producers[index].id, Int16(producers[index].bumpsEpoch ? 2 : 0))
        call(index) { [unowned self] answer in
            guard exists(place) else { return answer { $0.restart() } }
            transactionChecker.takesAdd(attempt, nowMs)
            let isZombie = transactionChecker.isZombie(id, producer)
            let asked = bug == .acceptsZombieProducers ? current(id) ?? producer : producer
            transactions.ask({ $0 }) {
                $2.pass($0.addPartitions(id, asked, [place], clientVersion: version, &$1), &$1)
            } _: { [unowned self] code in
                trace("\(id) \(producer.id)/\(producer.epoch) adds \(place) to transaction \(attempt): \(code.name)")
                if code == .none {
                    if isZombie { note("a zombie of \(id), \(producer), adds a partition") }
                    transactionChecker.added(attempt)
                }
                answer { client in
                    switch code {
                    case .none: client.added.insert(place)
                    case .concurrentTransactions, .coordinatorLoadInProgress, .notCoordinator: break
                    default: client.restart()
                    }
                }
            }
        }
    }

    private func write(_ index: Int, _ producer: SimulatedProducer.Producer, _ attempt: Int, _ place: Int32) {
        let sequence = producers[index].sequences[place] ?? 0
        let adds = producers[index].addsByWriting
        call(index) { [unowned self] answer in
            let name = Self.place(Int(place))
            guard exists(name) else { return answer { $0.restart() } }
            let deletion = deletions[name.topic] ?? 0
            let begun = places[Int(place)].beginVerification(
                of: producer, sequence: adds ? 0 : sequence, hasOwnEpoch: adds, nowMs)
            guard let number = begun else { return append(index, producer, attempt, place, sequence, answer) }
            admit(index, producer, attempt, name) { [unowned self] code in
                // The log that this was begun for is gone.
                guard deletions[name.topic] ?? 0 == deletion else { return answer { $0.restart() } }
                guard code == .none else { return answer { if !code.isRetriable { $0.restart() } } }
                places[Int(place)].confirm(producer, number)
                append(index, producer, attempt, place, sequence, answer)
            }
        }
    }

    private func append(
        _ index: Int, _ producer: SimulatedProducer.Producer, _ attempt: Int, _ place: Int32, _ sequence: Int32,
        _ answer: (@escaping (inout SimulatedProducer) -> Void) -> Void
    ) {
        let isZombie = transactionChecker.isZombie(producers[index].id, producer)
        let isNew = places[Int(place)].write(producer, sequence: sequence, transaction: attempt, nowMs)
        if isNew == true {
            count("records written")
            if isZombie { note("a zombie of \(producers[index].id), \(producer), writes a record") }
        }
        let name = Self.place(Int(place))
        let deletion = deletions[name.topic] ?? 0
        answer { [unowned self] client in
            guard isNew != nil else { return client.restart() }
            client.sequences[place] = sequence + 1
            client.writes += 1
            if deletions[name.topic] ?? 0 == deletion { transactionChecker.written(attempt, place) }
        }
    }

    private func end(_ index: Int, _ producer: SimulatedProducer.Producer, _ attempt: Int, isCommit: Bool) {
        let (id, bumpsEpoch) = (producers[index].id, producers[index].bumpsEpoch)
        call(index) { [unowned self] answer in
            transactionChecker.takesEnd(attempt, isCommit: isCommit)
            let isZombie = transactionChecker.isZombie(id, producer)
            let asked = bug == .acceptsLateEnds ? current(id) ?? producer : producer
            withFreshId({ .failed($0) }) { machine, turn, fresh in
                machine.end(id, asked, isCommit: isCommit, bumpsEpoch: bumpsEpoch, freshId: fresh, &turn)
            } isShort: {
                $0 == .needsProducerId
            } _: { [unowned self] outcome in
                trace("\(id) \(producer.id)/\(producer.epoch) ends transaction \(attempt), \(isCommit): \(outcome)")
                if case .decided = outcome, isZombie { note("a zombie of \(id), \(producer), ends a transaction") }
                answer { [unowned self] client in
                    switch outcome {
                    case .decided(let next):
                        transactionChecker.ended(attempt, isCommit: isCommit)
                        count(isCommit ? "transactions committed" : "transactions aborted")
                        (client.transaction, client.ending) = (nil, nil)
                        if next != producer { client.sequences = [:] }
                        client.producer = next
                    case .failed(.concurrentTransactions), .failed(.coordinatorLoadInProgress),
                        .failed(.notCoordinator):
                        client.ending = isCommit
                    default: client.restart()
                    }
                }
            }
        }
    }

    /// As the coordinator has it: for mistakes.
    func current(_ id: String) -> SimulatedProducer.Producer? {
        transactions.machine?.states[id].map { .init(id: $0.producerId, epoch: $0.producerEpoch) }
    }

    /// Makes a step of the coordinator, and a second one when it wants a producer id.
    private func withFreshId<R: Sendable>(
        _ refusal: @escaping @Sendable (ErrorCode) -> R,
        _ step: @escaping (inout TransactionMachine, inout TransactionMachine.Turn, Int64?) -> R,
        isShort: @escaping (R) -> Bool, _ answered: @escaping (R) -> Void
    ) {
        transactions.ask(refusal) {
            $2.pass(step(&$0, &$1, nil), &$1)
        } _: { [unowned self] answer in
            guard isShort(answer) else { return answered(answer) }
            nextProducerId += 1
            let fresh = nextProducerId
            transactions.ask(refusal, { $2.pass(step(&$0, &$1, fresh), &$1) }, answered)
        }
    }
}

extension CoordinatorReply {
    fileprivate func pass<Record>(_ answer: Response, _ turn: inout CoordinatorTurn<Record>) {
        turn.send(answer, to: self)
    }
}
