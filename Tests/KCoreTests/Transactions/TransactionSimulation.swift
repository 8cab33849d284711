import Testing

@testable import KCore

/// Transactional producers, a coordinator that crashes and partitions, on a network that loses, delays and repeats what
/// it can, all from one seed. Holds them to what transactions promise.
final class TransactionSimulation {
    typealias Producer = TransactionMachine.Producer

    /// A record in a partition: of which attempt at a transaction.
    struct Entry {
        var producerId: Int64
        var transaction: Int
    }

    /// A partition: the real producer states, and what became of the records.
    struct Place {
        var producers = ProducerStates()
        var nextOffset: Int64 = 0
        var open: [Int64: [Entry]] = [:]
        var committed: [Int] = []
        var aborted: [Int] = []
    }

    enum Message {
        case initialize(client: Int, call: Int)
        case add(client: Int, call: Int, Producer, Int32, transaction: Int)
        case write(client: Int, call: Int, Producer, Int32, sequence: Int32, transaction: Int)
        case end(client: Int, call: Int, Producer, commit: Bool, transaction: Int)
        case marker(TransactionEnd, Int32)
    }

    /// A producer's program: begin, write here and there, end; begin anew as somebody else when anything goes wrong.
    struct Client {
        var id: String
        var producer: Producer?
        var transaction: Int?
        var sequences: [Int32: Int32] = [:]
        var added: Set<Int32> = []
        var writes = 0
        /// What it waits for; an answer with another number is one that it has given up.
        var call = 0
        var isWaiting = false
        var patience = 0
        var pending: Message?
    }

