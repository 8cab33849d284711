@testable import KCore

/// Commits of offsets, plain and in transactions.
extension CoordinatorsSimulation {
    /// Refusals that say that nothing was changed.
    static let certain: Set<ErrorCode> = [
        .unknownMemberId, .illegalGeneration, .fencedInstanceId, .staleMemberEpoch, .rebalanceInProgress,
        .groupIdNotFound, .invalidProducerEpoch, .invalidTxnState, .coordinatorLoadInProgress, .unknownTopicOrPartition,
    ]
    /// What somebody commits for who believes that there is such a partition.
    static let missing = TopicPartition(topic: "t", partition: 99)

    func nextOffset() -> Int64 {
        offset += 1
        return offset
    }

    // MARK: Of members

    /// A reader commits for its partitions, as the member that it believes to be; what is on its way can be late.
    func commit(_ index: Int) {
        let member = readers.all[index].member
        guard member.generation >= 0, let offsets = someOffsets(of: index) else { return }
        let commit = Commit(
            group: readers.group(of: index), member: member.memberId, epoch: member.generation,
            instance: member.settings.instanceId,
            offsets: offsets)
        network.carry(canRepeat: true) { [unowned self] in
            take(commit) { [unowned self] code in
                if code != .none { readers.commitRefused(index, code, generation: commit.epoch) }
            }
        }
    }

    /// For one of the partitions that a reader has, or for all of them, and now and then for one that is not there.
    private func someOffsets(of index: Int) -> [Commit.Offset]? {
        var partitions = readers.all[index].has.sorted()
        guard let one = partitions.randomElement(using: &network.random) else { return nil }
        if network.int(0...2) > 0 { partitions = [one] }
        if network.int(0...19) == 0 {
            partitions.insert(Self.missing, at: network.int(0...partitions.count))
        }
        return partitions.map { ($0, nextOffset()) }
    }

    /// Somebody who is no member sets an offset, which only a group without members allows.
    func seek() {
        let partition = TopicPartition(topic: someTopic(), partition: Int32(network.int(0...2)))
        let group = network.chance(50) ? someGroup() : "s"
        take(
            Commit(group: group, member: "", epoch: -1, instance: nil, offsets: [(partition, nextOffset())])
        ) { [unowned self] code in if code == .none { count("offsets set without membership") } }
    }

    // One that may be deleted, where topics are.
    private func someTopic() -> String { plan.deletesTopics && network.int(0...1) == 0 ? Self.committed : "t" }

    struct Commit {
        var group: String
        var member: String
        var epoch: Int32
        var instance: String?
        /// All of one topic.
        var offsets: [Offset]

        typealias Offset = (partition: TopicPartition, offset: Int64)

        func key(_ partition: TopicPartition) -> OffsetChecker.Key { .init(group: group, partition: partition) }
    }

    /// The coordinator takes a commit.
    private func take(_ commit: Commit, _ answered: @escaping (ErrorCode) -> Void) {
        let takenMs = nowMs
        let fences = fences(commit)
        let others = commit.member.isEmpty ? certain(of: commit.group) : []
        for (partition, offset) in commit.offsets { offsetChecker.taken(offset, commit.key(partition)) }
        ownership[commit.group]?.isHeard(commit.member, nowMs)
        var request = OffsetCommitRequest()
        (request.groupId, request.memberId, request.groupInstanceId) = (commit.group, commit.member, commit.instance)
        request.generationIdOrMemberEpoch = commit.epoch
        plantInCommit(&request)
        var topic = OffsetCommitRequest.OffsetCommitRequestTopic()
        topic.name = commit.offsets[0].partition.topic
        topic.partitions = commit.offsets.map { partition, offset in
            var entry = OffsetCommitRequest.OffsetCommitRequestPartition()
            (entry.partitionIndex, entry.committedOffset) = (partition.partition, offset)
            return entry
        }
        request.topics = [topic]
        if bug == .keepsOnlyTheFirst { request.topics[0].partitions = [topic.partitions[0]] }
        let tell = once("a commit")
        groups.ask({ [request] in request.refused($0) }) { [unowned self] machine, turn, reply in
            machine.commit(request, version: 9, &turn, reply) { self.exists(TopicPartition(topic: $0, partition: $1)) }
        } _: {
            [unowned self] response in
            guard tell() else { return }
            let codes = codes(response.topics[0].partitions.map { ($0.partitionIndex, $0.errorCode) }, commit)
            for (index, code) in codes.enumerated() {
                let (partition, offset) = commit.offsets[index]
                let key = commit.key(partition)
                trace(
                    "commit of \(offset) by \(commit.member) in \(commit.epoch), \(partition) of \(key.group): \(code.name)"
                )
                if code == .none {
                    count("commits")
                    offsetChecker.accepted(offset, key, takenMs)
                    if let fence = fences[index] {
                        note("a commit of a fenced member was accepted: \(commit.member), \(fence)")
                    }
                    if let other = others.first { note("a commit of nobody was accepted while \(other) is a member") }
                    if bug == .confusesGroups, let other = plan.groups.first(where: { $0 != commit.group }) {
                        plant(offset, .init(group: other, partition: partition))
                    }
                } else {
                    count("commits refused")
                    offsetChecker.refused(offset, key, isCertain: Self.certain.contains(code))
                }
            }
            answered(codes.first { $0 != .unknownTopicOrPartition } ?? .unknownTopicOrPartition)
        }
    }

