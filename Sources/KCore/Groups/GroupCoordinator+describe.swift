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

    /// What ListGroups tells of this partition's groups, in no order: whoever asks puts those of all partitions in order.
    /// - Parameters:
    ///   - states: lower-cased; empty for all.
    ///   - types: lower-cased; empty for all.
    func list(states: Set<String>, types: Set<String>) -> [ListGroupsResponse.ListedGroup] {
        groups.compactMap { id, group in
            let type = group.consumer == nil ? "classic" : "consumer"
            guard types.isEmpty || types.contains(type) else { return nil }
            let state = group.consumer?.state ?? (group.classic?.state ?? .empty).rawValue
            guard states.isEmpty || states.contains(state.lowercased()) else { return nil }
            var entry = ListGroupsResponse.ListedGroup()
            (entry.groupId, entry.groupState, entry.groupType) = (id, state, type)
            entry.protocolType = group.consumer == nil ? group.classic?.protocolType ?? "" : "consumer"
            return entry
        }
    }
}
