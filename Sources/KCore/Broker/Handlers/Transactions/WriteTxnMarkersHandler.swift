/// WriteTxnMarkers: another coordinator, or an administrator, ends transactions in partitions that this broker leads.
enum WriteTxnMarkersHandler {
    private struct Place {
        var marker: Int
        var topic: Int
        var partition: Int
        var code: ErrorCode
    }

    static func handle(_ request: WriteTxnMarkersRequest, _ call: Call) {
        var response = WriteTxnMarkersResponse()
        response.markers = request.markers.map { result($0) }
        let count = request.markers.reduce(0) { $0 + $1.topics.reduce(0) { $0 + $1.partitionIndexes.count } }
        if count == 0 { return call.reply(response) }
        let gathering = CoordinatorGathering<Place>(shards: count, on: call.loop) { [response] places, _ in
            var response = response
            for place in places {
                response.markers[place.marker].topics[place.topic].partitions[place.partition].errorCode = place.code
            }
            call.reply(response)
        }
        for (markerIndex, marker) in request.markers.enumerated() {
            let end = CoordinatorTransactionEnd(
                producerId: marker.producerId, producerEpoch: marker.producerEpoch,
                coordinatorEpoch: marker.coordinatorEpoch, isCommit: marker.transactionResult)
            for (topicIndex, topic) in marker.topics.enumerated() {
                for (index, partition) in topic.partitionIndexes.enumerated() {
                    let place = TopicPartition(topic: topic.name, partition: partition)
                    let finish = { @Sendable (code: ErrorCode) in
                        let place = Place(marker: markerIndex, topic: topicIndex, partition: index, code: code)
                        gathering.add([place], isLoading: false)
                    }
                    // A marker of nobody ends nothing, and would stay in the log. An administrator may say -1 of the coordinator,
                    // as DescribeProducers does where none has written a marker yet: the log takes it until one has.
                    guard end.producerId >= 0, end.producerEpoch >= 0, end.coordinatorEpoch >= -1 else {
                        finish(.invalidProducerIdMapping)
                        continue
                    }
                    call.broker.transactions.markers.write(end, to: place, finish)
                }
            }
        }
    }

    private static func result(
        _ marker: WriteTxnMarkersRequest.WritableTxnMarker
    ) -> WriteTxnMarkersResponse.WritableTxnMarkerResult {
        var result = WriteTxnMarkersResponse.WritableTxnMarkerResult()
        result.producerId = marker.producerId
        result.topics = marker.topics.map { topic in
            var answer = WriteTxnMarkersResponse.WritableTxnMarkerTopicResult()
            answer.name = topic.name
            answer.partitions = topic.partitionIndexes.map { index in
                var partition = WriteTxnMarkersResponse.WritableTxnMarkerPartitionResult()
                partition.partitionIndex = index
                return partition
            }
            return answer
        }
        return result
    }
}
