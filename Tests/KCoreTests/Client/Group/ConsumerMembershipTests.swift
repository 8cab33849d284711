import Testing

@testable import KCore

@Suite struct ConsumerMembershipTests {
    /// A member whose requests are answered by hand. Topic `t` has an id that it has to look up.
    private final class Bench {
        let member: ConsumerMembership
        var topic = Uuid(high: 1, low: 2)
        var nowMs: Int64 = 1000
        var sent: [(request: GroupRequest, serial: Int)] = []
        var events: [String] = []
        var failure: ClientError?
        var revocation = 0

        init(instance: String? = nil) {
            var settings = MembershipSettings(groupId: "g")
            (settings.instanceId, settings.remoteAssignor, settings.rackId) = (instance, "range", "r")
            settings.retryBackoff = Backoff(firstMs: 100, maxMs: 100)
            member = ConsumerMembership(settings, seed: 1, nowMs: nowMs)
            member.subscribe(["t"])
            step()
        }

        func step(afterMs: Int64 = 0, polls: Bool = true) {
            nowMs += afterMs
            if polls { member.polled(nowMs: nowMs) }
            member.advance(nowMs: nowMs)
            while !member.effects.isEmpty {
                let effects = member.effects
                member.effects = []
                for effect in effects { apply(effect) }
            }
        }

        private func apply(_ effect: MembershipEffect) {
            switch effect {
            case .send(let request, let serial, _): sent.append((request, serial))
            case .revoke(let partitions, let number):
                revocation = number
                events.append("revoke \(text(partitions))")
            case .lost(let partitions): events.append("lost \(text(partitions))")
            case .assign(let partitions): events.append("assign \(text(partitions))")
            case .lookUp(let topics):
                #expect(topics == ["t"])
                member.found([FoundTopic(name: "t", id: topic, partitionCount: 4)], nowMs: nowMs)
            case .failed(let error): failure = error
            }
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

        func beaten(_ epoch: Int32, _ partitions: [Int32]? = nil, _ code: ErrorCode = .none) {
            var response = ConsumerGroupHeartbeatResponse()
            (response.errorCode, response.memberEpoch, response.heartbeatIntervalMs) = (code, epoch, 5000)
            response.assignment = partitions.map { partitions in
                var entry = ConsumerGroupHeartbeatResponse.TopicPartitions()
                (entry.topicId, entry.partitions) = (topic, partitions)
                var assignment = ConsumerGroupHeartbeatResponse.Assignment()
                if !partitions.isEmpty { assignment.topicPartitions = [entry] }
                return assignment
            }
            answer(.consumerBeat(response))
        }

        /// The heartbeat that waits for its answer.
        var beat: ConsumerGroupHeartbeatRequest? {
            if case .consumerHeartbeat(let beat)? = sent.last?.request { beat } else { nil }
        }

        func owned(_ beat: ConsumerGroupHeartbeatRequest?) -> [Int32]? {
            beat?.topicPartitions.map { $0.flatMap(\.partitions) }
        }
    }

    @Test func `what keeps a member from joining is told, until it is one`() throws {
        let bench = Bench()
        func step() -> GroupObstacle.Step { bench.member.obstacle.step(nowMs: bench.nowMs, boundedPatienceMs: .max) }
        bench.found()
        bench.beaten(0, nil, .coordinatorLoadInProgress)
        #expect(step() == .wait)
        bench.step(afterMs: 3000)
        #expect(step() == .tell(ClientError.refused("join group g", .coordinatorLoadInProgress)))
        bench.beaten(1, [0])
        #expect(bench.events == ["assign 0"] && step() == .wait)
        bench.step(afterMs: 5000)
        bench.beaten(1, nil, .notCoordinator)
        #expect(step() == .wait, "it has just begun")
    }

