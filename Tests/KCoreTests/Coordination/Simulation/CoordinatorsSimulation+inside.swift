@testable import KCore

/// What must hold of what a coordinator knows, beside all that follows from what it says.
extension CoordinatorsSimulation {
    /// Tells what became of a group, where it is another now.
    func traceGroup(_ id: String) {
        guard lines != nil, let group = groups.machine?.groups[id] else { return }
        var now = "nothing"
        if let classic = group.classic {
            let members = classic.orderedMembers.map { "\($0.id)\($0.join == nil ? "" : " joins")" }
            now = "\(classic.state.rawValue) in \(classic.generation), \(members)"
        } else if let consumer = group.consumer {
            let members = consumer.orderedMembers.map { member in
                let (has, revoking) = (member.assigned[topics.id("t")], member.revoking[topics.id("t")])
                return "\(member.id) in \(member.epoch): \(has.sorted())-\(revoking.sorted())"
            }
            now = "\(consumer.state) in \(consumer.epoch), \(members)"
        }
        if now != lastGroups.updateValue(now, forKey: id) { trace("group \(id) is \(now)") }
    }

    /// - Throws: ``SimulationFailure``, what is wrong.
    func lookInside(_ id: String) throws {
        guard let group = groups.machine?.groups[id] else { return }
        if let classic = group.classic, let problem = Self.problem(with: classic, maxSize: settings.maxSize) {
            throw SimulationFailure(problem)
        }
        guard let consumer = group.consumer else { return }
        if group.classic != nil { throw SimulationFailure("a group is of two kinds") }
        var held = TopicShares()
        for member in consumer.orderedMembers {
            if !held.isDisjoint(with: member.held) { throw SimulationFailure("the coordinator gave something twice") }
            held = held.union(member.held)
        }
    }

    private static func problem(with group: ClassicGroup, maxSize: Int) -> String? {
        // Static members that are not back are waited for, beyond the limit.
        let dynamic = group.members.values.count { $0.instanceId == nil }
        if group.state != .preparingRebalance && dynamic > maxSize { return "there are \(dynamic) members" }
        if group.awaitingJoin > maxSize { return "\(group.awaitingJoin) members join" }
        if group.state == .stable, group.leader.map({ group.members[$0] == nil }) ?? true {
            return "a stable group is without a leader"
        }
        if group.state == .empty && !group.members.isEmpty { return "an empty group has members" }
        let waiting = group.members.values.count { $0.join != nil }
        return waiting == group.awaitingJoin ? nil : "\(waiting) members wait, and \(group.awaitingJoin) are counted"
    }

    /// What a coordinator knows that outlives it is what the log says.
    /// - Throws: ``SimulationFailure``.
    func compareWithLog() throws {
        groups.settle()
        transactions.settle()
        if let live = groups.machine {
            let log = try groups.loaded()
            if live.transactions != log.transactions {
                throw SimulationFailure("the log says something else of open transactions than was known")
            }
            for id in Set(live.groups.sortedNames).union(log.groups.sortedNames).sorted() {
                let (a, b) = (live.groups[id], log.groups[id])
                let isSame =
                    a?.offsets ?? GroupOffsets() == b?.offsets ?? GroupOffsets() && a?.kept == b?.kept
                    && a?.consumer?.members == b?.consumer?.members && a?.consumer?.target == b?.consumer?.target
                    && a?.consumer?.epochSinceMs == b?.consumer?.epochSinceMs
                    && a?.consumer?.epoch == b?.consumer?.epoch && a?.consumer?.targetEpoch == b?.consumer?.targetEpoch
                if !isSame { throw SimulationFailure("the log says something else of group \(id) than was known") }
            }
        }
        guard let live = transactions.machine?.states else { return }
        let log = try transactions.loaded().states
        for id in Set(live.sortedNames).union(log.sortedNames).sorted() {
            // The epoch before is no part of records.
            var known = live[id]
            known?.lastProducerEpoch = -1
            if known != log[id] { throw SimulationFailure("the log says something else of \(id) than was known") }
        }
    }
}
