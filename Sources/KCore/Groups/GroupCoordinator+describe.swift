extension GroupCoordinator {
    func describe(_ id: String) -> DescribeGroupsResponse.DescribedGroup {
        var answer = DescribeGroupsResponse.DescribedGroup()
        answer.groupId = id
        guard let group = groups[id], group.consumer == nil else {
            answer.groupState = "Dead"
            return answer
        }
        guard let classic = group.classic else {
            answer.groupState = ClassicGroup.State.empty.rawValue
            return answer
        }
        answer.groupState = classic.state.rawValue
        answer.protocolType = classic.protocolType ?? ""
        let isStable = classic.state == .stable
        if isStable { answer.protocolData = classic.protocolName ?? "" }
        answer.members = classic.orderedMembers.map { member in
            var entry = DescribeGroupsResponse.DescribedGroupMember()
            entry.memberId = member.id
            entry.groupInstanceId = member.instanceId
            entry.clientId = member.client.id
            entry.clientHost = member.client.host
            if isStable {
                entry.memberMetadata = member.metadata(for: classic.protocolName)
                entry.memberAssignment = member.assignment
            }
            return entry
        }
        return answer
    }

    /// - Parameters:
    ///   - states: lower-cased; empty for all.
    ///   - types: lower-cased; empty for all.
    func list(states: Set<String>, types: Set<String>) -> [ListGroupsResponse.ListedGroup] {
        groups.sortedNames.compactMap { id in
            guard let group = groups[id] else { return nil }
            var entry = ListGroupsResponse.ListedGroup()
            entry.groupId = id
            if let consumer = group.consumer {
                (entry.protocolType, entry.groupState, entry.groupType) = ("consumer", consumer.state, "consumer")
            } else {
                entry.protocolType = group.classic?.protocolType ?? ""
                entry.groupState = (group.classic?.state ?? .empty).rawValue
                entry.groupType = "classic"
            }
            if !states.isEmpty && !states.contains(entry.groupState.lowercased()) { return nil }
            if !types.isEmpty && !types.contains(entry.groupType) { return nil }
            return entry
        }
    }
}
