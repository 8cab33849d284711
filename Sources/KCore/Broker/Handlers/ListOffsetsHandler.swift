/// ListOffsets: the start, the end, or the first record of a time or later.
enum ListOffsetsHandler {
    /// Timestamps with a meaning of their own.
    private enum Query {
        static let latest: Int64 = -1
        static let earliest: Int64 = -2
        /// KIP-734.
        static let maxTimestamp: Int64 = -3
        /// The start of what is on this broker's own disks (KIP-405): everything is.
        static let earliestLocal: Int64 = -4
        /// The last offset in tiered storage (KIP-1005): none.
        static let latestTiered: Int64 = -5

        /// Whether a version of ListOffsets knows a timestamp; a client that asks it in an older one means something else.
        static func isKnown(_ timestamp: Int64, version: Int16) -> Bool {
            switch timestamp {
            case earliest...: true
            case maxTimestamp: version >= 7
            case earliestLocal: version >= 8
            case latestTiered: version >= 9
            default: false
            }
        }
    }

    private typealias Result = ListOffsetsResponse.ListOffsetsPartitionResponse

    private struct Question: Sendable {
        var query: ListOffsetsRequest.ListOffsetsPartition
        var topic: PartitionTable.Topic?
        /// Whether the request names the partition once, as it should.
        var isSole: Bool
        var partition: Partition? { topic?.partition(query.partitionIndex) }
    }

    static func handle(_ request: ListOffsetsRequest, _ call: Call) {
        let partitions = call.partitions
        let version = call.version
        let limit: ReadLimit = request.isolationLevel == .readCommitted ? .lastStableOffset : .highWatermark
        let questions = request.topics.flatMap { topic in
            let entry = partitions.find(topic.name)
            let occurrences = Dictionary(topic.partitions.map { ($0.partitionIndex, 1) }, uniquingKeysWith: +)
            return topic.partitions.map {
                Question(query: $0, topic: entry, isSole: occurrences[$0.partitionIndex] == 1)
            }
        }
        let needsDisk = request.topics.contains { $0.partitions.contains { $0.timestamp >= 0 || $0.timestamp == -3 } }
        guard needsDisk || version == 0 else {
            return call.reply(response(request, questions.map { answer($0, limit, version: version) }))
        }
        // A lookup by time reads indexes and decodes a batch, which may be far from the page cache.
        DirectoryWork.answers(to: questions, log: { $0.partition?.log }) { questions in
            questions.map { answer($0, limit, version: version) }
        } completion: {
            call.reply(response(request, $0))
        }
    }

    private static func response(_ request: ListOffsetsRequest, _ results: [Result]) -> ListOffsetsResponse {
        var rest = results[...]
        var response = ListOffsetsResponse()
        response.topics = request.topics.map { topic in
            var answer = ListOffsetsResponse.ListOffsetsTopicResponse()
            answer.name = topic.name
            answer.partitions = rest.take(topic.partitions.count)
            return answer
        }
        return response
    }

    private static func answer(_ question: Question, _ limit: ReadLimit, version: Int16) -> Result {
        let query = question.query
        var result = Result()
        result.partitionIndex = query.partitionIndex
        result.errorCode = question.topic?.error(query.partitionIndex) ?? .unknownTopicOrPartition
        guard let partition = question.partition else { return result }
        guard question.isSole else {
            result.errorCode = .invalidRequest
            return result
        }
        guard Query.isKnown(query.timestamp, version: version) else {
            result.errorCode = .unsupportedVersion
            return result
        }
        result.errorCode = partition.check(leaderEpoch: query.currentLeaderEpoch)
        guard result.errorCode == .none else { return result }
        do throws(LogError) {
            if version == 0 {
                result.oldStyleOffsets = try segmentOffsets(query, partition)
            } else {
                try look(query.timestamp, partition, limit, &result)
            }
        } catch {
            result.errorCode = error.code
        }
        return result
    }

    private static func look(
        _ timestamp: Int64, _ partition: Partition, _ limit: ReadLimit,
        _ result: inout Result
    ) throws(LogError) {
        let log = partition.log
        switch timestamp {
        case Query.latest:
            result.offset = partition.endOffset(limit)
            result.leaderEpoch = partition.leaderEpoch
        case Query.earliest, Query.earliestLocal:
            result.offset = log.logStartOffset
            result.leaderEpoch = log.leaderEpoch(at: log.logStartOffset) ?? -1
        case Query.latestTiered:
            break
        case Query.maxTimestamp:
            if let found = try log.maxTimestamp(upTo: partition.endOffset(limit)) {
                (result.timestamp, result.offset) = (found.timestamp, found.offset)
                result.leaderEpoch = found.leaderEpoch
            }
        case 0...:
            if let found = try log.offset(forTimestamp: timestamp, upTo: partition.endOffset(limit)) {
                (result.timestamp, result.offset) = (found.timestamp, found.offset)
                result.leaderEpoch = found.leaderEpoch
            }
        default:
            result.errorCode = .unsupportedVersion
        }
    }

    /// Version 0 asks for up to so many offsets, newest first, at which segments begin before a time.
    private static func segmentOffsets(
        _ query: ListOffsetsRequest.ListOffsetsPartition, _ partition: Partition
    ) throws(LogError) -> [Int64] {
        let log = partition.log
        if query.timestamp == Query.earliest { return [log.logStartOffset] }
        var offsets: [Int64] = []
        if query.timestamp == Query.latest { offsets.append(partition.highWatermark) }
        for segment in try log.segmentStarts().reversed() {
            guard query.timestamp == Query.latest || segment.lastModifiedMs <= query.timestamp else { continue }
            let start = max(segment.baseOffset, log.logStartOffset)
            if start != offsets.last { offsets.append(start) }
        }
        return Array(offsets.prefix(max(0, Int(query.maxNumOffsets))))
    }
}
