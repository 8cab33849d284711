/// The groups of a partition whose patterns have yet to be compared with topics: they take turns.
struct PatternTurns: Sendable {
    private let slots: PatternSlots
    private var groups: [ExactName] = []
    private var known: Set<ExactName> = []
    /// When the next step is due; nil when there is nothing to do.
    private(set) var dueMs: Int64?

    init(_ slots: PatternSlots) { self.slots = slots }

    mutating func add(_ group: String, nowMs: Int64) {
        guard known.insert(ExactName(group)).inserted else { return }
        groups.append(ExactName(group))
        dueMs = dueMs ?? slots.take(nowMs: nowMs)
    }

    /// Takes out the group whose turn it is.
    mutating func next(nowMs: Int64) -> String? {
        guard let dueMs, dueMs <= nowMs, !groups.isEmpty else { return nil }
        let group = groups.removeFirst()
        known.remove(group)
        self.dueMs = groups.isEmpty ? nil : slots.take(nowMs: nowMs)
        return group.text
    }
}

extension GroupCoordinator {
    /// Goes on with the patterns of a group. When they mean other topics in the end, the next heartbeat of a member sees
    /// that the group is assigned anew.
    mutating func comparePatterns(of id: String, _ turn: inout Turn) {
        guard var group = groups[id]?.consumer.take() else { return }
        let hasChanged = group.comparePatterns()
        // There may be other topics again than those that it was compared with.
        if hasChanged || !group.isComparing { group.knownImageOffset = .min }
        groups[id]?.consumer = group
        if group.isComparing { patternTurns.add(id, nowMs: turn.nowMs) }
        // Where there is no target for the epoch yet it will be one for these topics.
        if hasChanged && group.epoch == group.targetEpoch { raise(id, &turn) }
    }
}
