extension GroupCoordinator {
    /// Tells how far a group has come.
    /// - Parameter requireStable: whether an offset that an open transaction may change is told as UNSTABLE_OFFSET_COMMIT
    ///   (KIP-447).
    func fetchOffsets(
        _ request: OffsetFetchRequest.OffsetFetchRequestGroup, requireStable: Bool
    ) -> OffsetFetchResponse.OffsetFetchResponseGroup {
        var response = OffsetFetchResponse.OffsetFetchResponseGroup()
        response.groupId = request.groupId
        if let consumer = groups[request.groupId]?.consumer, request.memberId != nil || request.memberEpoch >= 0 {
            let member = consumer.members[request.memberId ?? ""]
            guard let member else { return request.refused(.unknownMemberId) }
            guard member.epoch == request.memberEpoch else {
                return request.refused(member.classic == nil ? .staleMemberEpoch : .illegalGeneration)
            }
        }
        let offsets = groups[request.groupId]?.offsets ?? GroupOffsets()
        let wanted =
            request.topics?.map { ($0.name, $0.partitionIndexes) }
            ?? offsets.sorted.map { topic in (topic.topic, topic.partitions.map(\.partition)) }
        var noteBytes = 0
        response.topics = wanted.map { topic, partitions in
            var answer = OffsetFetchResponse.OffsetFetchResponseTopics()
            answer.name = topic
            answer.partitions = partitions.map { partition in
                var result = OffsetFetchResponse.OffsetFetchResponsePartitions()
                result.partitionIndex = partition
                result.committedOffset = -1
                result.metadata = ""
                if requireStable && offsets.isPending(topic, partition) {
                    result.errorCode = .unstableOffsetCommit
                } else if let offset = offsets.find(topic, partition) {
                    result.committedOffset = offset.offset
                    result.committedLeaderEpoch = offset.leaderEpoch
                    result.metadata = offset.metadata
                    noteBytes += offset.metadata.utf8.count
                }
                return result
            }
            return answer
        }
        // A partition that is named takes four bytes, its note may take thousands.
        let most = RepetitionAllowance.bytes
        if noteBytes > most && noteBytes > most + offsets.noteBytes { return request.refused(.invalidRequest) }
        return response
    }
}

extension OffsetFetchRequest.OffsetFetchRequestGroup {
    func refused(_ code: ErrorCode) -> OffsetFetchResponse.OffsetFetchResponseGroup {
        var response = OffsetFetchResponse.OffsetFetchResponseGroup()
        response.groupId = groupId
        response.errorCode = code
        return response
    }
}
