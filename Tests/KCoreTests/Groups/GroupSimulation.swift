import Testing

@testable import KCore

/// A group coordinator under clients that do what clients do, and what they should not, drawn from a seed: join, sync,
/// heartbeat, commit, leave, fall silent, come back with what they knew, while the coordinator crashes and comes back.
///
/// After every step the group's rules are looked at; see the README of `Groups`.
struct GroupSimulation {
    /// A client as it thinks of itself.
    private struct Client {
        var instance: String?
        var memberId = ""
        var generation: Int32 = -1
        var join: Pending<JoinGroupResponse>?
        var sync: Pending<SyncGroupResponse>?
        /// The partitions that it believes to have, of `generation`.
        var share: Set<Int32> = []
        /// Forgets nothing, says nothing: it may come back with an old generation.
        var isSilent = false
    }

    private static let partitionCount: Int32 = 4
    private let seed: UInt64
    private var random: SeededGenerator
    private let bench: GroupBench
    private var clients: [Client]
    /// What has been acknowledged: the last commit of each partition.
    private var acknowledged: [Int32: Int64] = [:]
    private var nextOffset: Int64 = 1
    private var lastGeneration: Int32 = 0
    private var generations: [Int32: [String: Set<Int32>]] = [:]
    private var openTransactions: [Int64: [Int32: Int64]] = [:]
    private var nextProducer: Int64 = 100
    private(set) var violations: [String] = []
    private(set) var rebalances = 0
    private(set) var commits = 0

    init(seed: UInt64) {
        self.seed = seed
        random = SeededGenerator(seed: seed)
        var settings = GroupSettings()
        settings.initialRebalanceDelayMs = Int64(random.next() % 3) * 500
        settings.maxSize = 2 + Int(random.next() % 5)
        bench = GroupBench(settings, seed: seed)
        clients = (0..<(2 + Int(random.next() % 4))).map { number in
            Client(instance: number % 3 == 2 ? "i\(number)" : nil)
        }
    }

    mutating func run(steps: Int) throws {
        for step in 0..<steps {
            try take()
            look(at: step)
            if violations.count > 0 { return }
        }
        try compareWithLog()
    }

    private mutating func below(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }

    // MARK: Steps

    private mutating func take() throws {
        let number = below(clients.count)
        switch below(100) {
        case 0..<3: try crash()
        case 3..<8: clients[number].isSilent.toggle()
        case 8..<12: leave(number)
        case 12..<16: forget(number)
        case 16..<24: bench.advance(ms: Int64(below(15_000)))
        case 24..<32: transaction(number)
        case 32..<50: commit(number)
        default: follow(number)
        }
        for index in clients.indices where !clients[index].isSilent { receive(index) }
    }

    /// What a client does that follows the protocol.
    private mutating func follow(_ number: Int) {
        let client = clients[number]
        if client.isSilent || client.join?.response == nil && client.join != nil { return bench.advance(ms: 200) }
        if client.sync != nil && client.sync?.response == nil { return bench.advance(ms: 200) }
        if client.generation < 0 { return join(number) }
        let code = bench.heartbeat(client.memberId, client.generation, instance: client.instance)
        switch code {
        case .rebalanceInProgress: join(number)
        case .unknownMemberId, .fencedInstanceId: forget(number)
        case .illegalGeneration: join(number)
        default: bench.advance(ms: Int64(below(1000)))
        }
    }

    private mutating func join(_ number: Int) {
        clients[number].generation = -1
        clients[number].share = []
        clients[number].sync = nil
        clients[number].join = bench.join(
            clients[number].memberId, instance: clients[number].instance,
            protocols: below(4) == 0 ? ["range", "sticky"] : ["range"], sessionMs: 6000, rebalanceMs: 9000)
    }

    private mutating func receive(_ number: Int) {
        if let answer = clients[number].join?.response {
            clients[number].join = nil
            switch answer.errorCode {
            case .none:
                clients[number].memberId = answer.memberId
                clients[number].generation = answer.generationId
                rebalances += answer.leader == answer.memberId ? 1 : 0
                synchronize(number, answer)
            case .memberIdRequired:
                clients[number].memberId = answer.memberId
                join(number)
            case .unknownMemberId, .fencedInstanceId:
                forget(number)
            default:
                break
            }
        }
        guard let answer = clients[number].sync?.response else { return }
        clients[number].sync = nil
        guard answer.errorCode == .none else {
            clients[number].generation = -1
            return
        }
        let share = Set(answer.assignment.array.map { Int32($0) })
        clients[number].share = share
        let generation = clients[number].generation
        // Who comes back as the same instance takes over what it had, and fences who has it.
        let owner = clients[number].instance ?? clients[number].memberId
        generations[generation, default: [:]][owner] = share
    }

    private mutating func synchronize(_ number: Int, _ answer: JoinGroupResponse) {
        var plan: [String: String] = [:]
        if answer.leader == answer.memberId && !answer.skipAssignment {
            for index in 0..<Self.partitionCount {
                let member = answer.members[Int(index) % answer.members.count].memberId
                plan[member, default: ""].unicodeScalars.append(Unicode.Scalar(UInt8(index)))
            }
        }
        clients[number].sync = bench.sync(
            answer.memberId, answer.generationId, instance: clients[number].instance, assignments: plan)
    }

    private mutating func leave(_ number: Int) {
        let client = clients[number]
        guard !client.isSilent, !client.memberId.isEmpty else { return }
        _ = bench.leave(client.memberId, instance: client.instance)
        forget(number)
    }

