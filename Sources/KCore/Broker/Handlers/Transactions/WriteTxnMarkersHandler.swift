/// WriteTxnMarkers: another coordinator, or an administrator, ends transactions in partitions that this broker leads.
enum WriteTxnMarkersHandler {
    static func handle(_ request: WriteTxnMarkersRequest, _ call: Call) {
        let ends = request.markers.flatMap { marker in
            let end = CoordinatorTransactionEnd(
                producerId: marker.producerId, producerEpoch: marker.producerEpoch,
                coordinatorEpoch: marker.coordinatorEpoch, isCommit: marker.transactionResult)
            return marker.topics.flatMap { topic in
                topic.partitionIndexes.map { (end, TopicPartition(topic: topic.name, partition: $0)) }
            }
        }
        let answers = OrderedAnswers<ErrorCode>(count: ends.count, on: call.loop) { codes in
            var rest = codes[...]
            var response = WriteTxnMarkersResponse()
            response.markers = request.markers.map { result($0, &rest) }
            call.reply(response)
        }
        for (number, (end, place)) in ends.enumerated() {
            // A marker of nobody ends nothing, and would stay in the log. An administrator may say -1 of the coordinator,
            // as DescribeProducers does where none has written a marker yet: the log takes it until one has.
            guard end.producerId >= 0, end.producerEpoch >= 0, end.coordinatorEpoch >= -1 else {
                answers.set(number, .invalidProducerIdMapping)
                continue
            }
            call.broker.transactions.markers.write(end, to: place) { answers.set(number, $0) }
        }
    }

    /// - Parameter codes: of this marker's partitions, and of those behind it.
    private static func result(
        _ marker: WriteTxnMarkersRequest.WritableTxnMarker, _ codes: inout ArraySlice<ErrorCode>
    ) -> WriteTxnMarkersResponse.WritableTxnMarkerResult {
        var result = WriteTxnMarkersResponse.WritableTxnMarkerResult()
        result.producerId = marker.producerId
        result.topics = marker.topics.map { topic in
            var answer = WriteTxnMarkersResponse.WritableTxnMarkerTopicResult()
            answer.name = topic.name
            answer.partitions = zip(topic.partitionIndexes, codes.take(topic.partitionIndexes.count)).map {
                index, code in
                var partition = WriteTxnMarkersResponse.WritableTxnMarkerPartitionResult()
                (partition.partitionIndex, partition.errorCode) = (index, code)
                return partition
            }
            return answer
        }
        return result
    }
}