    @Test func `a member joins with all that it is, and says later only what is new`() throws {
        let bench = Bench()
        bench.found()
        let first = try #require(bench.beat)
        #expect(first.memberEpoch == 0 && !first.memberId.isEmpty && first.rebalanceTimeoutMs == 300_000)
        #expect(first.subscribedTopicNames == ["t"] && first.topicPartitions == [])
        #expect(first.serverAssignor == "range" && first.rackId == "r")
        bench.beaten(3, [0, 1])
        #expect(bench.events == ["assign 0,1"] && bench.member.generation == 3)
        bench.step(afterMs: 4999)
        #expect(bench.beat == nil, "not before its time")
        bench.step(afterMs: 1)
        let second = try #require(bench.beat)
        #expect(second.memberEpoch == 3 && second.memberId == first.memberId && second.subscribedTopicNames == nil)
        #expect(bench.owned(second) == [0, 1] && second.rebalanceTimeoutMs == -1)
        bench.beaten(3)
        bench.step(afterMs: 5000)
        #expect(bench.beat?.topicPartitions == nil)
    }

    @Test func `what is no longer its own is given up, then said, and what is new comes with an answer`() {
        let bench = Bench()
        bench.found()
        bench.beaten(1, [0, 1])
        bench.step(afterMs: 5000)
        bench.beaten(1, [1])
        #expect(bench.events.last == "revoke 0" && bench.beat == nil)
        #expect(bench.member.owned.count == 2, "until the reader has let go")
        bench.member.revoked(bench.revocation, nowMs: bench.nowMs)
        bench.step()
        #expect(bench.owned(bench.beat) == [1], "at once")
        bench.beaten(2, [1, 2])
        #expect(bench.events == ["assign 0,1", "revoke 0", "assign 2"])
        #expect(bench.member.generation == 2 && bench.member.isSettled)
    }

    // What would be committed for the old topic would count for the new one.
    @Test func `partitions of a topic that was made anew are lost, and not given up`() throws {
        let bench = Bench()
        bench.found()
        bench.beaten(3, [0, 1])
        bench.topic = Uuid(high: 3, low: 4)
        bench.step(afterMs: 5000)
        bench.beaten(4, [0])
        #expect(bench.events == ["assign 0,1", "lost 0,1", "assign 0"])
        bench.step()
        let beat = try #require(bench.beat, "the coordinator hears of it at once")
        #expect(beat.topicPartitions?.map(\.topicId) == [bench.topic] && bench.owned(beat) == [0])
    }

    @Test func `heartbeats go on while a reader takes its time to let go, and what changed meanwhile comes after`() {
        let bench = Bench()
        bench.found()
        bench.beaten(1, [0, 1])
        bench.step(afterMs: 5000)
        bench.beaten(1, [1])
        bench.step(afterMs: 5000)
        #expect(bench.owned(bench.beat) == nil, "it still has what it said")
        bench.beaten(1, [1, 3])
        #expect(bench.events.last == "revoke 0")
        bench.member.revoked(bench.revocation, nowMs: bench.nowMs)
        bench.step()
        #expect(bench.events.last == "assign 3")
    }

    @Test(arguments: [ErrorCode.unknownMemberId, .fencedMemberEpoch, .groupIdNotFound])
    func `a member that is fenced loses all at once and joins anew as itself`(code: ErrorCode) throws {
        let bench = Bench()
        bench.found()
        bench.beaten(4, [0])
        bench.step(afterMs: 5000)
        let id = bench.beat?.memberId
        bench.beaten(0, nil, code)
        #expect(bench.events.last == "lost 0" && bench.member.generation == -1)
        let again = try #require(bench.beat)
        #expect(again.memberEpoch == 0 && again.memberId == id && again.topicPartitions == [])
    }

    @Test func `a group that may not be joined is no reason to try for ever`() {
        let bench = Bench()
        bench.found()
        bench.beaten(0, nil, .groupIdNotFound)
        #expect(bench.failure?.kind == .broker(.groupIdNotFound) && bench.beat == nil)
    }

