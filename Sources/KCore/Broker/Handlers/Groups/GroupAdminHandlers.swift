/// ListGroups, DescribeGroups and DeleteGroups: groups as an administrator sees them.
enum GroupAdminHandlers {
    static func list(_ request: ListGroupsRequest, _ call: Call) {
        let states = Set(request.statesFilter.map { $0.lowercased() })
        let types = Set(request.typesFilter.map { $0.lowercased() })
        call.broker.coordinators.groups.gather(on: call.loop) { coordinator, _ in
            coordinator.list(states: states, types: types)
        } _: { groups, missing in
            var response = ListGroupsResponse()
            // What cannot be loaded may stay so: the others are told beside the error.
            response.errorCode = missing
            if missing != .coordinatorLoadInProgress {
                response.groups = groups.flatMap { $0 }.sorted { ExactName($0.groupId) < ExactName($1.groupId) }
            }
            call.reply(response)
        }
    }

    static func describe(_ request: DescribeGroupsRequest, _ call: Call) {
        call.describe(request.groups, tellsOperations: request.includeAuthorizedOperations) { group, coordinator in
            coordinator.describe(group)
        } completion: { answers in
            var response = DescribeGroupsResponse()
            response.groups = answers
            call.reply(response)
        }
    }

    static func delete(_ request: DeleteGroupsRequest, _ call: Call) {
        // A name that comes twice is one group.
        var seen: Set<ExactName> = []
        let names = request.groupsNames.filter { seen.insert(ExactName($0)).inserted }
        @Sendable func result(_ group: String, _ code: ErrorCode) -> DeleteGroupsResponse.DeletableGroupResult {
            var result = DeleteGroupsResponse.DeletableGroupResult()
            result.groupId = group
            result.errorCode = code
            return result
        }
        call.submit(
            each: names, group: { $0 }, size: { _ in 0 }, refusal: result,
            { group, coordinator, turn in result(group, coordinator.deleteGroup(group, &turn)) },
            completion: { results in
                var response = DeleteGroupsResponse()
                response.results = results
                call.reply(response)
            })
    }
}
