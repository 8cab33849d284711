@testable import KCore

/// What is told of offsets that were committed, and whether that can be.
extension CoordinatorsSimulation {
    /// A reader asks where to begin, as the member that it believes to be; what is on its way can be late.
    func fetch(_ index: Int) {
        let member = readers.all[index].member
        guard member.generation >= 0, let partition = readers.all[index].has.sorted().first else { return }
        let (id, epoch) = (member.memberId, member.generation)
        let key = OffsetChecker.Key(group: readers.group(of: index), partition: partition)
        network.carry(canRepeat: true) { [unowned self] in fetch(key, isStable: true, by: (id, epoch)) }
    }

    /// Asks how far a group has come, and whether that can be.
    /// - Parameter member: who asks, in its epoch (KIP-848).
    func fetch(_ key: OffsetChecker.Key, isStable: Bool = false, by member: (id: String, epoch: Int32)? = nil) {
        var topic = OffsetFetchRequest.OffsetFetchRequestTopics()
        (topic.name, topic.partitionIndexes) = (key.partition.topic, [key.partition.partition])
        var request = OffsetFetchRequest.OffsetFetchRequestGroup()
        (request.groupId, request.topics) = (key.group, [topic])
        let fence = member.flatMap { isFormer($0, key) }
        if let member, bug != .tellsFormerMembers {
            (request.memberId, request.memberEpoch) = (member.id, member.epoch)
        }
        let deletion = deletions[key.partition.topic] ?? 0
        let requiresStable = isStable && bug != .showsUnstableOffsets
        groups.ask({ [request] in request.refused($0) }) { [unowned self] machine, turn, reply in
            var response = machine.fetchOffsets(request, requireStable: requiresStable)
            if isStable { plantUnstable(&response, machine) }
            turn.send(response, to: reply)
        } _: { [unowned self] response in
            if let member { isTold(member, of: key.group, response.errorCode, fence) }
            // Who has asked before the topic was deleted may be told of it.
            guard response.errorCode == .none, deletions[key.partition.topic] ?? 0 == deletion else { return }
            let found = response.topics[0].partitions[0]
            trace("the offset of \(key.partition) of \(key.group) is \(found.committedOffset), \(found.errorCode.name)")
            switch found.errorCode {
            case .none:
                if isStable { note(offsetChecker.toldStable(true, key)) }
                note(offsetChecker.fetched(found.committedOffset, key))
            case .unstableOffsetCommit where isStable && found.committedOffset == OffsetChecker.nothing:
                count("unstable offsets")
                // What a transaction has of a topic that is gone may be forgotten later.
                if deletion == 0 { note(offsetChecker.toldStable(false, key)) }
            default: note("the offset of \(key.partition) is told as \(found.committedOffset), \(found.errorCode.name)")
            }
        }
    }

    /// Why a member must not be told an offset; nil when there is no reason. Groups of the classic protocol do not ask who it is,
    /// and only where somebody certainly is a member there certainly is a group of the other one.
    private func isFormer(_ member: (id: String, epoch: Int32), _ key: OffsetChecker.Key) -> String? {
        guard plan.kind == .consumer, !certain(of: key.group).isEmpty else { return nil }
        return ownership[key.group]?.fence(
            member.id, epoch: member.epoch, key.partition, nowMs, upSinceMs: groups.upSinceMs)
    }

    private func isTold(
        _ member: (id: String, epoch: Int32), of group: String, _ code: ErrorCode, _ fence: String?
    ) {
        count("members that ask for an offset: \(code.name)")
        if code == .none, let fence { note("a fenced member is told an offset: \(member.id), \(fence)") }
        if code == .unknownMemberId, plan.kind == .consumer, certain(of: group).contains(member.id) {
            note("\(member.id) is told that it is no member")
        }
    }

    private func plantUnstable(
        _ response: inout OffsetFetchResponse.OffsetFetchResponseGroup, _ machine: GroupCoordinator
    ) {
        guard bug == .confusesUnstableOffsets, machine.groups[response.groupId]?.offsets.pending.isEmpty == false
        else { return }
        response.topics[0].partitions[0].committedOffset = OffsetChecker.nothing
        response.topics[0].partitions[0].errorCode = .unstableOffsetCommit
    }

    /// Looks which offsets may expire (KIP-211).
    func lookAtAge() {
        func isOver(_ sinceMs: Int64) -> Bool { sinceMs == .min || nowMs - sinceMs >= settings.offsetsRetentionMs }
        let (ages, isMixed) = (ownership.mapValues { $0.emptySinceMs }, plan.kind == .mixed)
        offsetChecker.mayExpire { key, committedMs in
            guard let age = ages[key.group] else { return isOver(committedMs) }
            // What no member is subscribed to need not wait until they are gone.
            if key.partition.topic != "t", isOver(committedMs) { return true }
            guard let emptyMs = age else { return false }
            // One that changes its kind while nobody is there does not take along since when.
            return isOver(emptyMs) || isMixed && isOver(committedMs)
        }
    }

    /// Writes an offset as nobody asked for.
    func plant(_ offset: Int64?, _ key: OffsetChecker.Key) {
        groups.tell { machine, turn in
            var value = OffsetCommitValue()
            value.offset = offset ?? 0
            value.commitTimestamp = turn.wallMs
            machine.write(
                .offsetCommit(
                    OffsetCommitKey(
                        group: key.group, topic: key.partition.topic, partition: key.partition.partition),
                    offset.map { _ in value }), &turn)
        }
    }
}
