/// OffsetFetch: how far groups have come, of one group or, from version 8 on, of many.
enum OffsetFetchHandler {
    private typealias Group = OffsetFetchRequest.OffsetFetchRequestGroup
    private typealias Answer = OffsetFetchResponse.OffsetFetchResponseGroup

    static func handle(_ request: OffsetFetchRequest, _ call: Call) {
        let requireStable = request.requireStable
        let groups = call.version >= 8 ? request.groups : [request.group]
        let version = call.version
        call.submit(
            each: groups, group: { $0.groupId }, size: \.size, refusal: { $0.refused($1) },
            { group, coordinator, _ in coordinator.fetchOffsets(group, requireStable: requireStable) },
            completion: { answers in
                var response = OffsetFetchResponse()
                if version >= 8 {
                    response.groups = answers
                } else if let answer = answers.first {
                    response = old(answer, groups[0], version)
                }
                call.reply(response)
            })
    }

    private static func old(_ answer: Answer, _ group: Group, _ version: Int16) -> OffsetFetchResponse {
        var response = OffsetFetchResponse()
        response.errorCode = answer.errorCode
        response.topics = answer.topics.map { topic in
            var entry = OffsetFetchResponse.OffsetFetchResponseTopic()
            entry.name = topic.name
            entry.partitions = topic.partitions.map { partition in
                var result = OffsetFetchResponse.OffsetFetchResponsePartition()
                result.partitionIndex = partition.partitionIndex
                result.committedOffset = partition.committedOffset
                result.committedLeaderEpoch = partition.committedLeaderEpoch
                result.metadata = partition.metadata
                result.errorCode = partition.errorCode
                return result
            }
            return entry
        }
        guard answer.errorCode != .none && version < 2 else { return response }
        // These have no field for what concerns the group.
        response.topics = (group.topics ?? []).map { topic in
            var entry = OffsetFetchResponse.OffsetFetchResponseTopic()
            entry.name = topic.name
            entry.partitions = topic.partitionIndexes.map { index in
                var result = OffsetFetchResponse.OffsetFetchResponsePartition()
                result.partitionIndex = index
                result.committedOffset = -1
                result.metadata = ""
                result.errorCode = answer.errorCode
                return result
            }
            return entry
        }
        return response
    }
}

extension OffsetFetchResponse.OffsetFetchResponseGroup {
    /// About how many bytes it takes.
    fileprivate var size: Int {
        topics.reduce(16 + groupId.utf8.count) { bytes, topic in
            topic.partitions.reduce(bytes + topic.name.utf8.count) { $0 + 24 + ($1.metadata?.utf8.count ?? 0) }
        }
    }
}

extension OffsetFetchRequest {
    /// The one group of versions up to 7.
    fileprivate var group: OffsetFetchRequestGroup {
        var group = OffsetFetchRequestGroup()
        group.groupId = groupId
        group.topics = topics?.map { topic in
            var entry = OffsetFetchRequestTopics()
            entry.name = topic.name
            entry.partitionIndexes = topic.partitionIndexes
            return entry
        }
        return group
    }
}
