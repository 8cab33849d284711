@testable import KCore

/// What members ask of the group's coordinator, and what they are told.
extension CoordinatorsSimulation {
    func take(_ request: GroupRequest, _ call: SimulatedReaders.Call) {
        switch request {
        case .findCoordinator: readers.answer(call, GroupRequest.foundCoordinator(of: group(of: call)))
        case .join(let request): join(request, call)
        case .sync(let request): sync(request, call)
        case .heartbeat(let request): heartbeat(request, call)
        case .leave(let request):
            leave(request) { [unowned self] in readers.answer(call, .left($0)) }
        case .consumerHeartbeat(let request): heartbeat(request, call)
        }
    }

    private func group(of call: SimulatedReaders.Call) -> String { readers.group(of: call.reader) }

    private func surroundings(_ call: SimulatedReaders.Call, version: Int16) -> MemberSurroundings {
        MemberSurroundings(
            image: overlooksNewPartitions(.coordinatorOverlooksNewPartitions, group(of: call))
                ? firstImage : topics.image,
            client: GroupClient(id: "c\(call.reader)", host: "/h"), version: version)
    }

    // MARK: The classic protocol

    private func join(_ request: JoinGroupRequest, _ call: SimulatedReaders.Call) {
        let (group, id, takenMs) = (request.groupId, request.memberId, nowMs)
        ownership[group]?.isHeard(id, waits: true, nowMs)
        let owned = owned(by: request)
        ownership[group]?.released(id, to: owned, nowMs)
        if id.isEmpty { ownership[group]?.doubt(request.groupInstanceId, nowMs) }
        var asked = request
        if bug == .forgetsSessions || bug == .forgetsSessionsOfOne && group != plan.groups[0] {
            asked.sessionTimeoutMs = 900_000
        }
        let surroundings = surroundings(call, version: 9)
        let tell = once("JoinGroup")
        groups.ask({ .refused($0, memberId: id) }) { [asked] in
            $0.join(asked, surroundings, &$1, $2)
        } _: {
            [unowned self] response in
            guard tell() else { return }
            ownership[group]?.isAnswered(id, waited: true, nowMs)
            trace("join of \(id): \(response.errorCode.name) \(response.memberId) in \(response.generationId)")
            count(response.errorCode == .none ? "joins" : "joins refused")
            if response.errorCode == .groupMaxSizeReached { ownership[group]?.doubt(id, takenMs) }
            if response.errorCode == .none {
                let member = OwnershipChecker.Member(
                    name: request.groupInstanceId ?? response.memberId, isClassic: true,
                    sessionMs: Int64(request.sessionTimeoutMs), rebalanceMs: Int64(request.rebalanceTimeoutMs),
                    heardMs: nowMs)
                ownership[group]?.joined(member, response.memberId, takenMs: takenMs)
                if id.isEmpty && request.groupInstanceId != nil { count("static members came back") }
            }
            readers.answer(call, .joined(response))
        }
    }

    /// What a member says that it has when it joins.
    private func owned(by request: JoinGroupRequest) -> Set<TopicPartition> {
        guard let first = request.protocols.first,
            let wishes = try? ConsumerProtocolSubscription(versioned: first.metadata)
        else { return [] }
        return Set(
            wishes.ownedPartitions.flatMap { entry in
                entry.partitions.map { TopicPartition(topic: entry.topic, partition: $0) }
            })
    }

    private func sync(_ request: SyncGroupRequest, _ call: SimulatedReaders.Call) {
        let (group, id, epoch, takenMs) = (request.groupId, request.memberId, request.generationId, nowMs)
        ownership[group]?.isHeard(id, waits: true, nowMs)
        let tell = once("SyncGroup")
        groups.ask({ code in
            var response = SyncGroupResponse()
            response.errorCode = code
            return response
        }) {
            $0.sync(request, &$1, $2)
        } _: { [unowned self] response in
            guard tell() else { return }
            var response = response
            ownership[group]?.isAnswered(id, waited: true, nowMs)
            guard response.errorCode == .none else { return readers.answer(call, .synced(response)) }
            plantInAssignment(&response, group, epoch)
            let given = (try? MemberAssignment.decode(response.assignment)) ?? []
            trace("sync of \(id) in \(epoch): \(given.map(\.partition).sorted())")
            count("assignments")
            note(ownership[group]?.given(given, to: id, epoch: epoch, takenMs: takenMs, nowMs))
            ownership[group]?.took(request.groupInstanceId, id)
            ownership[group]?.confirmed(id, epoch: epoch, takenMs)
            readers.answer(call, .synced(response))
        }
    }

    private func plantInAssignment(_ response: inout SyncGroupResponse, _ group: String, _ epoch: Int32) {
        guard bug == .assignsTwice, let mine = try? MemberAssignment.decode(response.assignment) else { return }
        if let (generation, partition) = lastAssigned[group], generation == epoch, !mine.contains(partition) {
            response.assignment = (try? MemberAssignment.encode(mine.union([partition]).sorted())) ?? Bytes()
        }
        if let first = mine.sorted().first { lastAssigned[group] = (epoch, first) }
    }

