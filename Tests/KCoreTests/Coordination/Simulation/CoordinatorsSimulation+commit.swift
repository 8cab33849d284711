@testable import KCore

/// Commits of offsets, plain and in transactions.
extension CoordinatorsSimulation {
    /// Refusals that say that nothing was changed.
    static let certain: Set<ErrorCode> = [
        .unknownMemberId, .illegalGeneration, .fencedInstanceId, .staleMemberEpoch, .rebalanceInProgress,
        .groupIdNotFound, .invalidProducerEpoch, .invalidTxnState, .coordinatorLoadInProgress, .unknownTopicOrPartition,
    ]

    func nextOffset() -> Int64 {
        offset += 1
        return offset
    }

    // MARK: Of members

    /// A reader commits for one of its partitions, as the member that it believes to be; what is on its way can be late.
    func commit(_ index: Int) {
        let member = readers.all[index].member
        let has = readers.all[index].has.sorted()
        guard member.generation >= 0, let partition = has.randomElement(using: &network.random) else { return }
        let commit = Commit(
            group: "g", member: member.memberId, epoch: member.generation, instance: member.settings.instanceId,
            partition: partition, offset: nextOffset())
        network.carry(canRepeat: true) { [unowned self] in
            take(commit) { [unowned self] code in
                if code != .none { readers.commitRefused(index, code, generation: commit.epoch) }
            }
        }
    }

    /// Somebody who is no member sets an offset, which only a group without members allows.
    func seek() {
        let partition = TopicPartition(topic: someTopic(), partition: Int32(network.int(0...2)))
        let group = network.chance(50) ? "g" : "s"
        take(
            Commit(group: group, member: "", epoch: -1, instance: nil, partition: partition, offset: nextOffset())
        ) { [unowned self] code in if code == .none { count("offsets set without membership") } }
    }

    // One that may be deleted, where topics are.
    private func someTopic() -> String { plan.deletesTopics && network.int(0...1) == 0 ? Self.committed : "t" }

    struct Commit {
        var group: String
        var member: String
        var epoch: Int32
        var instance: String?
        var partition: TopicPartition
        var offset: Int64
    }

    /// The coordinator takes a commit.
    private func take(_ commit: Commit, _ answered: @escaping (ErrorCode) -> Void) {
        let (key, takenMs) = (OffsetChecker.Key(group: commit.group, partition: commit.partition), nowMs)
        let fence = fence(commit)
        let others = commit.member.isEmpty && commit.group == "g" ? ownershipChecker.certain(nowMs) : []
        offsetChecker.taken(commit.offset, key)
        if commit.group == "g" { ownershipChecker.isHeard(commit.member, nowMs) }
        var request = OffsetCommitRequest()
        (request.groupId, request.memberId, request.groupInstanceId) = (commit.group, commit.member, commit.instance)
        request.generationIdOrMemberEpoch = commit.epoch
        plantInCommit(&request)
        var entry = OffsetCommitRequest.OffsetCommitRequestPartition()
        (entry.partitionIndex, entry.committedOffset) = (commit.partition.partition, commit.offset)
        var topic = OffsetCommitRequest.OffsetCommitRequestTopic()
        (topic.name, topic.partitions) = (commit.partition.topic, [entry])
        request.topics = [topic]
        let tell = once("a commit")
        groups.ask({ [request] in request.refused($0) }) { [unowned self] machine, turn, reply in
            machine.commit(request, version: 9, &turn, reply) { self.exists(TopicPartition(topic: $0, partition: $1)) }
        } _: {
            [unowned self] response in
            guard tell() else { return }
            let code = response.topics[0].partitions[0].errorCode
            trace(
                "commit of \(commit.offset) by \(commit.member) in \(commit.epoch), \(key.partition) of \(key.group): \(code.name)"
            )
            if code == .none {
                count("commits")
                offsetChecker.accepted(commit.offset, key, takenMs)
                if let fence { note("a commit of a fenced member was accepted: \(commit.member), \(fence)") }
                if let other = others.first { note("a commit of nobody was accepted while \(other) is a member") }
            } else {
                count("commits refused")
                offsetChecker.refused(commit.offset, key, isCertain: Self.certain.contains(code))
            }
            answered(code)
        }
    }

    private func fence(_ commit: Commit) -> String? {
        guard commit.group == "g", commit.epoch >= 0 else { return nil }
        return ownershipChecker.fence(
            commit.member, epoch: commit.epoch, commit.partition, nowMs, upSinceMs: groups.upSinceMs)
    }

