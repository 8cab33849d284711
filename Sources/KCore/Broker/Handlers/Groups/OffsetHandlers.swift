/// OffsetCommit and OffsetDelete: what changes how far a group has come.
enum OffsetHandlers {
    static func commit(_ request: OffsetCommitRequest, _ call: Call) {
        let image = call.image
        let version = call.version
        let unknown = Set(request.topics.map(\.name).filter { image.topic($0) == nil })
        guard !unknown.isEmpty else {
            return call.submit(group: request.groupId, refusal: { request.refused($0) }) { coordinator, turn, reply in
                coordinator.commit(request, version: version, &turn, reply)
            }
        }
        var known = request
        known.topics.removeAll { unknown.contains($0.name) }
        let refused = request.refused(.unknownTopicOrPartition)
        guard !known.topics.isEmpty else { return call.reply(refused) }
        let reply = CoordinatorReply<OffsetCommitResponse> { response in
            var answers = response.topics.makeIterator()
            var whole = response
            whole.topics = refused.topics.map { unknown.contains($0.name) ? $0 : answers.next() ?? $0 }
            call.reply(whole)
        } refusal: { [known] in
            known.refused($0)
        }
        call.submit(group: request.groupId, reply) { [known] coordinator, turn, reply in
            coordinator.commit(known, version: version, &turn, reply)
        }
    }

    static func delete(_ request: OffsetDeleteRequest, _ call: Call) {
        @Sendable func refuse(_ code: ErrorCode) -> OffsetDeleteResponse {
            var response = OffsetDeleteResponse()
            response.errorCode = code
            return response
        }
        guard !request.groupId.isEmpty else { return call.reply(refuse(.invalidGroupId)) }
        call.submit(group: request.groupId, refusal: refuse) { coordinator, turn, reply in
            turn.send(coordinator.deleteOffsets(request, &turn), to: reply)
        }
    }
}
