/// When a member that reads to the end may believe that its share is what it is going to be.
///
/// In the classic protocol a share comes when all members that live have joined, and those that are dead are out. With
/// KIP-848 it comes bit by bit, as others give up what they had, and from one that is dead only when its session has ended:
/// there the coordinator is asked until all members have what they are to have. A share that is empty must in both have
/// lasted for a while.
struct GroupEnd {
    struct Share: Equatable {
        var epoch: Int32
        var partitions: Set<TopicPartition>
    }

    let isConsumerProtocol: Bool
    /// Since when the member is in its group and has no share.
    private(set) var emptySinceMs: Int64?
    /// The share that goes with what all others have.
    private var agreed: Share?
    private var isAsking = false
    private var askAgainMs: Int64?
    private var patienceMs: Int64 = 0

    init(isConsumerProtocol: Bool) { self.isConsumerProtocol = isConsumerProtocol }

    /// - Parameters:
    ///   - share: nil while the member is on its way to one.
    ///   - heartbeatMs: others give up what a new member gets, which takes a heartbeat of theirs and one of its own, and one
    ///     for those that were on their way.
    /// - Returns: whether to wait with an empty share, to wait at the end of one that is not, and to ask the coordinator.
    mutating func look(
        at share: Share?, heartbeatMs: Int64, nowMs: Int64
    ) -> (waitsWhenEmpty: Bool, waitsAtEnd: Bool, asks: Bool) {
        patienceMs = 3 * heartbeatMs
        guard let share else {
            (emptySinceMs, agreed, askAgainMs) = (nil, nil, nil)
            return (true, isConsumerProtocol, false)
        }
        emptySinceMs = share.partitions.isEmpty ? emptySinceMs ?? nowMs : nil
        let isEmptyForLong = emptySinceMs.map { nowMs - $0 >= patienceMs } ?? false
        let isAgreed = !isConsumerProtocol || agreed == share
        let asks = !isAgreed && !isAsking && nowMs >= askAgainMs ?? .min
        if asks { isAsking = true }
        return (!isEmptyForLong, !isAgreed, asks)
    }

    /// What the coordinator says.
    /// - Parameter share: that goes with what all others have; nil while there is none.
    mutating func answered(_ share: Share?, againMs: Int64) {
        isAsking = false
        agreed = share
        askAgainMs = share == nil ? againMs : nil
    }

    func nextWakeMs(nowMs: Int64) -> Int64 {
        let patience = emptySinceMs.map { $0 + patienceMs } ?? .max
        return min(patience > nowMs ? patience : .max, isAsking ? .max : askAgainMs ?? .max)
    }
}

extension GroupRunner {
    /// Lets who reads to the end finish, once there will be no more to read.
    func endIfAllIsRead() {
        let share = member.isSettled ? GroupEnd.Share(epoch: member.generation, partitions: member.owned) : nil
        let next = end.look(at: share, heartbeatMs: member.heartbeatIntervalMs, nowMs: runtime.nowMs)
        // What it has and does not read yet is not looked up, or whoever is to say where it begins has not.
        fetcher.setWaits(whenEmpty: next.waitsWhenEmpty, atEnd: next.waitsAtEnd || !hasBegun)
        if next.asks, let share { askWhetherAllHaveTheirs(share) }
    }

    private func askWhetherAllHaveTheirs(_ share: GroupEnd.Share) {
        let groupId = member.settings.groupId
        func answered(_ share: GroupEnd.Share?) {
            guard !isEnded else { return }
            end.answered(share, againMs: runtime.nowMs + max(1, member.heartbeatIntervalMs))
            pump()
        }
        guard let coordinator = member.coordinator else { return answered(nil) }
        var request = ConsumerGroupDescribeRequest()
        request.groupIds = [groupId]
        ask(request, at: coordinator, timeoutMs: member.settings.requestTimeoutMs) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let response):
                let group = response.groups.first { $0.groupId == groupId }
                let code = group?.errorCode ?? .unknownServerError
                guard code == .none || code.isRetriable || code == .groupIdNotFound else {
                    logger.warning("it cannot be known whether others hold on to partitions", ["error": code.name])
                    return answered(share)
                }
                answered(group?.agrees(with: share, of: member.memberId) == true ? share : nil)
            case .failure(let error):
                if error.kind == .unsupported { return answered(share) }
                answered(nil)
            }
        }
    }
}

extension ConsumerGroupDescribeResponse.DescribedGroup {
    /// Whether all members have what they are to have, and this one that share.
    fileprivate func agrees(with share: GroupEnd.Share, of memberId: String) -> Bool {
        guard groupState == "Stable", let member = members.first(where: { $0.memberId == memberId }) else {
            return false
        }
        let partitions = member.assignment.topicPartitions.flatMap { entry in
            entry.partitions.map { TopicPartition(topic: entry.topicName, partition: $0) }
        }
        return member.memberEpoch == share.epoch && Set(partitions) == share.partitions
    }
}