    private let bench = TransactionBench()
    private var generator: SeededGenerator
    private var places = [Place](repeating: Place(), count: 3)
    private var clients: [Client]
    private var network: [Message] = []
    private var calls = 0
    private var transactions = 0
    private let bumps: Bool
    private var written: [Int: Int] = [:]
    private(set) var acknowledgedCommits: Set<Int> = []
    private var askedToCommit: Set<Int> = []
    private var acknowledgedAborts: Set<Int> = []
    private var missingMarkers: [String: Set<Int32>] = [:]

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        bumps = true
        // Two who believe to be the same producer, and one of its own.
        clients = ["a", "a", "b"].map { Client(id: $0) }
    }

    private func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &generator) < percent }

    // MARK: The run

    func run(steps: Int) {
        for _ in 0..<steps {
            bench.clock.advance(ms: Int64.random(in: 0...50, using: &generator))
            switch Int.random(in: 0..<100, using: &generator) {
            case ..<45: act(Int.random(in: clients.indices, using: &generator))
            case ..<94: deliver()
            case ..<97: bench.tick()
            default: crash()
            }
            collectMarkers()
        }
        settle()
    }

    /// Everything that is on its way arrives, and every deadline passes.
    private func settle() {
        for index in clients.indices { clients[index].call = -1 }
        for _ in 0..<4 {
            while !network.isEmpty { deliver(loses: false) }
            bench.clock.advance(ms: 120_000)
            bench.tick()
            collectMarkers()
        }
        while !network.isEmpty { deliver(loses: false) }
    }

    private func crash() {
        if chance(50) {
            // The broker with all that it was doing; else only the coordinator begins anew, and markers are on their way.
            network.removeAll(where: \.isMarker)
            missingMarkers = [:]
        }
        bench.reload()
    }

    // MARK: Clients

    private func act(_ index: Int) {
        var client = clients[index]
        defer { clients[index] = client }
        if client.isWaiting {
            client.patience -= 1
            guard client.patience <= 0, let pending = client.pending else { return }
            if chance(40) {
                // It gives up, and what it sent may still arrive.
                client = Client(id: client.id)
                return
            }
            client.patience = 12
            network.append(pending)
            return
        }
        guard let producer = client.producer else { return send(.initialize(client: index, call: 0), &client) }
        guard let transaction = client.transaction else {
            transactions += 1
            client.transaction = transactions
            client.added = []
            client.writes = 0
            return
        }
        let place = Int32.random(in: 0..<Int32(places.count), using: &generator)
        if client.writes > 0 && chance(35) {
            let commit = chance(60)
            if commit { askedToCommit.insert(transaction) }
            return send(.end(client: index, call: 0, producer, commit: commit, transaction: transaction), &client)
        }
        if !client.added.contains(place) {
            return send(.add(client: index, call: 0, producer, place, transaction: transaction), &client)
        }
        let sequence = client.sequences[place] ?? 0
        send(
            .write(client: index, call: 0, producer, place, sequence: sequence, transaction: transaction), &client)
    }

    private func send(_ message: Message, _ client: inout Client) {
        calls += 1
        client.call = calls
        client.isWaiting = true
        client.patience = 12
        let numbered: Message =
            switch message {
            case .initialize(let index, _): .initialize(client: index, call: calls)
            case .add(let index, _, let producer, let place, let transaction):
                .add(client: index, call: calls, producer, place, transaction: transaction)
            case .write(let index, _, let producer, let place, let sequence, let transaction):
                .write(client: index, call: calls, producer, place, sequence: sequence, transaction: transaction)
            case .end(let index, _, let producer, let commit, let transaction):
                .end(client: index, call: calls, producer, commit: commit, transaction: transaction)
            case .marker: message
            }
        client.pending = numbered
        network.append(numbered)
    }

    // MARK: The network

    private func deliver(loses: Bool = true) {
        guard !network.isEmpty else { return }
        let index = Int.random(in: network.indices, using: &generator)
        let message = network.remove(at: index)
        if loses, chance(8), !message.isMarker { return }
        if loses, chance(10), !message.isMarker { network.append(message) }
        let answerArrives = !loses || !chance(8)
        switch message {
        case .initialize(let index, let call):
            let answer = bench.initialize(clients[index].id)
            answered(index, call, answerArrives) { client in
                guard case .producer(let producer) = answer else { return }
                client = Client(id: client.id, producer: producer)
            }
        case .add(let index, let call, let producer, let place, _):
            let code = bench.add(clients[index].id, producer, [place], version: 2)
            answered(index, call, answerArrives) { client in
                switch code {
                case .none: client.added.insert(place)
                case .concurrentTransactions: break
                default: client = Client(id: client.id)
                }
            }
        case .write(let index, let call, let producer, let place, let sequence, let transaction):
            let isIn = write(clients[index].id, producer, place, sequence, transaction)
            answered(index, call, answerArrives) { client in
                if isIn {
                    client.sequences[place] = sequence + 1
                    client.writes += 1
                    written[transaction, default: 0] += 1
                } else {
                    client = Client(id: client.id)
                }
            }
        case .end(let index, let call, let producer, let commit, let transaction):
            let answer = bench.end(clients[index].id, producer, commit: commit, bumps: bumps)
            answered(index, call, answerArrives) { client in
                switch answer {
                case .decided(let next):
                    if commit {
                        acknowledgedCommits.insert(transaction)
                    } else {
                        acknowledgedAborts.insert(transaction)
                    }
                    client = Client(id: client.id, producer: next)
                case .failed(.concurrentTransactions): break
                default: client = Client(id: client.id)
                }
            }
        case .marker(let end, let place): mark(end, place)
        }
    }

    private func answered(_ index: Int, _ call: Int, _ arrives: Bool, _ body: (inout Client) -> Void) {
        guard arrives, clients[index].isWaiting, clients[index].call == call else { return }
        clients[index].isWaiting = false
        body(&clients[index])
    }

    // MARK: Partitions

    /// As a leader does it: a transaction is begun only after the coordinator was asked.
    private func write(
        _ id: String, _ producer: Producer, _ place: Int32, _ sequence: Int32, _ transaction: Int
    ) -> Bool {
        var header = RecordBatchHeader()
        header.producerId = producer.id
        header.producerEpoch = producer.epoch
        header.baseSequence = sequence
        header.lastOffsetDelta = 0
        header.attributes = BatchAttributes(isTransactional: true)
        header.baseOffset = places[Int(place)].nextOffset
        if places[Int(place)].producers.states[producer.id]?.transactionFirstOffset == nil {
            let asked = TopicPartition(topic: "t", partition: place)
            let verified = bench.partition.machine?.verify(id, producer, [asked])[asked]
            guard verified == ErrorCode.none else { return false }
        }
        do {
            if try places[Int(place)].producers.check(header, origin: .client) != nil { return true }
        } catch {
            return false
        }
        places[Int(place)].producers.apply(header, timeMs: bench.clock.wallMs)
        places[Int(place)].nextOffset += 1
        places[Int(place)].open[producer.id, default: []].append(
            Entry(producerId: producer.id, transaction: transaction))
        return true
    }

    private func mark(_ end: TransactionEnd, _ place: Int32) {
        var header = RecordBatchHeader()
        header.producerId = end.producerId
        header.producerEpoch = end.producerEpoch
        header.lastOffsetDelta = 0
        header.attributes = BatchAttributes(isTransactional: true, isControl: true)
        header.baseOffset = places[Int(place)].nextOffset
        let marker = EndTransactionMarker(isCommit: end.isCommit, coordinatorEpoch: 0)
        let isFenced =
            (try? places[Int(place)].producers.check(header, marker: marker, origin: .coordinator)) == nil
            && places[Int(place)].producers.states[end.producerId].map { $0.epoch > end.producerEpoch } ?? false
        if !isFenced {
            places[Int(place)].nextOffset += 1
            if places[Int(place)].producers.apply(header, marker: marker, timeMs: bench.clock.wallMs) != nil {
                let entries = places[Int(place)].open.removeValue(forKey: end.producerId) ?? []
                if end.isCommit {
                    places[Int(place)].committed += entries.map(\.transaction)
                } else {
                    places[Int(place)].aborted += entries.map(\.transaction)
                }
            }
        }
        let key = TransactionSimulation.key(end)
        guard missingMarkers[key]?.remove(place) != nil, missingMarkers[key]?.isEmpty == true else { return }
        missingMarkers[key] = nil
        _ = bench.step { $0.markersWritten(end, &$1) }
    }

    private static func key(_ end: TransactionEnd) -> String {
        "\(end.transactionalId)/\(end.producerId)/\(end.producerEpoch)"
    }

    private func collectMarkers() {
        for end in bench.ends.take() {
            if end.partitions.isEmpty { _ = bench.step { $0.markersWritten(end, &$1) } }
            let key = TransactionSimulation.key(end)
            guard missingMarkers[key] == nil else { continue }
            missingMarkers[key] = Set(end.partitions.map(\.partition))
            for place in end.partitions.sorted() { network.append(.marker(end, place.partition)) }
        }
    }

    // MARK: What must hold

    /// What is wrong; empty when all is as promised.
    func violations() -> [String] {
        var found: [String] = []
        var committed: [Int: Int] = [:]
        var aborted: Set<Int> = []
        for (index, place) in places.enumerated() {
            if !place.producers.openTransactions.isEmpty { found.append("a transaction hangs in partition \(index)") }
            for transaction in place.committed { committed[transaction, default: 0] += 1 }
            aborted.formUnion(place.aborted)
        }
        for transaction in Set(committed.keys).intersection(aborted) { found.append("\(transaction) is torn") }
        for transaction in committed.keys where !askedToCommit.contains(transaction) {
            found.append("\(transaction) is committed, and nobody asked for that")
        }
        for transaction in acknowledgedAborts where committed[transaction] != nil {
            found.append("\(transaction) was aborted and is seen")
        }
        for transaction in acknowledgedCommits
        where committed[transaction, default: 0] < written[transaction, default: 0] {
            found.append("\(transaction) was committed and is not all there")
        }
        return found
    }
}

extension TransactionSimulation.Message {
    /// Whether the coordinator sends it until it has arrived.
    var isMarker: Bool { if case .marker = self { true } else { false } }
}

@Suite struct TransactionSimulationTests {
    @Test func `whatever is lost, late, repeated or crashes, transactions are whole and end as they were told`() {
        var commits = 0
        for seed in UInt64(0)..<300 {
            let simulation = TransactionSimulation(seed: seed)
            simulation.run(steps: 400)
            commits += simulation.acknowledgedCommits.count
            let violations = simulation.violations()
            #expect(violations == [], "seed \(seed)")
            if !violations.isEmpty { return }
        }
        // Else nothing was tried.
        #expect(commits > 300)
    }
}
