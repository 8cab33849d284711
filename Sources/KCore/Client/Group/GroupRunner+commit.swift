extension GroupRunner {
    /// Stores how far the group has come. The completion runs on the loop, once. Tries again while the coordinator moves
    /// or loads.
    func commit(
        _ offsets: [TopicPartition: GroupOffset], deadlineMs: Int64, failures: Int = 0,
        completion: @escaping (ClientError?) -> Void
    ) {
        guard !offsets.isEmpty else { return completion(nil) }
        let generation = member.generation
        let action = "commit offsets of group \(member.settings.groupId)"
        // The coordinator does not know who has which partition. What the reader was, or will be, told to be lost may have
        // gone on elsewhere, and must not go back.
        let mine = offsets.filter { owns($0.key) }
        guard !isEnded, generation >= 0, !mine.isEmpty else {
            return completion(
                ClientError(.broker(.unknownMemberId), "cannot \(action): the partitions are not this member's now"))
        }
        let complete = completion
        let completion: (ClientError?) -> Void = { error in
            let isPartial = error == nil && mine.count < offsets.count
            let message = "cannot \(action): some of the partitions are not this member's now"
            complete(isPartial ? ClientError(.broker(.unknownMemberId), message) : error)
        }
        func again(_ error: ClientError) {
            let delay = member.settings.retryBackoff.delayMs(failures: failures + 1)
            guard runtime.nowMs + delay < deadlineMs else { return completion(error) }
            runtime.schedule(afterMs: delay) { [weak self] in
                self?.commit(offsets, deadlineMs: deadlineMs, failures: failures + 1, completion: complete)
            }
        }
        guard let coordinator = member.coordinator else {
            return again(ClientError(.connection, "cannot \(action): its coordinator is not known"))
        }
        var request = OffsetCommitRequest(group: member.settings.groupId, offsets: mine)
        request.generationIdOrMemberEpoch = generation
        (request.memberId, request.groupInstanceId) = (member.memberId, member.settings.instanceId)
        let timeout = min(member.settings.requestTimeoutMs, max(1, deadlineMs - runtime.nowMs))
        ask(request, at: coordinator, timeoutMs: timeout) { [weak self] result in
            guard let self else { return completion(.closed) }
            switch result {
            case .failure(let error):
                if error.isRetriable { again(error) } else { completion(error) }
            case .success(let response):
                let code = response.topics.flatMap(\.partitions).map(\.errorCode).first { $0 != .none }
                guard let code else { return completion(nil) }
                member.commitRefused(code, generation: generation, nowMs: runtime.nowMs)
                pump()
                let error = ClientError.refused(action, code)
                // After a rebalance, what this member still has is committed in the new generation.
                if code.isRetriable || code == .rebalanceInProgress || code == .staleMemberEpoch {
                    again(error)
                } else {
                    completion(error)
                }
            }
        }
    }
}
