/// DeleteRecords (KIP-107): moves the start of partitions forward.
enum DeleteRecordsHandler {
    static func handle(_ request: DeleteRecordsRequest, _ call: Call) {
        let partitions = call.partitions
        // The new start is made durable before it is promised, which is no work for a loop.
        call.broker.workers.submit {
            var response = DeleteRecordsResponse()
            response.topics = request.topics.map { topic in
                var answer = DeleteRecordsResponse.DeleteRecordsTopicResult()
                answer.name = topic.name
                let entry = partitions.find(topic.name)
                answer.partitions = topic.partitions.map { wanted in
                    var result = DeleteRecordsResponse.DeleteRecordsPartitionResult()
                    result.partitionIndex = wanted.partitionIndex
                    result.lowWatermark = -1
                    guard let partition = entry?.partition(wanted.partitionIndex) else {
                        result.errorCode = entry?.error(wanted.partitionIndex) ?? .unknownTopicOrPartition
                        return result
                    }
                    do throws(LogError) {
                        result.lowWatermark = try partition.deleteRecords(before: wanted.offset)
                    } catch {
                        result.errorCode = error.code
                    }
                    return result
                }
                return answer
            }
            call.broker.logManager.checkpointAll()
            call.reply(response)
        }
    }
}
