/// The coordinator of the groups of one partition of `__consumer_offsets`.
///
/// Steps are in the extensions: each takes a request of one group and gives out its answer through the turn.
struct GroupCoordinator: CoordinatorMachine {
    typealias Record = GroupRecord
    typealias Turn = CoordinatorTurn<GroupRecord>

    let settings: GroupSettings
    /// What is set for a group itself, at this moment.
    private let configs: @Sendable (_ group: String) -> [String: String]
    var groups = NameMap<Group>()
    /// Which groups an open transaction of a producer has committed offsets of.
    var transactions: [Int64: Set<ExactName>] = [:]
    var timers = GroupTimers()
    var patternTurns: PatternTurns
    private var nextExpiryMs: Int64?
    // For ids of members.
    var random: any RandomNumberGenerator & Sendable

    /// - Parameter patternSlots: the same for all partitions of a broker.
    init(
        settings: GroupSettings, patternSlots: PatternSlots = PatternSlots(),
        configs: @escaping @Sendable (_ group: String) -> [String: String] = { _ in [:] },
        random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        self.settings = settings
        patternTurns = PatternTurns(patternSlots)
        self.configs = configs
        self.random = random
    }

    /// An id that nobody else has.
    /// - Parameter prefix: of which as many bytes are in it as leave room: records hold strings of 32,767 bytes, and one
    ///   character may have all of them.
    mutating func makeMemberId(_ prefix: String) -> String {
        "\(String(decoding: prefix.utf8.prefix(1000), as: UTF8.self))-\(Uuid.random(using: &random).hyphenated)"
    }

    func consumerTimes(of group: String) -> ConsumerGroupTimes { settings.consumerTimes(configs(group)) }

    // MARK: Time

    var nextTickMs: Int64? {
        let next = min(timers.nextDeadlineMs ?? .max, patternTurns.dueMs ?? .max, nextExpiryMs ?? .max)
        return next == .max ? nil : next
    }

    // One thing at a time: the sessions of all groups may end together, and what they write would be one batch.
    mutating func tick(_ turn: inout Turn) {
        if let timer = timers.popDue(turn.nowMs) { return ended(timer, &turn) }
        if let id = patternTurns.next(nowMs: turn.nowMs) { return comparePatterns(of: id, &turn) }
        guard let nextExpiryMs, turn.nowMs >= nextExpiryMs else { return }
        expireOffsets(&turn)
        self.nextExpiryMs = turn.nowMs + settings.offsetsRetentionCheckIntervalMs
    }

    private mutating func ended(_ timer: GroupTimer, _ turn: inout Turn) {
        if groups[timer.groupId]?.consumer != nil { return consumerTimerEnded(timer, &turn) }
        classicStep(timer.groupId, &turn) { group, step in
            if let memberId = timer.memberId {
                group.memberTimerEnded(memberId, deadlineMs: timer.deadlineMs, &step)
            } else {
                group.phaseTimerEnded(deadlineMs: timer.deadlineMs, &step)
            }
        }
    }

    // MARK: Life

    mutating func didLoad(_ turn: inout Turn) {
        nextExpiryMs = turn.nowMs + settings.offsetsRetentionCheckIntervalMs
        for id in groups.sortedNames {
            beginDeadlines(in: id, &turn)
            guard let kept = groups[id]?.kept, groups[id]?.consumer == nil else { continue }
            groups[id]?.classic = ClassicGroup(id: id, kept: kept)
            // Whoever is still there has as long to be heard of as if it had been just now.
            classicStep(id, &turn) { group, step in
                for member in group.orderedMembers { group.extendSession(of: member.id, &step) }
                let isUnassigned = kept.leader == nil && !kept.members.isEmpty
                if isUnassigned || group.members.count > step.settings.maxSize { group.rebalance(&step) }
            }
        }
    }

    mutating func abandon(_ code: ErrorCode, _ turn: inout Turn) {
        for id in groups.sortedNames {
            guard let (joins, syncs) = groups[id]?.classic?.abandon() else { continue }
            for reply in joins { turn.refuse(reply, code) }
            for reply in syncs { turn.refuse(reply, code) }
        }
    }

    // MARK: Steps of one group

    /// Has a classic group make a step, if there is one.
    mutating func classicStep(
        _ id: String, _ turn: inout Turn, _ body: (inout ClassicGroup, inout ClassicStep) -> Void
    ) {
        guard var group = groups[id]?.classic.take() else { return }
        var step = ClassicStep(nowMs: turn.nowMs, wallMs: turn.wallMs, settings: settings)
        body(&group, &step)
        if step.mustKeep { write(.groupMetadata(GroupMetadataKey(group: id), group.kept), &turn) }
        groups[id]?.classic = group
        turn.add(step.effects)
        for timer in step.timers { addTimer(timer) }
    }

    /// Sees to it that there is a classic group.
    mutating func makeClassic(_ id: String) {
        if groups[id]?.classic == nil { groups[id, default: Group()].classic = ClassicGroup(id: id) }
    }

    /// Lets go of a group of which nothing is left, not even in the log.
    mutating func forgetIfNothingIsLeft(_ id: String) {
        if groups[id]?.isForgettable == true { groups[id] = nil }
    }
}