    @Test func `when it is not known what arrived everything is said again`() throws {
        let bench = Bench()
        bench.found()
        bench.beaten(4, [0])
        bench.step(afterMs: 5000)
        bench.member.failed(bench.sent.removeLast().serial, ClientError(.timeout, "late"), nowMs: bench.nowMs)
        bench.step(afterMs: 200)
        bench.found()
        let beat = try #require(bench.beat)
        #expect(beat.memberEpoch == 4 && beat.rebalanceTimeoutMs == 300_000 && bench.owned(beat) == [0])
        bench.beaten(0, nil, .notCoordinator)
        bench.step(afterMs: 200)
        bench.found()
        #expect(bench.owned(bench.beat) == [0] && bench.events == ["assign 0"])
    }

    @Test func `a commit in an old epoch has the member ask for its new one, and a fence is heeded`() {
        let bench = Bench()
        bench.found()
        bench.beaten(4, [0])
        bench.member.commitRefused(.staleMemberEpoch, generation: 4, nowMs: bench.nowMs)
        bench.step()
        #expect(bench.beat?.memberEpoch == 4)
        bench.beaten(5)
        bench.member.commitRefused(.unknownMemberId, generation: 4, nowMs: bench.nowMs)
        #expect(bench.member.generation == 5, "that was about another epoch")
        bench.member.commitRefused(.unknownMemberId, generation: 5, nowMs: bench.nowMs)
        bench.step()
        #expect(bench.events.last == "lost 0" && bench.beat?.memberEpoch == 0)
    }

    @Test func `who is not polled for too long leaves and comes back with the next poll`() {
        let bench = Bench()
        bench.found()
        bench.beaten(1, [0])
        bench.step(afterMs: 300_001, polls: false)
        #expect(bench.beat?.memberEpoch == -1 && bench.events.last == "lost 0" && bench.member.isSilent)
        bench.step()
        #expect(bench.beat?.memberEpoch == 0)
    }

    @Test(arguments: [nil, "i"]) func `who leaves says so, and a static member that it will be back`(instance: String?)
    {
        let bench = Bench(instance: instance)
        bench.found()
        bench.beaten(1, [0])
        bench.member.leave(nowMs: bench.nowMs)
        bench.step()
        #expect(bench.beat?.memberEpoch == (instance == nil ? -1 : -2) && bench.beat?.instanceId == instance)
    }

    @Test(arguments: [ErrorCode.unreleasedInstanceId, .unsupportedAssignor, .groupMaxSizeReached, .fencedInstanceId])
    func `what cannot get better ends the member with a reason`(code: ErrorCode) {
        let bench = Bench()
        bench.found()
        bench.beaten(0, nil, code)
        #expect(bench.failure?.errorCode == code)
        bench.step(afterMs: 10_000)
        #expect(bench.sent.isEmpty)
    }

    @Test func `who is refused is told whether it could not join or cannot stay`() {
        let bench = Bench()
        bench.found()
        bench.beaten(0, nil, .groupMaxSizeReached)
        #expect(bench.failure == ClientError.refused("join group g", .groupMaxSizeReached))
        let member = Bench()
        member.found()
        member.beaten(1, [0])
        member.step(afterMs: 5000)
        member.beaten(0, nil, .fencedInstanceId)
        #expect(member.failure == ClientError.refused("stay in group g", .fencedInstanceId))
        // A member that was fenced joins anew, and that can be refused, too.
        let fenced = Bench()
        fenced.found()
        fenced.beaten(1, [0])
        fenced.step(afterMs: 5000)
        fenced.beaten(0, nil, .fencedMemberEpoch)
        fenced.beaten(0, nil, .groupMaxSizeReached)
        #expect(fenced.failure == ClientError.refused("join group g", .groupMaxSizeReached))
    }

    @Test func `a new subscription is said at once`() {
        let bench = Bench()
        bench.found()
        bench.beaten(1, [0])
        bench.member.subscribe(["t", "u"])
        bench.step()
        #expect(bench.beat?.subscribedTopicNames == ["t", "u"])
    }
}
