extension ConsumerGroup {
    /// - Returns: the member as it is, and as it is after its next step; nil when it is not there.
    func step(of memberId: String, owned: TopicShares?) -> (member: ConsumerMember, next: ConsumerMember)? {
        guard let member = members[memberId] else { return nil }
        let step = ConsumerReconciliation(
            targetEpoch: targetEpoch, target: target[memberId] ?? TopicShares(), owned: owned
        ) { topic, partition in
            isTaken(topic, partition, from: memberId)
        }
        return (member, step.advance(member))
    }
}

/// The next step of a member towards its target.
struct ConsumerReconciliation {
    let targetEpoch: Int32
    let target: TopicShares
    /// What the member says that it has; nil when it does not say.
    let owned: TopicShares?
    /// Whether another member has a partition, or has yet to give it up.
    let isTaken: (_ topic: Uuid, _ partition: Int32) -> Bool

    /// - Returns: the member as it is now; the same when there is nothing to do.
    func advance(_ member: ConsumerMember) -> ConsumerMember {
        switch member.state {
        case .stable:
            return member.epoch == targetEpoch ? member : next(member, epoch: member.epoch)
        case .unrevokedPartitions:
            // It goes on when it no longer has what it was to give up, and not before.
            guard let owned, owned.isDisjoint(with: member.revoking) else { return member }
            return next(member, epoch: Group.epoch(after: member.epoch))
        default:
            return next(member, epoch: member.epoch)
        }
    }

    /// - Parameter epoch: where it is while it still has to give up partitions.
    private func next(_ member: ConsumerMember, epoch: Int32) -> ConsumerMember {
        var result = member
        result.previousEpoch = member.epoch
        let kept = member.assigned.intersection(target)
        // What it gave up just now is nobody's any more.
        let revoking = member.assigned.subtracting(kept)
        let wanted = target.subtracting(kept)
        let free = wanted.filter { topic, partition in !isTaken(topic, partition) }
        if !revoking.isEmpty && (owned.map { !$0.isDisjoint(with: revoking) } ?? true) {
            result.epoch = epoch
            result.assigned = kept
            result.revoking = revoking
            result.state = .unrevokedPartitions
            return result
        }
        result.epoch = targetEpoch
        result.assigned = kept.union(free)
        result.revoking = TopicShares()
        result.state = free == wanted ? .stable : .unreleasedPartitions
        return result
    }
}
