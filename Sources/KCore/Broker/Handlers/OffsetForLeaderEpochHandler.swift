/// OffsetForLeaderEpoch (KIP-101, KIP-320): where an epoch's records end in this log, so that a reader or follower can
/// find out where its history leaves the leader's.
enum OffsetForLeaderEpochHandler {
    static func handle(_ request: OffsetForLeaderEpochRequest, _ call: Call) {
        let partitions = call.partitions
        var response = OffsetForLeaderEpochResponse()
        response.topics = request.topics.map { topic in
            var answer = OffsetForLeaderEpochResponse.OffsetForLeaderTopicResult()
            answer.topic = topic.topic
            let entry = partitions.find(topic.topic)
            answer.partitions = topic.partitions.map { query in
                var result = OffsetForLeaderEpochResponse.EpochEndOffset()
                result.partition = query.partition
                guard let partition = entry?.partition(query.partition) else {
                    result.errorCode = entry?.error(query.partition) ?? .unknownTopicOrPartition
                    return result
                }
                result.errorCode = partition.check(leaderEpoch: query.currentLeaderEpoch)
                guard result.errorCode == .none else { return result }
                // -1 and -1 when nothing is known of such an epoch.
                guard let end = partition.log.endOffset(forLeaderEpoch: query.leaderEpoch) else { return result }
                result.leaderEpoch = end.epoch
                result.endOffset = end.endOffset
                return result
            }
            return answer
        }
        call.reply(response)
    }
}
