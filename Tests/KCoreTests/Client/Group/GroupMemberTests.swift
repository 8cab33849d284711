import Testing

@testable import KCore

@Suite struct GroupMemberTests {
    /// A member whose requests are answered by hand.
    private final class Bench {
        let member: GroupMember
        var nowMs: Int64 = 1000
        var sent: [(request: GroupRequest, serial: Int)] = []
        var events: [String] = []
        var lookUps: [Set<String>] = []
        var failure: ClientError?
        var revocation = 0

        init(_ assignors: [Assignor] = [.range], instance: String? = nil, topics: Set<String> = ["t"]) {
            var settings = MembershipSettings(groupId: "g")
            settings.assignors = assignors
            settings.instanceId = instance
            settings.retryBackoff = Backoff(firstMs: 100, maxMs: 100)
            member = GroupMember(settings, seed: 1, nowMs: nowMs)
            member.subscribe(topics)
            step()
        }

        /// - Parameter polls: whether the reader asked, too.
        func step(afterMs: Int64 = 0, polls: Bool = true) {
            nowMs += afterMs
            if polls { member.polled(nowMs: nowMs) }
            member.advance(nowMs: nowMs)
            for effect in member.effects {
                switch effect {
                case .send(let request, let serial, _): sent.append((request, serial))
                case .revoke(let partitions, let number):
                    revocation = number
                    events.append("revoke \(text(partitions))")
                case .lost(let partitions): events.append("lost \(text(partitions))")
                case .assign(let partitions): events.append("assign \(text(partitions))")
                case .lookUp(let topics): lookUps.append(topics)
                case .failed(let error): failure = error
                }
            }
            member.effects = []
        }

        private func text(_ partitions: [TopicPartition]) -> String {
            partitions.map { String($0.partition) }.joined(separator: ",")
        }

        func answer(_ answer: GroupAnswer) {
            guard let last = sent.popLast() else { return }
            member.answered(last.serial, answer, nowMs: nowMs)
            step(polls: false)
        }

        func found() {
            var response = FindCoordinatorResponse()
            var coordinator = FindCoordinatorResponse.Coordinator()
            (coordinator.key, coordinator.host, coordinator.port) = ("g", "box", 9092)
            response.coordinators = [coordinator]
            answer(.coordinator(response))
        }

        func joined(_ code: ErrorCode = .none, generation: Int32 = 1, member id: String = "me", leader: String = "you")
        {
            var response = JoinGroupResponse()
            (response.errorCode, response.generationId, response.memberId) = (code, generation, id)
            (response.leader, response.protocolName) = (leader, member.settings.assignors[0].rawValue)
            answer(.joined(response))
        }

        func synced(_ partitions: [Int32], _ code: ErrorCode = .none) throws {
            var response = SyncGroupResponse()
            response.errorCode = code
            let assigned = partitions.map { TopicPartition(topic: "t", partition: $0) }
            if code == .none { response.assignment = try MemberAssignment.encode(assigned) }
            answer(.synced(response))
        }

        func beaten(_ code: ErrorCode) {
            var response = HeartbeatResponse()
            response.errorCode = code
            answer(.beat(response))
        }

        /// Up to a share of partitions 0 and 1.
        func settle(generation: Int32 = 1) throws {
            if member.coordinator == nil { found() }
            joined(generation: generation)
            try synced([0, 1])
        }

        var last: GroupRequest? { sent.last?.request }
    }

    private func join(_ request: GroupRequest?) -> JoinGroupRequest? {
        if case .join(let join)? = request { join } else { nil }
    }