    /// What is said of each partition: one thing of all that there are, and of one that is not there nothing else than that.
    private func codes(_ answer: [(partition: Int32, code: ErrorCode)], _ commit: Commit) -> [ErrorCode] {
        if commit.offsets.count > 1 { count("commits for several partitions") }
        guard bug != .keepsOnlyTheFirst else { return commit.offsets.map { _ in answer[0].code } }
        if answer.map(\.partition) != commit.offsets.map(\.partition.partition) {
            note("a commit for \(commit.offsets.map(\.partition)) is answered for \(answer.map(\.partition))")
        }
        for (partition, code) in answer where partition == Self.missing.partition && code == .none {
            note("a commit for a partition that is not there was accepted")
        }
        let found = answer.filter { $0.partition != Self.missing.partition }.map(\.code)
        if Set(found).count > 1 { note("one commit is answered in several ways: \(found.map(\.name))") }
        return answer.map(\.code)
    }

    private func fences(_ commit: Commit) -> [String?] {
        commit.offsets.map { partition, _ in
            // Who has yet to begin may take members up that left after the last record of their group.
            guard commit.epoch >= 0, groups.upSinceMs != .max else { return nil }
            return ownership[commit.group]?.fence(
                commit.member, epoch: commit.epoch, partition, nowMs, upSinceMs: groups.upSinceMs)
        }
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
            offsets: [(TopicPartition(topic: someTopic(), partition: Int32(network.int(0...2))), nextOffset())])
        if producers[index].isMember, let reader = readers.living.randomElement(using: &network.random) {
            let member = readers.all[reader].member
            guard let offsets = someOffsets(of: reader), member.generation >= 0 else { return }
            (commit.group, commit.member, commit.epoch) = (
                readers.group(of: reader), member.memberId, member.generation
            )
            (commit.instance, commit.offsets) = (member.settings.instanceId, offsets)
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
        let takenMs = nowMs
        let fences = fences(commit)
        for (partition, offset) in commit.offsets {
            offsetChecker.takenInTransaction(offset, commit.key(partition), of: producer.id)
        }
        ownership[commit.group]?.isHeard(commit.member, nowMs)
        var request = TxnOffsetCommitRequest()
        (request.groupId, request.memberId, request.groupInstanceId) = (commit.group, commit.member, commit.instance)
        (request.generationId, request.producerId, request.producerEpoch) = (commit.epoch, producer.id, producer.epoch)
        if bug == .acceptsFormerGenerationsInTransactions, let group = groups.machine?.groups[commit.group] {
            request.generationId =
                group.consumer?.members[commit.member]?.epoch ?? group.classic?.generation ?? commit.epoch
        }
        var topic = TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic()
        topic.name = commit.offsets[0].partition.topic
        topic.partitions = commit.offsets.map { partition, offset in
            var entry = TxnOffsetCommitRequest.TxnOffsetCommitRequestPartition()
            (entry.partitionIndex, entry.committedOffset) = (partition.partition, offset)
            return entry
        }
        request.topics = [topic]
        if bug == .keepsOnlyTheFirst { request.topics[0].partitions = [topic.partitions[0]] }
        groups.ask(in: producer, { [request] in request.refused($0) }) { [unowned self] machine, turn, reply in
            machine.commit(request, &turn, reply) { self.exists(TopicPartition(topic: $0, partition: $1)) }
        } _: {
            [unowned self] response in
            let codes = codes(response.topics[0].partitions.map { ($0.partitionIndex, $0.errorCode) }, commit)
            for (index, code) in codes.enumerated() {
                let (partition, offset) = commit.offsets[index]
                let key = commit.key(partition)
                trace("commit of \(offset) in the transaction of \(producer.id), \(partition): \(code.name)")
                if code == .none {
                    count("commits in transactions")
                    offsetChecker.addedInTransaction(offset, key, of: producer.id, isCertain: true, takenMs)
                    if let fence = fences[index] {
                        note("a commit of a fenced member was accepted in a transaction: \(commit.member), \(fence)")
                    }
                    if bug == .showsOpenTransactions { plant(offset, key) }
                } else {
                    offsetChecker.refusedInTransaction(offset, isCertain: Self.certain.contains(code))
                }
            }
            answered(codes.first { $0 != .unknownTopicOrPartition } ?? .unknownTopicOrPartition)
        }
    }
}