    private func heartbeat(_ request: HeartbeatRequest, _ call: SimulatedReaders.Call) {
        let (group, id, takenMs) = (request.groupId, request.memberId, nowMs)
        ownership[group]?.isHeard(id, nowMs)
        let tell = once("Heartbeat")
        groups.ask({ code in
            var response = HeartbeatResponse()
            response.errorCode = code
            return response
        }) {
            $0.heartbeat(request, &$1, $2)
        } _: { [unowned self] response in
            guard tell() else { return }
            if response.errorCode == .none {
                ownership[group]?.confirmed(id, epoch: request.generationId, takenMs)
            } else {
                trace("heartbeat of \(id) in \(request.generationId): \(response.errorCode.name)")
            }
            count("heartbeats \(response.errorCode.name)")
            readers.answer(call, .beat(response))
        }
    }

    /// A member leaves, or somebody sends an instance away.
    func leave(_ request: LeaveGroupRequest, _ answered: @escaping (LeaveGroupResponse) -> Void) {
        let group = request.groupId
        for member in request.members {
            ownership[group]?.doubt(member.memberId.isEmpty ? member.groupInstanceId : member.memberId, nowMs)
            ownership[group]?.released(member.memberId, to: [], nowMs)
        }
        groups.ask({ code in
            var response = LeaveGroupResponse()
            response.errorCode = code
            return response
        }) {
            $0.leave(request, version: 5, &$1, $2)
        } _: { [unowned self] response in
            for member in response.members where response.errorCode == .none && member.errorCode == .none {
                trace("\(member.memberId) \(member.groupInstanceId ?? "") has left")
                count("leaves")
                // Who is named by the instance may have been succeeded in the meantime.
                if !member.memberId.isEmpty { ownership[group]?.gone(member.memberId) }
            }
            answered(response)
        }
    }

    // MARK: KIP-848

    private func heartbeat(_ request: ConsumerGroupHeartbeatRequest, _ call: SimulatedReaders.Call) {
        let (group, id, epoch, takenMs) = (request.groupId, request.memberId, request.memberEpoch, nowMs)
        ownership[group]?.isHeard(id, nowMs)
        if epoch <= 0 {
            ownership[group]?.released(id, to: [], nowMs)
            ownership[group]?.doubt(id, nowMs)
            ownership[group]?.doubt(request.instanceId, nowMs)
        } else if let owned = request.owned {
            ownership[group]?.released(id, to: named(owned), nowMs)
        }
        ownership[group]?.isTaken(id, nowMs)
        let surroundings = surroundings(call, version: 1)
        let tell = once("ConsumerGroupHeartbeat")
        groups.ask({ .refused($0, nil) }) {
            $0.heartbeat(request, surroundings, &$1, $2)
        } _: {
            [unowned self] response in
            guard tell() else { return }
            var response = response
            if !Self.isRefusedByFailure(response.errorCode) { ownership[group]?.isSeen(id, takenMs: takenMs) }
            if response.errorCode == .none {
                hear(request, &response, takenMs)
            } else {
                trace("heartbeat of \(id) in \(epoch): \(response.errorCode.name)")
            }
            count("epochs \(response.errorCode.name)")
            readers.answer(call, .consumerBeat(response))
        }
    }

    /// Whether an answer says nothing of what became of the request.
    private static func isRefusedByFailure(_ code: ErrorCode) -> Bool {
        [.notCoordinator, .coordinatorNotAvailable, .unknownServerError].contains(code)
    }

    private func hear(
        _ request: ConsumerGroupHeartbeatRequest, _ response: inout ConsumerGroupHeartbeatResponse, _ takenMs: Int64
    ) {
        let (group, id) = (request.groupId, request.memberId)
        if request.memberEpoch < 0 {
            count("leaves")
            ownership[group]?.gone(id)
            return
        }
        let member = OwnershipChecker.Member(
            name: request.instanceId ?? id, isClassic: false, sessionMs: Self.sessionMs, rebalanceMs: Self.maxPollMs,
            heardMs: takenMs)
        ownership[group]?.joined(member, id, takenMs: takenMs)
        ownership[group]?.took(request.instanceId, id)
        if request.memberEpoch == 0 { count("joins") }
        if bug == .givesBeforeRelease, response.assignment != nil { plantInAssignment(&response, group, id) }
        if let assignment = response.assignment {
            let given = named(TopicShares(assignment.topicPartitions.map { ($0.topicId, $0.partitions) }))
            trace("\(id) in \(response.memberEpoch): \(given.map(\.partition).sorted())")
            count("assignments")
            note(
                ownership[group]?.given(
                    given, to: id, epoch: response.memberEpoch, owned: request.owned.map { named($0) },
                    takenMs: takenMs, nowMs))
        }
        ownership[group]?.confirmed(id, epoch: response.memberEpoch, takenMs)
    }

    private func plantInAssignment(_ response: inout ConsumerGroupHeartbeatResponse, _ group: String, _ id: String) {
        let topic = topics.id("t")
        for (other, member) in (ownership[group]?.members ?? [:]).sorted(by: { $0.key < $1.key }) where other != id {
            guard let partition = member.holds.sorted().first else { continue }
            var entry = ConsumerGroupHeartbeatResponse.TopicPartitions()
            (entry.topicId, entry.partitions) = (topic, [partition.partition])
            return response.assignment?.topicPartitions.append(entry) ?? ()
        }
    }

    private func named(_ shares: TopicShares) -> Set<TopicPartition> {
        var result: Set<TopicPartition> = []
        for topic in topics.image.topics {
            for partition in shares.topics[topic.id] ?? [] {
                result.insert(TopicPartition(topic: topic.name, partition: partition))
            }
        }
        return result
    }
}
