@testable import KCore

/// Who may read and commit what, as far as that follows from what members said and were told: nothing of it comes from the
/// coordinator's state. Whatever leaves room for doubt is left out, so that what it finds is wrong.
struct OwnershipChecker {
    struct Member {
        var name: String
        var isClassic: Bool
        var sessionMs: Int64
        var rebalanceMs: Int64
        /// The epoch or generation that it was last given an assignment in.
        var epoch: Int32 = -1
        /// It has left. Of the classic protocol, logs do not know that before the next generation.
        var isGone = false
        /// Somebody else has its place.
        var isReplaced = false
        /// When the coordinator last heard of it.
        var heardMs: Int64
        /// Of the last request of it that went well.
        var confirmedMs: Int64 = .min
        /// By when it must have given up what it was asked for.
        var releaseByMs: Int64 = .max
        /// Requests that wait for others.
        var waiting = 0
        var holds: Set<TopicPartition> = []
        /// What it was last told that it has, and in which epoch.
        var told: (partitions: Set<TopicPartition>, epoch: Int32) = ([], -1)
        /// When the coordinator took those of its heartbeats whose answers nobody has seen: it may have been asked to give
        /// something up there.
        var unseenMs: [Int64] = []
        /// What it last said that it has, and when the coordinator took that.
        var said: (owned: Set<TopicPartition>, takenMs: Int64)?

        /// Until when nobody can have put it out.
        var isCertainUntilMs: Int64 {
            if isGone || confirmedMs == .min { return .min }
            let unseenMs = unseenMs.min() ?? .max - rebalanceMs
            return min(confirmedMs + min(sessionMs, rebalanceMs), releaseByMs, unseenMs + rebalanceMs)
        }

        /// By when it must have given up what it was told before and is not told now. Its time begins when the coordinator
        /// decides that, which may have been in a step that a crash kept from being answered.
        func mustReleaseByMs(
            _ partitions: Set<TopicPartition>, epoch: Int32, owned: Set<TopicPartition>?, _ takenMs: Int64
        ) -> Int64 {
            // Who says that it has nothing else is asked for nothing, whatever happened before.
            if owned?.isSubset(of: partitions) ?? false { return .max }
            if let unseenMs = unseenMs.min(), unseenMs < takenMs { return min(releaseByMs, unseenMs + rebalanceMs) }
            if !told.partitions.isSubset(of: partitions) { return min(releaseByMs, takenMs + rebalanceMs) }
            return told == (partitions, epoch) ? releaseByMs : .max
        }
    }

    /// Whether all members are of the classic protocol: then a generation ends for all of them at once.
    let isClassic: Bool
    /// Whether the group may change its protocol.
    let isMixed: Bool
    private(set) var members: [String: Member] = [:]
    private var instances: [String: String] = [:]
    private var doubts: [String: Int64] = [:]
    private var owners: [Int32: [TopicPartition: String]] = [:]
    private var newest: [TopicPartition: (epoch: Int32, name: String)] = [:]
    private(set) var lastEpoch: Int32 = -1
    /// Nobody can be sure that the group was there all the time.
    private var mayBeForgotten = true
    /// Since when nobody has certainly been a member; nil while somebody has.
    private(set) var emptySinceMs: Int64? = .min

    init(isClassic: Bool, isMixed: Bool) { (self.isClassic, self.isMixed) = (isClassic, isMixed) }

    // MARK: What members say

    /// The coordinator takes a request of a member; what it waits for ends with ``isAnswered(_:waited:_:)``.
    mutating func isHeard(_ id: String, waits: Bool = false, _ nowMs: Int64) {
        members[id]?.heardMs = nowMs
        if waits { members[id]?.waiting += 1 }
    }

    mutating func isAnswered(_ id: String, waited: Bool, _ nowMs: Int64) {
        guard waited, let waiting = members[id]?.waiting else { return }
        members[id]?.heardMs = nowMs
        members[id]?.waiting = max(waiting - 1, 0)
    }

