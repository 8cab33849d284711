@testable import KCore

/// Topics that are deleted, and made anew under the same name.
extension CoordinatorsSimulation {
    /// What nobody is subscribed to, and offsets are committed for.
    static let committed = "committed-" + String(repeating: "x", count: 150)
    /// What producers write to, in two partitions; and what they write to until it is deleted for good.
    static let data = "data"
    static let doomed = "doomed"
    /// Groups that nobody is a member of, whose offsets are committed all at once.
    static let whole = ["w1", "w2", "w3", "w4", "w5"]
    static let committedCount = 10

    func disturbTopics() {
        if plan.deletesTopics {
            if network.chance(0.8) { delete(Self.committed, count: Self.committedCount) }
            if network.chance(0.4) { delete(Self.data, count: 2) }
            if network.chance(0.4) { delete(Self.doomed, count: nil) }
        }
        if plan.commitsWhole {
            if network.chance(3), let group = Self.whole.randomElement(using: &network.random) { commitWhole(group) }
            if network.chance(3), let group = Self.whole.randomElement(using: &network.random) { fetchWhole(group) }
        }
    }

    func exists(_ place: TopicPartition) -> Bool {
        place == Self.groupsPlace || place == Self.missing && bug == .keepsWhatIsMissing
            || topics.image.topic(place.topic).map { Int(place.partition) < $0.partitions.count } ?? false
    }

    /// - Parameter count: of partitions, when it is made anew; nil when it is not.
    private func delete(_ name: String, count: Int?) {
        guard topics.image.topic(name) != nil else { return }
        trace("topic \(name.prefix(9)) is deleted")
        self.count("topics deleted")
        topics.remove(name)
        offsetChecker.deletedTopic(name)
        transactionChecker.deleted(placesOf(name))
        for index in placesOf(name) { places[index] = SimulatedPlace() }
        deletions[name, default: 0] += 1
        if bug != .keepsOffsetsOfDeletedTopics { groups.process.runtime.forgetTopics([name]) }
        groups.isAsked = true
        if name == Self.committed { awaitForgetting(deletions[name] ?? 0) }
        guard let count else { return }
        network.later(network.chance(30) ? 0 : Int64(network.int(1...4000))) { [unowned self] in
            trace("topic \(name.prefix(9)) is there again")
            topics.add(name, count)
            if name == Self.committed, isOrphaned { mayReturn() }
        }
    }

    // An answer tells that all that was asked before is kept.
    private func awaitForgetting(_ deletion: Int) {
        if unforgotten != deletion { (unforgotten, isOrphaned) = (deletion, false) }
        groups.ask({ $0 }) { _, turn, reply in
            turn.send(ErrorCode.none, to: reply)
        } _: { [unowned self] code in
            guard unforgotten == deletion else { return }
            if code == .none { return (unforgotten, isOrphaned) = (nil, false) }
            network.later(100) { [unowned self] in if unforgotten == deletion { awaitForgetting(deletion) } }
        }
    }

    /// Who coordinates groups is gone: what was to be forgotten and is not may be there for who comes next, unless the topic is
    /// still gone when that one begins.
    func mayReturn() {
        guard let deletion = unforgotten else { return }
        if topics.image.topic(Self.committed) != nil {
            offsetChecker.mayReturn(Self.committed)
            (unforgotten, isOrphaned) = (nil, false)
        } else {
            isOrphaned = true
            network.later(100) { [unowned self] in if unforgotten == deletion { awaitForgetting(deletion) } }
        }
    }

    private func placesOf(_ name: String) -> [Int] {
        places.indices.filter { Self.place($0).topic == name }
    }

    /// The partition that a place is.
    static func place(_ index: Int) -> TopicPartition {
        index < 2
            ? TopicPartition(topic: data, partition: Int32(index)) : TopicPartition(topic: doomed, partition: 0)
    }

    static func index(of place: TopicPartition) -> Int { place.topic == doomed ? 2 : Int(place.partition) }

    // MARK: Many offsets at once

    /// One commit for all partitions of a topic: it counts for all of them or for none.
    func commitWhole(_ group: String) {
        let offset = nextOffset()
        let keys = (0..<Int32(Self.committedCount)).map {
            OffsetChecker.Key(group: group, partition: TopicPartition(topic: Self.committed, partition: $0))
        }
        let takenMs = nowMs
        for key in keys { offsetChecker.taken(offset, key) }
        var request = OffsetCommitRequest()
        (request.groupId, request.generationIdOrMemberEpoch) = (group, -1)
        var topic = OffsetCommitRequest.OffsetCommitRequestTopic()
        topic.name = Self.committed
        topic.partitions = keys.map { key in
            var entry = OffsetCommitRequest.OffsetCommitRequestPartition()
            (entry.partitionIndex, entry.committedOffset) = (key.partition.partition, offset)
            return entry
        }
        request.topics = [topic]
        groups.ask({ [request] in request.refused($0) }) { [unowned self] machine, turn, reply in
            machine.commit(request, version: 9, &turn, reply) { self.exists(TopicPartition(topic: $0, partition: $1)) }
        } _: { [unowned self] response in
            let codes = Set(response.topics[0].partitions.map(\.errorCode))
            trace("commit of \(offset) for all of \(group): \(codes.map(\.name).sorted())")
            if codes.count > 1 { note("one commit is answered in several ways: \(codes.map(\.name).sorted())") }
            guard let code = codes.first else { return }
            if code == .none { count("commits for many partitions") }
            for key in keys {
                if code == .none {
                    offsetChecker.accepted(offset, key, takenMs)
                } else {
                    offsetChecker.refused(offset, key, isCertain: Self.certain.contains(code))
                }
            }
        }
    }

    /// What is asked at the last moment may be lost with the broker, wholly; that is looked at as soon as somebody can say.
    func commitAtLast() {
        for group in Self.whole {
            commitWhole(group)
            network.later(2500) { [unowned self] in fetchWhole(group) }
        }
        groups.turn()
    }

    /// Asks for all of them: those that there are have come together.
    func fetchWhole(_ group: String) {
        var topic = OffsetFetchRequest.OffsetFetchRequestTopics()
        (topic.name, topic.partitionIndexes) = (Self.committed, (0..<Int32(Self.committedCount)).map { $0 })
        var request = OffsetFetchRequest.OffsetFetchRequestGroup()
        (request.groupId, request.topics) = (group, [topic])
        let deletion = deletions[Self.committed] ?? 0
        groups.ask({ [request] in request.refused($0) }) { machine, turn, reply in
            turn.send(machine.fetchOffsets(request, requireStable: false), to: reply)
        } _: { [unowned self] response in
            guard response.errorCode == .none, deletions[Self.committed] ?? 0 == deletion else { return }
            let found = response.topics[0].partitions.map(\.committedOffset)
            let told = Set(found).subtracting([OffsetChecker.nothing])
            trace("the offsets of \(group) are \(Set(found).sorted())")
            if told.count > 1 { note("a commit of \(group) is torn: its offsets are \(told.sorted())") }
            for entry in response.topics[0].partitions {
                let partition = TopicPartition(topic: Self.committed, partition: entry.partitionIndex)
                note(
                    offsetChecker.fetched(entry.committedOffset, OffsetChecker.Key(group: group, partition: partition)))
            }
        }
    }
}
