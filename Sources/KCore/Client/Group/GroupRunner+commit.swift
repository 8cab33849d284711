extension GroupRunner {
    /// Stores how far the group has come. The completion runs on the loop, once. Tries again while the coordinator moves
    /// or loads. The coordinator does not know who has which partition: what this member has lost may have gone on
    /// elsewhere, and is not committed.
    func commit(
        _ entries: [TopicPartition: CommitQueue.Entry], deadlineMs: Int64, completion: @escaping (ClientError?) -> Void
    ) {
        guard !entries.isEmpty else { return completion(nil) }
        commits.add(entries, deadlineMs: deadlineMs, completion: completion)
        sendCommits()
    }

    private var action: String { "commit offsets of group \(member.settings.groupId)" }

    func sendCommits() {
        defer { leaveWhenStored() }
        guard !isEnded else { return commits.close(ClientError(.closed, "cannot \(action): the member has left")) }
        guard let offsets = commits.next(nowMs: runtime.nowMs, shares: shares) else { return }
        let generation = member.generation
        guard let coordinator = member.coordinator, generation >= 0 else {
            let error = ClientError(.connection, "cannot \(action): its coordinator is not known")
            return answered(Set(offsets.keys), error, mayTryAgain: true)
        }
        var request = OffsetCommitRequest(group: member.settings.groupId, offsets: offsets)
        request.generationIdOrMemberEpoch = generation
        (request.memberId, request.groupInstanceId) = (member.memberId, member.settings.instanceId)
        let timeoutMs = member.settings.requestTimeoutMs
        ask(request, at: coordinator, over: .offsets, timeoutMs: timeoutMs) { [weak self] result in
            guard let self else { return }
            switch result {
            case .failure(let error): answered(Set(offsets.keys), error, mayTryAgain: error.isRetriable)
            case .success(let response): answered(response, Set(offsets.keys), generation)
            }
        }
    }

    private func answered(_ response: OffsetCommitResponse, _ asked: Set<TopicPartition>, _ generation: Int32) {
        var stored = asked
        var first: ErrorCode?
        for topic in response.topics {
            for partition in topic.partitions where partition.errorCode != .none {
                stored.remove(TopicPartition(topic: topic.name, partition: partition.partitionIndex))
                first = first ?? partition.errorCode
            }
        }
        let code = first ?? .none
        if code != .none {
            member.commitRefused(code, generation: generation, nowMs: runtime.nowMs)
            pump()
        }
        // After a rebalance, what this member still has is committed in the new generation. A topic that is gone does not
        // come back as what it was.
        let mayTryAgain =
            code.isRetriable && code != .unknownTopicOrPartition || code == .rebalanceInProgress
            || code == .staleMemberEpoch
            || code == .illegalGeneration && (generation != member.generation || member.isJoining)
        answered(asked.subtracting(stored), .refused(action, code), mayTryAgain: mayTryAgain)
    }

    private func answered(_ refused: Set<TopicPartition>, _ error: ClientError, mayTryAgain: Bool) {
        let delay = member.settings.retryBackoff.delayMs(failures: commits.failures + 1)
        commits.answered(
            refused, error, mayTryAgain: mayTryAgain, nowMs: runtime.nowMs, delayMs: delay)
        if !refused.isEmpty { runtime.schedule(afterMs: delay) { [weak self] in self?.sendCommits() } }
        sendCommits()
    }
}