    /// The coordinator takes a heartbeat of KIP-848, whose answer is seen by ``isSeen(_:takenMs:)``, unless the coordinator is
    /// gone before.
    mutating func isTaken(_ id: String, _ nowMs: Int64) { members[id]?.unseenMs.append(nowMs) }

    mutating func isSeen(_ id: String, takenMs: Int64) {
        if let index = members[id]?.unseenMs.firstIndex(of: takenMs) { members[id]?.unseenMs.remove(at: index) }
    }

    /// The coordinator begins anew from its log. What was waited for is not answered any more, and who is to give something
    /// up has the whole time again.
    mutating func reloads(_ nowMs: Int64) {
        for (id, member) in members {
            members[id]?.waiting = 0
            members[id]?.unseenMs = member.unseenMs.map { _ in nowMs }
            if member.isClassic { members[id]?.isGone = member.isReplaced }
        }
    }

    /// A member is one, or again.
    /// - Parameter takenMs: when the coordinator took what it asked.
    mutating func joined(_ member: Member, _ id: String, takenMs: Int64) {
        var member = member
        if let known = members[id] {
            (member.epoch, member.holds, member.waiting) = (known.epoch, known.holds, known.waiting)
            (member.confirmedMs, member.releaseByMs) = (known.confirmedMs, known.releaseByMs)
            (member.isGone, member.isReplaced, member.said) = (known.isGone, known.isReplaced, known.said)
            (member.told, member.unseenMs) = (known.told, known.unseenMs)
            // A consumer group takes a classic member in that it does not know, whatever its id, and what that had before is
            // not its own any more. The epochs of KIP-848 say so themselves, and classic groups refuse such ids.
            if isMixed, member.isClassic, known.isCertainUntilMs <= takenMs { member.holds = [] }
        }
        members[id] = member
    }

    /// A member has the place of an instance for good: the log knows it.
    mutating func took(_ instance: String?, _ id: String) {
        guard let instance else { return }
        if let old = instances.updateValue(id, forKey: instance), old != id {
            gone(old)
            members[old]?.isReplaced = true
        }
    }

    /// A member has left.
    mutating func gone(_ id: String) {
        members[id]?.isGone = true
        members[id]?.holds = []
    }

    /// Something was asked for that may have put out who has this name: a member's id, or its instance.
    mutating func doubt(_ name: String?, _ nowMs: Int64) {
        guard let name else { return }
        doubts[name] = nowMs
        for (id, member) in members where member.name == name || id == name { members[id]?.confirmedMs = .min }
    }

    /// A member says that it has no more than this, so that it is true, whatever becomes of the request.
    mutating func released(_ id: String, to owned: Set<TopicPartition>, _ takenMs: Int64) {
        members[id]?.holds.formIntersection(owned)
        members[id]?.said = (owned, takenMs)
    }

    /// The coordinator said to a member that all is well in an epoch. What it has not been given anything in may be forgotten
    /// by a crash.
    mutating func confirmed(_ id: String, epoch: Int32, _ takenMs: Int64) {
        guard let member = members[id], epoch <= member.epoch, takenMs > doubts[member.name] ?? .min,
            takenMs > doubts[id] ?? .min
        else { return }
        members[id]?.confirmedMs = max(member.confirmedMs, takenMs)
    }

    // MARK: What members are told

