import Synchronization
import Testing

@testable import KCore

/// Members of both protocols, as our client has them, and the coordinator, over a network that delays and loses. Members
/// come, crash, fall silent and leave; the coordinator crashes and comes back with what its log says.
final class ConsumerGroupSimulation {
    private struct Reader {
        let member: any GroupMembership
        /// What the reader believes that it may read.
        var has: Set<TopicPartition> = []
        var revoking: (partitions: [TopicPartition], number: Int)?
        var isGone = false
        var nextPollMs: Int64 = 0
    }

    private struct Answer: Sendable {
        var reader: Int
        var serial: Int
        var answer: GroupAnswer
    }

    private final class Inbox: Sendable {
        let answers = Mutex<[Answer]>([])
    }

    let bench: GroupBench
    private(set) var violations: [String] = []
    private(set) var commits = 0
    private(set) var moves = 0
    private var random: SeededGenerator
    private var readers: [Reader] = []
    private let inbox = Inbox()
    private var isCalm = false
    private var events: [(atMs: Int64, order: Int, body: () -> Void)] = []
    private var order = 0
    private let assignors: [Assignor]
    private var nextInstance = 0

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        var settings = GroupBench.settings
        settings.consumerHeartbeatIntervalMs = 1000
        settings.consumerSessionTimeoutMs = 10_000
        bench = GroupBench(settings, seed: seed)
        assignors = random.next() % 2 == 0 ? [.range] : [.cooperativeSticky]
    }

    private var nowMs: Int64 { bench.clock.monotonicMs }
    private func chance(_ percent: Double) -> Bool { !isCalm && Double.random(in: 0..<100, using: &random) < percent }
    private func delayMs() -> Int64 { Int64.random(in: 1...(isCalm ? 5 : 400), using: &random) }

    private func later(_ afterMs: Int64, _ body: @escaping () -> Void) {
        order += 1
        events.append((nowMs + afterMs, order, body))
    }

    // MARK: Running

    func run() throws {
        for _ in 0..<3 { addReader() }
        for _ in 0..<600 {
            try disturb()
            tick()
            if !violations.isEmpty { return }
        }
        isCalm = true
        for _ in 0..<1200 {
            tick()
            if !violations.isEmpty { return }
        }
        let live = readers.filter { !$0.isGone }
        let read = live.flatMap { Array($0.has) }
        let count = bench.topics.image.topic("t")?.partitions.count ?? 0
        if !live.isEmpty && (read.count != count || Set(read).count != count) {
            violations.append("in peace \(live.count) members have \(live.map { $0.has.map(\.partition).sorted() })")
        }
    }

    private func tick() {
        bench.advance(ms: 50)
        while let next = events.indices.filter({ events[$0].atMs <= nowMs }).min(by: {
            (events[$0].atMs, events[$0].order) < (events[$1].atMs, events[$1].order)
        }) {
            events.remove(at: next).body()
        }
        deliver()
        for index in readers.indices where !readers[index].isGone { step(index) }
        check()
    }

    private func disturb() throws {
        if chance(0.3) { try crash() }
        if chance(1), readers.filter({ !$0.isGone }).count < 6 { addReader() }
        guard let index = readers.indices.filter({ !readers[$0].isGone }).randomElement(using: &random) else { return }
        if chance(0.5) {
            readers[index].isGone = true
        } else if chance(1) {
            let member = readers[index].member
            member.leave(nowMs: nowMs)
            for effect in member.effects { if case .send = effect { apply(effect, index) } }
            readers[index].isGone = true
        } else if chance(5) {
            commit(index)
        }
        let count = bench.topics.image.topic("t")?.partitions.count ?? 0
        if chance(0.2) && count < 9 {
            bench.topics.add("t", count + 1)
            for reader in readers where !reader.isGone { reader.member.changed(topics) }
        }
    }

    private func crash() throws {
        let before = bench.consumerGroup
        try bench.restart()
        let after = bench.consumerGroup
        if before?.members != after?.members || before?.target != after?.target || before?.epoch != after?.epoch {
            violations.append("the log says something else than the coordinator knew")
        }
    }

    private func addReader() {
        var settings = MembershipSettings(groupId: "g")
        settings.isConsumerProtocol = Bool.random(using: &random)
        (settings.sessionTimeoutMs, settings.heartbeatIntervalMs) = (10_000, 1000)
        (settings.maxPollIntervalMs, settings.requestTimeoutMs) = (20_000, 3000)
        settings.assignors = assignors
        if random.next() % 4 == 0 {
            nextInstance += 1
            settings.instanceId = "i\(nextInstance)"
        }
        let seed = random.next()
        let member: any GroupMembership =
            settings.isConsumerProtocol
            ? ConsumerMembership(settings, seed: seed, nowMs: nowMs) : GroupMember(settings, seed: seed, nowMs: nowMs)
        member.subscribe(["t"])
        readers.append(Reader(member: member))
    }

    private var topics: [FoundTopic] {
        bench.topics.image.topics.map {
            FoundTopic(name: $0.name, id: $0.id, partitionCount: Int32($0.partitions.count))
        }
    }

    // MARK: Readers

    private func step(_ index: Int) {
        if nowMs >= readers[index].nextPollMs {
            readers[index].member.polled(nowMs: nowMs)
            if let (partitions, number) = readers[index].revoking {
                readers[index].revoking = nil
                readers[index].has.subtract(partitions)
                readers[index].member.revoked(number, nowMs: nowMs)
            }
            // Now and then somebody takes far too long.
            let pauseMs = chance(1) ? 30_000 : Int64.random(in: 50...(isCalm ? 100 : 2000), using: &random)
            readers[index].nextPollMs = nowMs + pauseMs
        }
        readers[index].member.advance(nowMs: nowMs)
        let effects = readers[index].member.effects
        readers[index].member.effects = []
        for effect in effects { apply(effect, index) }
    }

    private func apply(_ effect: MembershipEffect, _ index: Int) {
        switch effect {
        case .send(let request, let serial, let timeoutMs): send(request, index, serial, timeoutMs)
        case .revoke(let partitions, let number): readers[index].revoking = (partitions, number)
        case .lost(let partitions):
            readers[index].revoking = nil
            readers[index].has.subtract(partitions)
        case .assign(let partitions):
            moves += partitions.count
            readers[index].has.formUnion(partitions)
            if readers[index].has != readers[index].member.owned { violations.append("reader and member differ") }
        case .lookUp(let names):
            later(delayMs()) { [self] in
                readers[index].member.found(topics.filter { names.contains($0.name) }, nowMs: nowMs)
            }
        case .failed(let error): violations.append("member \(index) failed: \(error)")
        }
    }

    private func commit(_ index: Int) {
        let member = readers[index].member
        guard let partition = readers[index].has.sorted().first, member.generation >= 0 else { return }
        let code = bench.commit(
            1, member.memberId, member.generation, instance: member.settings.instanceId,
            partition: partition.partition, version: 9)
        guard code == ErrorCode.none else { return }
        commits += 1
        let isCurrent =
            if let group = bench.consumerGroup {
                group.members[member.memberId]?.epoch == member.generation
            } else {
                bench.classic()?.members[member.memberId] != nil
                    && bench.classic()?.isCurrent(member.generation, of: member.memberId) == true
            }
        if !isCurrent { violations.append("a commit in epoch \(member.generation) was accepted") }
    }

    // MARK: Network

    private func send(_ request: GroupRequest, _ index: Int, _ serial: Int, _ timeoutMs: Int64) {
        later(min(timeoutMs, 25_000)) { [self] in
            readers[index].member.failed(serial, ClientError(.timeout, "too late"), nowMs: nowMs)
        }
        if chance(3) { return }
        later(delayMs()) { [self] in handle(request, index, serial) }
    }

    private func handle(_ request: GroupRequest, _ index: Int, _ serial: Int) {
        let surroundings = MemberSurroundings(
            image: bench.topics.image, client: GroupClient(id: "c\(index)", host: "/h"), version: 9)
        switch request {
        case .findCoordinator:
            var response = FindCoordinatorResponse()
            var coordinator = FindCoordinatorResponse.Coordinator()
            (coordinator.key, coordinator.host, coordinator.port) = ("g", "h", 1)
            response.coordinators = [coordinator]
            inbox.answers.withLock { $0.append(Answer(reader: index, serial: serial, answer: .coordinator(response))) }
        case .join(let request):
            ask(index, serial, { .refused($0, memberId: request.memberId) }, GroupAnswer.joined) {
                $0.join(request, surroundings, &$1, $2)
            }
        case .sync(let request):
            ask(index, serial, SyncGroupResponse.init(refused:), GroupAnswer.synced) { $0.sync(request, &$1, $2) }
        case .heartbeat(let request):
            ask(index, serial, HeartbeatResponse.init(refused:), GroupAnswer.beat) { $0.heartbeat(request, &$1, $2) }
        case .leave(let request):
            ask(index, serial, LeaveGroupResponse.init(refused:), GroupAnswer.left) {
                $0.leave(request, version: 5, &$1, $2)
            }
        case .consumerHeartbeat(let request):
            ask(index, serial, { .refused($0, nil) }, GroupAnswer.consumerBeat) {
                $0.heartbeat(request, surroundings, &$1, $2)
            }
        }
    }

    private func ask<R: Sendable>(
        _ index: Int, _ serial: Int, _ refusal: @escaping @Sendable (ErrorCode) -> R,
        _ answer: @escaping @Sendable (R) -> GroupAnswer,
        _ body: (inout GroupCoordinator, inout GroupCoordinator.Turn, CoordinatorReply<R>) -> Void
    ) {
        let reply = CoordinatorReply<R>(
            { [inbox] response in
                inbox.answers.withLock {
                    $0.append(Answer(reader: index, serial: serial, answer: answer(response)))
                }
            }, refusal: refusal)
        bench.partition.run(reply, body)
        bench.partition.flush()
    }

    private func deliver() {
        let answers = inbox.answers.withLock { answers in
            defer { answers = [] }
            return answers
        }
        for answer in answers where !chance(3) {
            later(delayMs()) { [self] in
                readers[answer.reader].member.answered(answer.serial, answer.answer, nowMs: nowMs)
            }
        }
    }

    // MARK: Rules

    /// Of those whom the coordinator knows nobody has what another has: in the classic protocol in one generation, with a
    /// member of the new protocol ever.
    private func check() {
        var owners: [TopicPartition: Int] = [:]
        for (index, reader) in readers.enumerated() where !reader.isGone && isKnown(reader) {
            for partition in reader.has {
                guard let other = owners.updateValue(index, forKey: partition) else { continue }
                let (a, b) = (readers[other].member, reader.member)
                let areClassic = a is GroupMember && b is GroupMember
                if areClassic && a.generation != b.generation { continue }
                violations.append(
                    "at \(nowMs) \(partition) is \(other)'s and \(index)'s, in epochs \(a.generation) and \(b.generation)"
                )
            }
        }
        guard let group = bench.consumerGroup else { return }
        var held = TopicShares()
        for member in group.orderedMembers {
            if !held.isDisjoint(with: member.held) { violations.append("the coordinator gave something twice") }
            held = held.union(member.held)
        }
    }

    private func isKnown(_ reader: Reader) -> Bool {
        let id = reader.member.memberId
        guard reader.member.generation >= 0 else { return false }
        if let member = bench.consumerGroup?.members[id] { return member.epoch >= reader.member.generation }
        return bench.classic()?.members[id] != nil
    }
}

extension SyncGroupResponse {
    fileprivate init(refused code: ErrorCode) {
        self.init()
        errorCode = code
    }
}

extension HeartbeatResponse {
    fileprivate init(refused code: ErrorCode) {
        self.init()
        errorCode = code
    }
}

extension LeaveGroupResponse {
    fileprivate init(refused code: ErrorCode) {
        self.init()
        errorCode = code
    }
}

@Suite struct ConsumerGroupSimulationTests {
    #if DEBUG
        static let seeds: UInt64 = 100
    #else
        static let seeds: UInt64 = 2000
    #endif

    @Test func `no seed breaks a rule of groups with members of both protocols`() throws {
        var (commits, moves) = (0, 0)
        for seed in 1...Self.seeds {
            let simulation = ConsumerGroupSimulation(seed: seed)
            try simulation.run()
            #expect(simulation.violations.isEmpty, "seed \(seed): \(simulation.violations)")
            commits += simulation.commits
            moves += simulation.moves
        }
        // Otherwise nothing was put to the test.
        #expect(commits > Int(Self.seeds) && moves > 10 * Int(Self.seeds))
    }
}