    private func plantInCommit(_ request: inout OffsetCommitRequest) {
        guard let bug, request.memberId != "" else { return }
        let group = groups.machine?.groups[request.groupId]
        switch bug {
        case .acceptsFormerGenerations:
            if let classic = group?.classic { request.generationIdOrMemberEpoch = classic.generation }
        case .acceptsFormerEpochs:
            if let member = group?.consumer?.members[request.memberId] {
                request.generationIdOrMemberEpoch = member.epoch
            }
        case .acceptsFencedInstances:
            guard let instance = request.groupInstanceId else { return }
            if let classic = group?.classic, let holder = classic.staticMembers[instance] {
                (request.memberId, request.generationIdOrMemberEpoch) = (holder, classic.generation)
            } else if let consumer = group?.consumer, let holder = consumer.staticMembers[instance] {
                request.memberId = holder
                request.generationIdOrMemberEpoch = consumer.members[holder]?.epoch ?? -1
            }
        default: break
        }
    }

    // MARK: In transactions

    /// A producer commits as the member whose records it has read (KIP-447), or for a group without members.
    func commitOffsets(_ index: Int, _ producer: SimulatedProducer.Producer, _ attempt: Int) {
        var commit = Commit(
            group: "s", member: "", epoch: -1, instance: nil,
            partition: TopicPartition(topic: someTopic(), partition: Int32(network.int(0...2))), offset: nextOffset())
        if producers[index].isMember, let reader = readers.living.randomElement(using: &network.random) {
            let member = readers.all[reader].member
            guard let partition = readers.all[reader].has.sorted().first, member.generation >= 0 else { return }
            (commit.group, commit.member, commit.epoch) = ("g", member.memberId, member.generation)
            (commit.instance, commit.partition) = (member.settings.instanceId, partition)
        }
        let taken = commit
        let id = producers[index].id
        call(index) { [unowned self] answer in
            let owner = CoordinatorProducer(id: producer.id, epoch: producer.epoch)
            let isZombie = transactionChecker.isZombie(id, producer)
            let finish = { [unowned self] (code: ErrorCode) in
                if code == .none && isZombie { note("a zombie of \(id), \(producer), commits offsets") }
                answer { client in
                    if code == .none {
                        client.writes += 1
                    } else if !code.isRetriable && code != .notCoordinator {
                        client.restart()
                    }
                }
            }
            let adds = producers[index].addsByWriting
            guard let number = groups.log.beginVerification(of: owner, hasOwnEpoch: adds) else {
                return take(taken, in: owner, finish)
            }
            admit(index, producer, attempt, Self.groupsPlace) { [unowned self] code in
                guard code == .none else { return finish(code) }
                groups.log.confirm(owner, number)
                take(taken, in: owner, finish)
            }
        }
    }

    private func take(_ commit: Commit, in producer: CoordinatorProducer, _ answered: @escaping (ErrorCode) -> Void) {
        let (key, takenMs) = (OffsetChecker.Key(group: commit.group, partition: commit.partition), nowMs)
        let fence = fence(commit)
        offsetChecker.takenInTransaction(commit.offset, key, of: producer.id)
        if commit.group == "g" { ownershipChecker.isHeard(commit.member, nowMs) }
        var request = TxnOffsetCommitRequest()
        (request.groupId, request.memberId, request.groupInstanceId) = (commit.group, commit.member, commit.instance)
        (request.generationId, request.producerId, request.producerEpoch) = (commit.epoch, producer.id, producer.epoch)
        if bug == .acceptsFormerGenerationsInTransactions, let group = groups.machine?.groups[commit.group] {
            request.generationId =
                group.consumer?.members[commit.member]?.epoch ?? group.classic?.generation ?? commit.epoch
        }
        var entry = TxnOffsetCommitRequest.TxnOffsetCommitRequestPartition()
        (entry.partitionIndex, entry.committedOffset) = (commit.partition.partition, commit.offset)
        var topic = TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic()
        (topic.name, topic.partitions) = (commit.partition.topic, [entry])
        request.topics = [topic]
        groups.ask(in: producer, { [request] in request.refused($0) }) { [unowned self] machine, turn, reply in
            machine.commit(request, &turn, reply) { self.exists(TopicPartition(topic: $0, partition: $1)) }
        } _: {
            [unowned self] response in
            let code = response.topics[0].partitions[0].errorCode
            trace("commit of \(commit.offset) in the transaction of \(producer.id): \(code.name)")
            if code == .none {
                count("commits in transactions")
                offsetChecker.addedInTransaction(
                    commit.offset, key, of: producer.id, isCertain: true, takenMs)
                if let fence {
                    note("a commit of a fenced member was accepted in a transaction: \(commit.member), \(fence)")
                }
                if bug == .showsOpenTransactions { plant(commit.offset, key) }
            } else {
                offsetChecker.refusedInTransaction(commit.offset, isCertain: Self.certain.contains(code))
            }
            answered(code)
        }
    }
}
