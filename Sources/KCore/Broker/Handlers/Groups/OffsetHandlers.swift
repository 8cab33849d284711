/// OffsetCommit and OffsetDelete: what changes how far a group has come.
enum OffsetHandlers {
    static func commit(_ request: OffsetCommitRequest, _ call: Call) {
        let version = call.version
        let images = call.broker.images
        call.submit(group: request.groupId, refusal: { request.refused($0) }) { coordinator, turn, reply in
            coordinator.commit(request, version: version, &turn, reply, exists: images.image.hasPartition(of:_:))
        }
    }

    static func delete(_ request: OffsetDeleteRequest, _ call: Call) {
        @Sendable func refuse(_ code: ErrorCode) -> OffsetDeleteResponse {
            var response = OffsetDeleteResponse()
            response.errorCode = code
            return response
        }
        guard !request.groupId.isEmpty else { return call.reply(refuse(.invalidGroupId)) }
        let images = call.broker.images
        call.submit(group: request.groupId, refusal: refuse) { coordinator, turn, reply in
            let exists = images.image.hasPartition(of:_:)
            turn.send(coordinator.deleteOffsets(request, &turn, exists: exists), to: reply)
        }
    }
}