    private mutating func forget(_ number: Int) {
        clients[number] = Client(instance: clients[number].instance)
    }

    private mutating func commit(_ number: Int) {
        let client = clients[number]
        // Also such as are silent, fenced or behind: they must be refused.
        guard let partition = client.share.sorted().randomElement(using: &random), client.generation >= 0 else {
            return
        }
        let offset = nextOffset
        nextOffset += 1
        let code = bench.commit(
            offset, client.memberId, client.generation, instance: client.instance, partition: partition)
        if code == ErrorCode.none {
            commits += 1
            acknowledged[partition] = offset
            let group = bench.classic()
            let isMember = group?.check(member: client.memberId, instance: client.instance) == ErrorCode.none
            if !isMember || group?.generation != client.generation {
                violations.append("a commit of \(client.memberId) in generation \(client.generation) was accepted")
            }
        }
    }

    private mutating func transaction(_ number: Int) {
        if let producer = openTransactions.keys.sorted().first, below(2) == 0 {
            let isCommit = below(2) == 0
            let offsets = openTransactions.removeValue(forKey: producer) ?? [:]
            bench.end(CoordinatorProducer(id: producer, epoch: 0), commits: isCommit)
            // What was committed since then is newer.
            for (partition, offset) in offsets where isCommit && offset > acknowledged[partition] ?? -1 {
                acknowledged[partition] = offset
            }
            return
        }
        let client = clients[number]
        guard let partition = client.share.sorted().first, client.generation >= 0 else { return }
        let producer = openTransactions.keys.sorted().first ?? nextProducer
        nextProducer += 1
        let offset = nextOffset
        nextOffset += 1
        let code = bench.commit(
            offset, in: CoordinatorProducer(id: producer, epoch: 0), partition: partition, member: client.memberId,
            generation: client.generation)
        if code == ErrorCode.none { openTransactions[producer, default: [:]][partition] = offset }
    }

    private mutating func crash() throws {
        try compareWithLog()
        let waiting = clients.compactMap(\.join)
        let before = waiting.filter { $0.response == nil }
        try bench.restart()
        // A generation in which nobody had an assignment yet is given again.
        lastGeneration = bench.classic()?.generation ?? 0
        if before.contains(where: { $0.count != 1 }) { violations.append("a crash left somebody waiting") }
        try compareWithLog()
    }

    // MARK: Rules

    private mutating func look(at step: Int) {
        for client in clients {
            if (client.join?.count ?? 0) > 1 || (client.sync?.count ?? 0) > 1 {
                violations.append("step \(step): a request was answered twice")
            }
        }
        for (generation, shares) in generations {
            let owned = shares.values.flatMap { $0 }
            if Set(owned).count != owned.count {
                violations.append("step \(step): a partition has two owners in generation \(generation): \(shares)")
            }
        }
        if let group = bench.classic() {
            if group.generation < lastGeneration {
                violations.append("step \(step): the generation goes from \(lastGeneration) to \(group.generation)")
            }
            lastGeneration = group.generation
            // Static members that are not back are waited for, beyond the limit.
            let dynamic = group.members.values.filter { $0.instanceId == nil }.count
            if group.state != .preparingRebalance && dynamic > bench.settings.maxSize {
                violations.append("step \(step): too many members")
            }
            if group.awaitingJoin > bench.settings.maxSize { violations.append("step \(step): too many join") }
            if group.state == .stable, group.leader.map({ group.members[$0] == nil }) ?? true {
                violations.append("step \(step): a stable group without a leader")
            }
            if group.state == .empty, !group.members.isEmpty { violations.append("step \(step): empty with members") }
            let waits = group.members.values.filter { $0.join != nil }.count
            if waits != group.awaitingJoin {
                violations.append("step \(step): \(waits) wait, \(group.awaitingJoin) counted")
            }
        } else {
            lastGeneration = 0
        }
        for (partition, offset) in acknowledged where bench.fetch("t", partition).committedOffset != offset {
            violations.append(
                "step \(step): partition \(partition) is at \(bench.fetch("t", partition)), not \(offset)")
        }
    }

    /// What the log says is what the coordinator knows.
    private mutating func compareWithLog() throws {
        let reloaded = try bench.reloaded()
        let machine = bench.machine
        if reloaded.transactions != machine.transactions {
            violations.append("open transactions differ from the log's")
        }
        for id in Set(reloaded.groups.keys).union(machine.groups.keys) {
            let (log, live) = (reloaded.groups[id], machine.groups[id])
            if (log?.offsets ?? GroupOffsets()) != (live?.offsets ?? GroupOffsets()) {
                violations.append("the offsets of \(id) differ from the log's")
            }
            if log?.kept != live?.kept { violations.append("group \(id) differs from the log's") }
            if let classic = live?.classic, classic.state == .stable, log?.kept != classic.kept {
                violations.append("a stable group is not what the log says")
            }
        }
    }
}

@Suite struct GroupSimulationTests {
    #if DEBUG
        static let seeds: UInt64 = 300
    #else
        static let seeds: UInt64 = 5000
    #endif

    @Test func `no seed breaks a rule of groups`() throws {
        var rebalances = 0
        var commits = 0
        for seed in 1...Self.seeds {
            var simulation = GroupSimulation(seed: seed)
            try simulation.run(steps: 200)
            #expect(simulation.violations.isEmpty, "seed \(seed): \(simulation.violations)")
            rebalances += simulation.rebalances
            commits += simulation.commits
        }
        // Otherwise nothing was put to the test.
        #expect(rebalances > Int(Self.seeds) && commits > Int(Self.seeds))
    }
}
