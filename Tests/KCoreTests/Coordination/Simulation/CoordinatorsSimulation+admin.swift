@testable import KCore

/// What somebody does to groups who is no member of them.
extension CoordinatorsSimulation {
    /// Deletes an offset, which no member may read.
    func forget(_ key: OffsetChecker.Key) {
        var request = OffsetDeleteRequest()
        request.groupId = key.group
        var partition = OffsetDeleteRequest.OffsetDeleteRequestPartition()
        partition.partitionIndex = key.partition.partition
        var topic = OffsetDeleteRequest.OffsetDeleteRequestTopic()
        (topic.name, topic.partitions) = (key.partition.topic, [partition])
        request.topics = [topic]
        let others = key.partition.topic == "t" ? certain(of: key.group) : []
        // Nobody is told what became of it when the coordinator dies first.
        offsetChecker.taken(OffsetChecker.nothing, key)
        groups.ask({ code in
            var response = OffsetDeleteResponse()
            response.errorCode = code
            return response
        }) { [unowned self, request] machine, turn, reply in
            let response = machine.deleteOffsets(request, &turn) {
                self.exists(TopicPartition(topic: $0, partition: $1))
            }
            turn.send(response, to: reply)
        } _: { [unowned self] response in
            let code = response.errorCode != .none ? response.errorCode : response.topics[0].partitions[0].errorCode
            trace("the offset of \(key.partition) of \(key.group) is to be deleted: \(code.name)")
            switch code {
            case .none:
                count("offsets deleted")
                if let other = others.first { note("the offset of a topic is deleted that \(other) reads") }
                offsetChecker.deleted(key, withGroup: false, isCertain: true)
            case .groupIdNotFound, .nonEmptyGroup, .groupSubscribedToTopic, .coordinatorLoadInProgress,
                .unknownTopicOrPartition:
                offsetChecker.refused(OffsetChecker.nothing, key, isCertain: true)
            default: offsetChecker.deleted(key, withGroup: false, isCertain: false)
            }
        }
    }

    func deleteGroup(_ id: String) {
        let others = certain(of: id)
        let keys = offsetChecker.keys.filter { $0.group == id }
        for key in keys { offsetChecker.taken(OffsetChecker.nothing, key) }
        ownership[id]?.mayGo()
        groups.ask({ $0 }) { machine, turn, reply in
            turn.send(machine.deleteGroup(id, &turn), to: reply)
        } _: { [unowned self] code in
            trace("group \(id) is to be deleted: \(code.name)")
            switch code {
            case .none:
                count("groups deleted")
                if let other = others.first { note("group \(id) is deleted, of which \(other) is a member") }
                for key in keys { offsetChecker.deleted(key, withGroup: true, isCertain: true) }
                ownership[id]?.forget()
            case .groupIdNotFound, .nonEmptyGroup, .coordinatorLoadInProgress:
                for key in keys { offsetChecker.refused(OffsetChecker.nothing, key, isCertain: true) }
            default: for key in keys { offsetChecker.deleted(key, withGroup: true, isCertain: false) }
            }
        }
    }
}