    @Test func `a member finds its coordinator, gets an id, joins and is given its share`() throws {
        let bench = Bench()
        guard case .findCoordinator? = bench.last else { return #expect(Bool(false), "no look for the coordinator") }
        bench.found()
        #expect(join(bench.last)?.memberId == "")
        bench.joined(.memberIdRequired, member: "me")
        #expect(join(bench.last)?.memberId == "me")
        bench.joined()
        guard case .sync(let sync)? = bench.last else { return #expect(Bool(false), "no SyncGroup") }
        #expect(sync.generationId == 1 && sync.memberId == "me" && sync.assignments.isEmpty)
        try bench.synced([0, 1])
        #expect(bench.events == ["assign 0,1"])
        #expect(bench.member.phase == .stable)
    }

    @Test(arguments: [false, true])
    func `a commit of the generation that is over takes nothing from a member that is on its way into the next`(
        isAnswerLost: Bool
    ) throws {
        let bench = Bench([.cooperativeSticky])
        try bench.settle()
        bench.step(afterMs: bench.member.heartbeatIntervalMs)
        bench.beaten(.rebalanceInProgress)
        #expect(join(bench.last) != nil && bench.member.isJoining)
        if isAnswerLost {
            // It may be in the next one already.
            bench.member.failed(bench.sent.removeLast().serial, ClientError(.connection, "lost"), nowMs: bench.nowMs)
        }
        bench.member.commitRefused(.illegalGeneration, generation: 1, nowMs: bench.nowMs)
        bench.step(afterMs: 200)
        #expect(bench.member.owned.count == 2 && bench.member.generation == 1)
        try bench.settle(generation: 2)
        #expect(bench.events == ["assign 0,1", "assign "] && !bench.member.isJoining)
        // That it is not in the generation that it knows, it hears as before.
        bench.member.commitRefused(.illegalGeneration, generation: 2, nowMs: bench.nowMs)
        bench.step()
        #expect(bench.events.last == "lost 0,1")
    }

    @Test func `a session timeout that the broker does not take is named`() {
        let bench = Bench()
        bench.found()
        bench.joined(.invalidSessionTimeout)
        #expect(
            bench.failure?.message
                == "cannot join group g: INVALID_SESSION_TIMEOUT: session.timeout.ms=45000 is outside of what the broker "
                + "allows, group.min.session.timeout.ms to group.max.session.timeout.ms")
    }

    @Test func `what keeps a member from joining is told once, and given up by who reads to the end`() throws {
        let bench = Bench()
        let startMs = bench.nowMs
        func step(boundedPatienceMs: Int64 = .max) -> GroupObstacle.Step {
            bench.member.obstacle.step(nowMs: bench.nowMs, boundedPatienceMs: boundedPatienceMs)
        }
        let refusal = ClientError.refused("join group g", .notCoordinator)
        #expect(step() == .wait)
        // It finds a coordinator each time, which is none.
        while bench.nowMs - startMs < 2900 {
            bench.found()
            bench.joined(.notCoordinator)
            #expect(step() == .wait)
            bench.step(afterMs: 100)
        }
        bench.found()
        bench.joined(.notCoordinator)
        bench.step(afterMs: 100)
        #expect(step(boundedPatienceMs: 3000) == .giveUp(refusal))
        #expect(step() == .tell(refusal) && step() == .wait)
        bench.step(afterMs: 200)
        try bench.settle()
        #expect(step(boundedPatienceMs: 0) == .wait)
        // What a member goes on from is none.
        bench.step(afterMs: bench.member.heartbeatIntervalMs)
        if let beat = bench.sent.popLast() {
            bench.member.failed(beat.serial, ClientError(.connection, "lost"), nowMs: bench.nowMs)
        }
        bench.step(afterMs: 200)
        bench.found()
        bench.beaten(.none)
        bench.step(afterMs: 10_000)
        #expect(step(boundedPatienceMs: 0) == .wait)
        // The next time it is told again.
        bench.member.commitRefused(.notCoordinator, generation: 1, nowMs: bench.nowMs)
        bench.step(afterMs: 3000)
        #expect(step() == .tell(ClientError.refused("commit in group g", .notCoordinator)))
    }

    @Test(arguments: [nil, "i"])
    func `what kept a member from joining is in nobody's way once the coordinator has it wait for others`(
        instance: String?
    ) {
        let bench = Bench(instance: instance)
        bench.found()
        bench.joined(.coordinatorLoadInProgress)
        bench.step(afterMs: 200)
        if instance == nil { bench.joined(.memberIdRequired) }
        #expect(join(bench.last) != nil && bench.member.isJoining)
        // As long as a slow member keeps all others waiting.
        bench.step(afterMs: 60_000)
        #expect(bench.member.obstacle.step(nowMs: bench.nowMs, boundedPatienceMs: 30_000) == .wait)
        // It was there all the time, says the answer.
        bench.joined(.coordinatorLoadInProgress)
        let refusal = ClientError.refused("join group g", .coordinatorLoadInProgress)
        let isBack = bench.member.obstacle.step(nowMs: bench.nowMs, boundedPatienceMs: 30_000)
        #expect(isBack == (instance == nil ? .wait : .giveUp(refusal)))
    }

    @Test func `the leader assigns what members want`() throws {
        let bench = Bench()
        bench.found()
        var response = JoinGroupResponse()
        (response.generationId, response.memberId, response.leader) = (1, "me", "me")
        response.protocolName = "range"
        for (id, topics) in [("me", ["t"]), ("you", ["t", "u"])] as [(String, Set<String>)] {
            var member = JoinGroupResponse.JoinGroupResponseMember()
            member.memberId = id
            member.metadata = try MemberSubscription.encode(
                topics, owned: [], previous: [], generation: -1, for: .range, rack: nil)
            response.members.append(member)
        }
        bench.answer(.joined(response))
        #expect(bench.lookUps == [["t", "u"]])
        bench.member.found(["t": 2, "u": 1], nowMs: bench.nowMs)
        bench.step()
        guard case .sync(let sync)? = bench.last else { return #expect(Bool(false), "no SyncGroup") }
        let shares = try sync.assignments.map { try MemberAssignment.decode($0.assignment).sorted().map(\.description) }
        #expect(sync.assignments.map(\.memberId) == ["me", "you"])
        #expect(shares == [["t-0"], ["t-1", "u-0"]])
        try bench.synced([0])
        // More partitions: the leader has all join again.
        bench.member.changed(["t": 3])
        bench.step()
        #expect(bench.events.last == "revoke 0")
    }

    @Test func `heartbeats go on while the reader takes its time, and until it is too long`() throws {
        let bench = Bench()
        try bench.settle()
        for _ in 0..<90 {
            bench.step(afterMs: 3000, polls: false)
            guard case .heartbeat? = bench.last else { return #expect(Bool(false), "no heartbeat") }
            bench.beaten(.none)
        }
        bench.step(afterMs: 31_000, polls: false)
        guard case .leave(let leave)? = bench.last else { return #expect(Bool(false), "has not left") }
        #expect(leave.members.map(\.memberId) == ["me"])
        #expect(bench.events == ["assign 0,1", "lost 0,1"])
        #expect(bench.member.phase == .silent)
        bench.step(polls: true)
        #expect(join(bench.last)?.memberId == "", "it begins anew")
    }

    @Test func `a rebalance takes all away before the member joins again`() throws {
        let bench = Bench()
        try bench.settle()
        bench.step(afterMs: 3000)
        bench.beaten(.rebalanceInProgress)
        #expect(bench.events.last == "revoke 0,1")
        #expect(bench.sent.isEmpty, "not before the reader has let go")
        bench.step(afterMs: 3000)
        guard case .heartbeat? = bench.last else { return #expect(Bool(false), "the session must not end meanwhile") }
        bench.beaten(.rebalanceInProgress)
        bench.member.revoked(bench.revocation, nowMs: bench.nowMs)
        bench.step()
        #expect(join(bench.last)?.memberId == "me")
        bench.joined(generation: 2)
        try bench.synced([1])
        #expect(bench.events == ["assign 0,1", "revoke 0,1", "assign 1"])
    }

    @Test func `a cooperative member goes on with what it keeps and gives up only what it loses`() throws {
        let bench = Bench([.cooperativeSticky])
        try bench.settle()
        bench.step(afterMs: 3000)
        bench.beaten(.rebalanceInProgress)
        let rejoin = try #require(join(bench.last))
        #expect(bench.events == ["assign 0,1"])
        let told = try ConsumerProtocolSubscription(versioned: rejoin.protocols[0].metadata)
        #expect(told.ownedPartitions.map(\.partitions) == [[0, 1]] && told.generationId == 1)
        bench.joined(generation: 2)
        try bench.synced([1, 2])
        #expect(bench.events.last == "revoke 0")
        bench.member.revoked(bench.revocation, nowMs: bench.nowMs)
        bench.step()
        #expect(bench.events == ["assign 0,1", "revoke 0", "assign 2"])
        // So that whoever gets partition 0 learns it.
        let again = try ConsumerProtocolSubscription(versioned: try #require(join(bench.last)).protocols[0].metadata)
        #expect(again.ownedPartitions.map(\.partitions) == [[1, 2]])
    }

    @Test(arguments: [ErrorCode.unknownMemberId, .illegalGeneration])
    func `a member that was taken out loses its share at once and joins anew`(code: ErrorCode) throws {
        let bench = Bench()
        try bench.settle()
        bench.step(afterMs: 3000)
        bench.beaten(code)
        #expect(bench.events.last == "lost 0,1")
        #expect(join(bench.last)?.memberId == (code == .unknownMemberId ? "" : "me"))
    }

    @Test func `a moved coordinator is looked for again without losing anything`() throws {
        let bench = Bench()
        try bench.settle()
        bench.step(afterMs: 3000)
        bench.beaten(.notCoordinator)
        bench.step(afterMs: 200)
        guard case .findCoordinator? = bench.last else { return #expect(Bool(false), "not looked for") }
        bench.found()
        bench.step(afterMs: 3000)
        guard case .heartbeat? = bench.last else { return #expect(Bool(false), "no heartbeat") }
        bench.beaten(.none)
        #expect(bench.events == ["assign 0,1"])
    }

    @Test func `a lost connection is tried again`() throws {
        let bench = Bench()
        try bench.settle()
        bench.step(afterMs: 3000)
        let beat = bench.sent.removeLast()
        bench.member.failed(beat.serial, ClientError(.connection, "gone"), nowMs: bench.nowMs)
        bench.step()
        #expect(bench.member.coordinator == nil && bench.failure == nil)
    }

    @Test func `a static member does not leave, and one whose place is taken ends`() throws {
        let bench = Bench(instance: "i")
        try bench.settle()
        bench.step(afterMs: 3000)
        bench.beaten(.fencedInstanceId)
        #expect(bench.events.last == "lost 0,1")
        #expect(bench.failure?.message.contains("group.instance.id=i") == true)
        let other = Bench(instance: "i")
        try other.settle()
        other.member.leave(nowMs: other.nowMs)
        other.step()
        #expect(other.sent.isEmpty)
    }

    /// A static member is told that it leads a group whose assignment stands.
    private func comeBack(_ bench: Bench, member id: String = "me") {
        var response = JoinGroupResponse()
        (response.generationId, response.memberId, response.leader) = (3, id, id)
        (response.protocolName, response.skipAssignment) = (bench.member.settings.assignors[0].rawValue, true)
        bench.answer(.joined(response))
    }

    @Test func `a leader that comes back takes the assignment as it stands`() throws {
        let bench = Bench(instance: "i")
        bench.found()
        comeBack(bench)
        #expect(bench.lookUps == [["t"]])
        bench.member.found(["t": 2], nowMs: bench.nowMs)
        bench.step()
        guard case .sync(let sync)? = bench.last else { return #expect(Bool(false), "no SyncGroup") }
        #expect(sync.assignments.isEmpty)
        try bench.synced([0])
        bench.member.changed(["t": 2])
        bench.step()
        #expect(bench.events == ["assign 0"], "nothing has changed")
        bench.member.changed(["t": 3])
        bench.step()
        #expect(bench.events.last == "revoke 0")
    }

    @Test(arguments: [["t": 3], ["t": 2, "u": 1]] as [[String: Int32]])
    func `what changes after a leader came back is assigned, also when it is the first that it hears of it`(
        counts: [String: Int32]
    ) throws {
        let bench = Bench(instance: "i", topics: ["t", "u"])
        bench.found()
        comeBack(bench)
        // Topic u is not there yet.
        bench.member.found(["t": 2], nowMs: bench.nowMs)
        bench.step()
        try bench.synced([0])
        bench.member.changed(counts)
        bench.step()
        #expect(bench.events == ["assign 0", "revoke 0"])
    }

    @Test func `a leader that comes back assigns what has changed since it did so itself`() throws {
        let bench = Bench([.cooperativeSticky], instance: "i")
        try lead(bench, owned: [])
        try bench.synced([0])
        bench.step(afterMs: 301_000, polls: false)
        #expect(bench.member.isSilent)
        bench.sent = []
        bench.step()
        comeBack(bench)
        bench.member.found(["t": 3], nowMs: bench.nowMs)
        bench.step()
        try bench.synced([0])
        #expect(join(bench.last)?.memberId == "me")
    }

    /// Has a member lead a group of two that reads two partitions, some of which the other one has.
    private func lead(_ bench: Bench, owned: [Int32]) throws {
        bench.found()
        try share(bench, owned: owned)
    }

    /// The same in each next round.
    private func share(_ bench: Bench, owned: [Int32]) throws {
        var response = JoinGroupResponse()
        (response.generationId, response.memberId, response.leader) = (2, "me", "me")
        response.protocolName = "cooperative-sticky"
        for (id, owned) in [("me", []), ("you", owned)] as [(String, [Int32])] {
            var member = JoinGroupResponse.JoinGroupResponseMember()
            member.memberId = id
            let partitions = Set(owned.map { TopicPartition(topic: "t", partition: $0) })
            member.metadata = try MemberSubscription.encode(
                ["t"], owned: partitions, previous: [], generation: 1, for: .cooperativeSticky, rack: nil)
            response.members.append(member)
        }
        bench.answer(.joined(response))
        bench.member.found(["t": 2], nowMs: bench.nowMs)
        bench.step()
    }

    /// All is well for a session.
    private func passSession(_ bench: Bench) {
        for _ in 0..<14 {
            bench.step(afterMs: 3000)
            guard case .heartbeat? = bench.last else { return #expect(Bool(false), "no heartbeat") }
            bench.beaten(.none)
        }
        #expect(bench.sent.isEmpty)
        bench.step(afterMs: 3000)
    }

    @Test(arguments: [[Int32(0), 1], [0]])
    func `a leader that left out what another must let go begins the next round, if nobody does`(owned: [Int32]) throws
    {
        let bench = Bench([.cooperativeSticky])
        try lead(bench, owned: owned)
        try bench.synced(owned.count == 2 ? [] : [1])
        passSession(bench)
        #expect((join(bench.last)?.memberId == "me") == (owned.count == 2))
    }

    @Test func `a leader that has to leave something out again waits for twice as long`() throws {
        let bench = Bench([.cooperativeSticky])
        try lead(bench, owned: [0, 1])
        try bench.synced([])
        passSession(bench)
        #expect(join(bench.last)?.memberId == "me")
        // A static member that is dead keeps what it has until its session ends, which each round begins anew.
        try share(bench, owned: [0, 1])
        try bench.synced([])
        // The heartbeat in front of the new round has no answer.
        bench.sent = []
        for _ in 0..<29 {
            bench.step(afterMs: 3000)
            bench.beaten(.none)
        }
        #expect(bench.sent.isEmpty)
        bench.step(afterMs: 3000)
        #expect(join(bench.last)?.memberId == "me")
    }

    @Test func `a leader that comes back to what it left out begins the next round, too`() throws {
        let bench = Bench([.cooperativeSticky], instance: "i")
        try lead(bench, owned: [0, 1])
        try bench.synced([])
        bench.step(afterMs: 301_000, polls: false)
        #expect(bench.member.isSilent)
        bench.sent = []
        bench.step()
        comeBack(bench, member: "again")
        bench.member.found(["t": 2], nowMs: bench.nowMs)
        bench.step()
        try bench.synced([])
        passSession(bench)
        #expect(join(bench.last)?.memberId == "again")
    }

    @Test(arguments: [ErrorCode.inconsistentGroupProtocol, .groupAuthorizationFailed, .invalidSessionTimeout])
    func `what cannot get better ends the member with the reason`(code: ErrorCode) {
        let bench = Bench()
        bench.found()
        bench.joined(code)
        #expect(bench.failure?.errorCode == code)
        #expect(bench.member.phase == .failed)
    }

    @Test func `late answers and late goodbyes change nothing`() throws {
        let bench = Bench()
        try bench.settle()
        bench.member.answered(2, .joined(JoinGroupResponse()), nowMs: bench.nowMs)
        bench.member.revoked(7, nowMs: bench.nowMs)
        bench.step()
        #expect(bench.events == ["assign 0,1"] && bench.member.phase == .stable)
    }
}
