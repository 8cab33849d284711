/// Fetch: finds or makes the session, finds the partitions, and leaves the rest to a ``FetchOperation``.
enum FetchHandler {
    static func handle(_ request: FetchRequest, _ call: Call) {
        let usesTopicIds = call.version >= 13
        var request = request
        let opening: FetchSessionCache.Opening
        if call.version >= 7 {
            opening = call.broker.fetchSessions.open(
                request, usesTopicIds: usesTopicIds, nowMs: call.broker.clock.monotonicMs
            ) { [request] in call.loop.execute { handle(request, call) } }
        } else {
            opening = .sessionless
        }
        // Readers without a limit of their own are older than version 3.
        if call.version < 3 { request.maxBytes = Int32.max }

        switch opening {
        case .failed(let error):
            var response = FetchResponse()
            response.errorCode = error
            call.reply(response)
        case .waiting:
            break
        case .sessionless:
            start(request, targets(of: request, call), session: nil, isIncremental: false, call)
        case .created(let session):
            start(request, targets(of: session, call), session: session, isIncremental: false, call)
        case .incremental(let session):
            start(request, targets(of: session, call), session: session, isIncremental: true, call)
        }
    }

    private static func start(
        _ request: FetchRequest, _ targets: [FetchOperation.Target], session: FetchSession?, isIncremental: Bool,
        _ call: Call
    ) {
        FetchOperation(call: call, request: request, targets: targets, session: session, isIncremental: isIncremental)
            .start()
    }

    private static func targets(of request: FetchRequest, _ call: Call) -> [FetchOperation.Target] {
        let table = call.partitions
        var targets: [FetchOperation.Target] = []
        for topic in request.topics {
            let entry = table.find(topic: topic.topic, id: topic.topicId)
            for partition in topic.partitions {
                targets.append(
                    target(
                        topic: topic.topic, topicId: topic.topicId, usesTopicIds: call.version >= 13, entry: entry,
                        request: partition, position: targets.count))
            }
        }
        return targets
    }

    private static func targets(of session: FetchSession, _ call: Call) -> [FetchOperation.Target] {
        let table = call.partitions
        let count = session.partitions.count
        var targets: [FetchOperation.Target] = []
        targets.reserveCapacity(count)
        for step in 0..<count {
            let position = (session.start + step) % count
            let partition = session.partitions[position]
            targets.append(
                target(
                    topic: partition.topic, topicId: partition.topicId, usesTopicIds: session.usesTopicIds,
                    entry: table.find(topic: partition.topic, id: partition.topicId), request: partition.request,
                    position: position))
        }
        return targets
    }

    private static func target(
        topic: String, topicId: Uuid, usesTopicIds: Bool, entry: PartitionTable.Topic?,
        request: FetchRequest.FetchPartition, position: Int
    ) -> FetchOperation.Target {
        let partition = entry?.partition(request.partition)
        let error: ErrorCode
        if partition != nil {
            error = .none
        } else if let entry {
            error = entry.error(request.partition)
        } else {
            error = usesTopicIds ? .unknownTopicId : .unknownTopicOrPartition
        }
        return FetchOperation.Target(
            topic: topic, topicId: topicId, request: request, partition: partition, error: error, position: position)
    }
}