    /// A member is told what it may read.
    /// - Parameters:
    ///   - owned: what it said in the request that this answers; nil when it did not say.
    ///   - takenMs: when the coordinator took that request.
    /// - Returns: what is wrong with it.
    mutating func given(
        _ partitions: Set<TopicPartition>, to id: String, epoch: Int32, owned: Set<TopicPartition>? = nil,
        takenMs: Int64, _ nowMs: Int64
    ) -> String? {
        guard let member = members[id] else { return "\(id) is given something and has not joined" }
        let name = member.name
        if isClassic && epoch < lastEpoch && !mayBeForgotten {
            return "the generation goes from \(lastEpoch) back to \(epoch)"
        }
        if epoch < member.epoch && !mayBeForgotten { return "the epoch of \(id) goes from \(member.epoch) to \(epoch)" }
        if mayBeForgotten && epoch <= lastEpoch {
            (owners, newest, lastEpoch) = ([:], [:], -1)
            for other in members.keys {
                members[other]?.epoch = -1
                members[other]?.holds = []
            }
        }
        mayBeForgotten = false
        lastEpoch = max(lastEpoch, epoch)
        for partition in partitions.sorted() {
            let owner = owners[epoch, default: [:]].updateValue(name, forKey: partition)
            if let owner, owner != name {
                return "\(partition) has two owners in epoch \(epoch): \(owner) and \(name)"
            }
            for (other, holder) in members where other != id && holder.holds.contains(partition) {
                if holder.name != name && holder.isCertainUntilMs > nowMs {
                    return "\(partition) is given to \(name) in epoch \(epoch) while \(holder.name) has it in epoch "
                        + "\(holder.epoch)"
                }
                // It has been out, whether it knows or not.
                members[other]?.holds.remove(partition)
            }
            if epoch >= newest[partition]?.epoch ?? -1 { newest[partition] = (epoch, name) }
        }
        if !member.isClassic {
            members[id]?.releaseByMs = member.mustReleaseByMs(partitions, epoch: epoch, owned: owned, takenMs)
            members[id]?.unseenMs.removeAll { $0 < takenMs }
            members[id]?.told = (partitions, epoch)
        }
        // An answer that is later than what it has said since finds nobody any more.
        let said = member.said.flatMap { $0.takenMs > takenMs ? $0.owned : nil }
        members[id]?.holds.formUnion(said.map { partitions.intersection($0) } ?? partitions)
        members[id]?.epoch = epoch
        members[id]?.isGone = false
        members[id]?.isReplaced = false
        return nil
    }

    /// Somebody asked for the group to be deleted.
    mutating func mayGo() { mayBeForgotten = true }

    /// The group is not there any more: it was deleted.
    mutating func forget() {
        (owners, newest, lastEpoch) = ([:], [:], -1)
        for id in members.keys { gone(id) }
        mayBeForgotten = true
    }

    // MARK: What follows

    /// Why a commit must be refused that the coordinator takes now; nil when there is no reason.
    func fence(
        _ id: String, epoch: Int32, _ partition: TopicPartition, _ nowMs: Int64, upSinceMs: Int64
    ) -> String? {
        guard epoch >= 0, let member = members[id] else { return nil }
        if member.isReplaced { return "another one has its place" }
        if member.isGone { return "it has left" }
        if epoch < member.epoch { return "it is in epoch \(member.epoch)" }
        if isClassic && epoch < lastEpoch { return "the group is in generation \(lastEpoch)" }
        if let (newest, owner) = newest[partition], newest > epoch, owner != member.name {
            return "\(partition) is \(owner)'s in epoch \(newest)"
        }
        // Who is taken over by the other protocol has its session anew. Timers are looked at once in a step.
        if isMixed { return nil }
        let silentMs = nowMs - max(member.heardMs, upSinceMs)
        if member.waiting == 0, upSinceMs != .max, silentMs > member.sessionMs + 500 {
            return "it has been silent for \(silentMs) ms"
        }
        return nil
    }

    /// Members that nobody can have put out.
    func certain(_ nowMs: Int64) -> [String] {
        members.filter { $0.value.isCertainUntilMs > nowMs }.map(\.key).sorted()
    }

    /// To be called now and then.
    mutating func look(_ nowMs: Int64) {
        guard certain(nowMs).isEmpty else { return emptySinceMs = nil }
        if emptySinceMs == nil { emptySinceMs = nowMs }
        if members.values.allSatisfy({ $0.waiting == 0 }) { mayBeForgotten = true }
    }
}
