/// DeleteRecords (KIP-107): moves the start of partitions forward.
enum DeleteRecordsHandler {
    private typealias Result = DeleteRecordsResponse.DeleteRecordsPartitionResult

    private struct Question: Sendable {
        var index: Int32
        var offset: Int64
        var topic: PartitionTable.Topic?
        var partition: Partition? { topic?.partition(index) }
    }

    static func handle(_ request: DeleteRecordsRequest, _ call: Call) {
        let partitions = call.partitions
        let questions = request.topics.flatMap { topic in
            let entry = partitions.find(topic.name)
            return topic.partitions.map { Question(index: $0.partitionIndex, offset: $0.offset, topic: entry) }
        }
        // The new start is made durable before it is promised, which is no work for a loop.
        DirectoryWork.answers(to: questions, log: { $0.partition?.log }) { questions in
            let results = questions.map { answer($0) }
            _ = questions.first?.partition?.log.environment.checkpoint()
            return results
        } completion: { results in
            var rest = results[...]
            var response = DeleteRecordsResponse()
            response.topics = request.topics.map { topic in
                var answer = DeleteRecordsResponse.DeleteRecordsTopicResult()
                answer.name = topic.name
                answer.partitions = rest.take(topic.partitions.count)
                return answer
            }
            call.reply(response)
        }
    }

    private static func answer(_ question: Question) -> Result {
        var result = Result()
        result.partitionIndex = question.index
        result.lowWatermark = -1
        guard let partition = question.partition else {
            result.errorCode = question.topic?.error(question.index) ?? .unknownTopicOrPartition
            return result
        }
        if TopicName.isInternal(partition.topicPartition.topic) {
            result.errorCode = .invalidTopicException
            return result
        }
        do throws(LogError) {
            result.lowWatermark = try partition.deleteRecords(before: question.offset)
        } catch {
            result.errorCode = error.code
        }
        return result
    }
}
