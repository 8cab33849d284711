@testable import KCore

/// Whether transactions end as they were told, wholly, and for their own producer only: from what producers asked for and
/// were answered, and what partitions have.
struct TransactionChecker {
    typealias Producer = TransactionMachine.Producer

    struct Attempt {
        var id: String
        var producer: Producer
        /// Whether each transaction has an epoch of its own (KIP-890).
        var bumpsEpoch: Bool
        /// When the coordinator took the first request of it; nil for not yet.
        var begunMs: Int64?
        var asked: Set<Bool> = []
        var acknowledged: Bool?
        var decision: Bool?
        /// Records that producers were told are there.
        var written: [Int32: Int] = [:]
    }

    /// Who was told last to be the producer of an id.
    struct Initialized: Equatable {
        var producer: Producer
        var client: Int
        /// What it said that it was (KIP-360).
        var expected: Producer?
    }

    let timeoutMs: Int64
    private(set) var attempts: [Int: Attempt] = [:]
    private var open: [String: Int] = [:]
    private var last: [String: (attempt: Int, end: TransactionEnd)] = [:]
    private var initialized: [String: Initialized] = [:]
    private var initializedMs: [String: Int64] = [:]

    init(timeoutMs: Int64) { self.timeoutMs = timeoutMs }

    // MARK: What producers ask

    mutating func begins(_ attempt: Int, _ id: String, _ producer: Producer, bumpsEpoch: Bool) {
        attempts[attempt] = Attempt(id: id, producer: producer, bumpsEpoch: bumpsEpoch)
    }

    mutating func takesAdd(_ attempt: Int, _ nowMs: Int64) {
        if attempts[attempt]?.begunMs == nil { attempts[attempt]?.begunMs = nowMs }
    }

    mutating func takesEnd(_ attempt: Int, isCommit: Bool) { attempts[attempt]?.asked.insert(isCommit) }
    mutating func takesInit(_ id: String, _ nowMs: Int64) { initializedMs[id] = nowMs }

    // MARK: What they are answered

    mutating func initialized(_ id: String, as new: Initialized) -> String? {
        defer { initialized[id] = new }
        guard let known = initialized[id], known.producer.id == new.producer.id else { return nil }
        if let expected = new.expected {
            // Which was its own answer when it asks for the second time.
            if new == known { return nil }
            if new.client != known.client { return "a zombie of \(id), \(expected), begins anew as \(new.producer)" }
        }
        return known.producer.epoch < new.producer.epoch
            ? nil : "\(id) is \(new.producer) after it was \(known.producer)"
    }

    /// - Returns: whether somebody has been told to be its successor.
    func isZombie(_ id: String, _ producer: Producer) -> Bool {
        initialized[id].map { $0.producer.id == producer.id && $0.producer.epoch > producer.epoch } ?? false
    }

    mutating func added(_ attempt: Int) {
        guard let id = attempts[attempt]?.id, attempts[attempt]?.decision == nil else { return }
        open[id] = attempt
    }

    /// Partitions are gone with their topic, and all that was written to them.
    mutating func deleted(_ places: [Int]) {
        for number in attempts.keys {
            for place in places { attempts[number]?.written[Int32(place)] = nil }
        }
    }

    mutating func written(_ attempt: Int, _ place: Int32) { attempts[attempt]?.written[place, default: 0] += 1 }
    mutating func ended(_ attempt: Int, isCommit: Bool) { attempts[attempt]?.acknowledged = isCommit }

    /// The coordinator has decided, and will not decide otherwise: it has markers written.
    /// - Returns: the attempt that is decided, where that is known, and what is wrong with it.
    mutating func decided(_ end: TransactionEnd, _ nowMs: Int64) -> (attempt: Int?, problem: String?) {
        let id = end.transactionalId
        if let (attempt, before) = last[id], before.producerId == end.producerId,
            before.producerEpoch == end.producerEpoch, open[id] == nil
        {
            return (attempt, before.isCommit == end.isCommit ? nil : "the end of transaction \(attempt) is another now")
        }
        let attempt = open.removeValue(forKey: id)
        guard let attempt, let found = attempts[attempt] else {
            return (nil, end.isCommit ? "\(id) commits what nobody has begun" : nil)
        }
        last[id] = (attempt, end)
        attempts[attempt]?.decision = end.isCommit
        if found.asked.contains(end.isCommit) { return (attempt, nil) }
        if end.isCommit { return (attempt, "transaction \(attempt) is committed, and nobody asked for that") }
        let begunMs = found.begunMs ?? .min
        let isOver = nowMs - begunMs >= timeoutMs || initializedMs[id] ?? .min >= begunMs
        return (attempt, isOver ? nil : "transaction \(attempt) is aborted, and nobody asked for that")
    }

    /// - Parameter attempt: whose end the marker is, where that is known.
    func marked(_ entries: [SimulatedPlace.Entry], by end: CoordinatorTransactionEnd, of attempt: Int?) -> String? {
        for entry in entries {
            if let attempt, entry.transaction != attempt {
                return "the marker of transaction \(attempt) ends transaction \(entry.transaction)"
            }
            let bumpsEpoch = attempts[entry.transaction]?.bumpsEpoch ?? false
            if bumpsEpoch ? end.producerEpoch <= entry.epoch : end.producerEpoch < entry.epoch {
                return
                    "transaction \(entry.transaction) of epoch \(entry.epoch) is ended with epoch \(end.producerEpoch)"
            }
        }
        return nil
    }

    // MARK: At last

    /// What is wrong when all that was on its way has arrived, and every transaction is over.
    func problem(_ places: [SimulatedPlace]) -> String? {
        for (index, place) in places.enumerated() {
            if let hanging = place.open.values.first(where: { !$0.isEmpty }) {
                return "transaction \(hanging[0].transaction) hangs in partition \(index)"
            }
        }
        for (number, attempt) in attempts.sorted(by: { $0.key < $1.key }) {
            let committed = places.map { $0.committed[number] ?? 0 }
            let aborted = places.map { $0.aborted[number] ?? 0 }
            if committed.contains(where: { $0 > 0 }), aborted.contains(where: { $0 > 0 }) {
                return "transaction \(number) is torn: \(committed) records count, \(aborted) do not"
            }
            if attempt.acknowledged == false, committed.contains(where: { $0 > 0 }) {
                return "transaction \(number) was aborted, and is seen"
            }
            guard attempt.acknowledged == true else { continue }
            for (place, count) in attempt.written.sorted(by: { $0.key < $1.key }) where committed[Int(place)] < count {
                return "transaction \(number) was committed with \(count) records in partition \(place), and "
                    + "\(committed[Int(place)]) are there"
            }
        }
        return nil
    }
}
