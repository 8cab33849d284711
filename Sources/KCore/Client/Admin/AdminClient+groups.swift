/// A group as its coordinator lists it.
public struct ListedGroup: Sendable, Equatable {
    public var name: String
    /// `Stable`, `Empty`, ...; empty from brokers that do not say it.
    public var state: String
    /// `classic` or `consumer`; empty from brokers that do not say it.
    public var type: String
    /// What its members are: `consumer`, `connect`; empty for a group that never had any.
    public var protocolType: String
}

/// A group with its members.
public struct GroupDescription: Sendable {
    public struct Member: Sendable {
        public var id: String
        public var instanceId: String?
        public var clientId: String
        public var host: String
        public var partitions: [TopicPartition]
    }

    public var name: String
    public var state: String
    /// `classic` or `consumer`.
    public var type = "classic"
    /// What its members are: `consumer`, `connect`; empty for a group that never had any.
    public var protocolType: String
    public var assignor: String
    public var coordinator: Int32
    public var members: [Member]

    /// False for what is described as a group although nobody knows it.
    public var exists: Bool { state != "Dead" }
}

extension AdminClient {
    /// The groups of all brokers, by name.
    /// - Parameters:
    ///   - states: empty for all.
    ///   - types: `classic`, `consumer`; empty for all.
    /// - Throws: also when a broker knows some of them only.
    public func listGroups(states: [String] = [], types: [String] = []) throws(ClientError) -> [ListedGroup] {
        let (groups, missing) = try knownGroups(states: states, types: types)
        if let error = missing.first { throw error }
        return groups
    }

    /// ``listGroups(states:types:)`` as far as brokers know them.
    /// - Returns: also why some are missing, of each broker where they are.
    public func knownGroups(
        states: [String] = [], types: [String] = []
    ) throws(ClientError) -> (groups: [ListedGroup], missing: [ClientError]) {
        var missing: [ClientError] = []
        var found: [String: ListedGroup] = [:]
        for broker in try brokerIds() {
            var request = ListGroupsRequest()
            request.statesFilter = states
            request.typesFilter = types
            let response = try client.retrying { [request] leftMs throws(ClientError) in
                let response = try client.call(request, to: .broker(broker), timeoutMs: Int(leftMs)) {
                    request, version in
                    if version < 4 { request.statesFilter = [] }
                    if version < 5 { request.typesFilter = [] }
                }
                guard response.errorCode == .none || response.errorCode == .coordinatorNotAvailable else {
                    throw .refused("list the groups of broker \(broker)", response.errorCode)
                }
                return response
            }
            if response.errorCode != .none {
                missing.append(.refused("list all groups of broker \(broker)", response.errorCode))
            }
            for group in response.groups {
                found[group.groupId] = ListedGroup(
                    name: group.groupId, state: group.groupState, type: group.groupType,
                    protocolType: group.protocolType)
            }
        }
        let isMissed: (ListedGroup) -> Bool = { group in
            !states.isEmpty && !states.contains { $0.lowercased() == group.state.lowercased() }
                || !types.isEmpty && !types.contains { $0.lowercased() == group.type.lowercased() }
        }
        return (found.values.filter { !isMissed($0) }.sorted { $0.name < $1.name }, missing)
    }

    /// State and members. A group that nobody knows comes as `Dead`, as Kafka has it.
    public func describeGroup(_ name: String) throws(ClientError) -> GroupDescription {
        let classic = try describeClassicGroup(name)
        guard !classic.exists else { return classic }
        do throws(ClientError) {
            return try describeConsumerGroup(name) ?? classic
        } catch {
            // A broker that knows classic groups only.
            guard error.kind == .unsupported else { throw error }
            return classic
        }
    }

    private func describeConsumerGroup(_ name: String) throws(ClientError) -> GroupDescription? {
        var request = ConsumerGroupDescribeRequest()
        request.groupIds = [name]
        let (response, coordinator) = try callCoordinator(of: name, request) { response in
            response.groups.first?.errorCode ?? .none
        }
        guard let group = response.groups.first(where: { $0.groupId == name }) else { throw .leftOut(name) }
        if group.errorCode == .groupIdNotFound { return nil }
        guard group.errorCode == .none else { throw .refused("describe group \(name)", group.errorCode) }
        return GroupDescription(
            name: name, state: group.groupState, type: "consumer", protocolType: "consumer",
            assignor: group.assignorName,
            coordinator: coordinator,
            members: group.members.map { member in
                GroupDescription.Member(
                    id: member.memberId, instanceId: member.instanceId, clientId: member.clientId,
                    host: member.clientHost,
                    partitions: member.assignment.topicPartitions.flatMap { entry in
                        entry.partitions.map { TopicPartition(topic: entry.topicName, partition: $0) }
                    }.sorted())
            }.sorted { $0.id < $1.id })
    }

    private func describeClassicGroup(_ name: String) throws(ClientError) -> GroupDescription {
        var request = DescribeGroupsRequest()
        request.groups = [name]
        let (response, coordinator) = try callCoordinator(of: name, request) { response in
            response.groups.first?.errorCode ?? .none
        }
        guard let group = response.groups.first(where: { $0.groupId == name }) else { throw .leftOut(name) }
        guard group.errorCode == .none || group.errorCode == .groupIdNotFound else {
            throw .refused("describe group \(name)", group.errorCode)
        }
        return GroupDescription(
            name: name, state: group.errorCode == .none ? group.groupState : "Dead", protocolType: group.protocolType,
            assignor: group.protocolData, coordinator: coordinator,
            members: group.members.map { member in
                GroupDescription.Member(
                    id: member.memberId, instanceId: member.groupInstanceId, clientId: member.clientId,
                    host: member.clientHost,
                    partitions: ((try? MemberAssignment.decode(member.memberAssignment)) ?? []).sorted())
            }.sorted { $0.id < $1.id })
    }

    /// Forgets groups without members.
    public func deleteGroups(_ names: [String]) throws(ClientError) -> [ItemResult<Void>] {
        var results: [ItemResult<Void>] = []
        for name in names {
            var request = DeleteGroupsRequest()
            request.groupsNames = [name]
            let (response, _) = try callCoordinator(of: name, request) { $0.results.first?.errorCode ?? .none }
            let code = response.results.first { $0.groupId == name }?.errorCode ?? .unknownServerError
            results.append(
                ItemResult(
                    name: name, result: code == .none ? .success(()) : .failure(.refused("delete group \(name)", code)))
            )
        }
        return results
    }

    /// Asks the coordinator of a group; asks the next one when it has just moved, and again while it loads.
    /// - Returns: the answer, and which broker gave it.
    func callCoordinator<R: ApiRequest>(
        of group: String, _ request: R, adapt: (@Sendable (inout R, Int16) -> Void)? = nil,
        code: (R.Response) -> ErrorCode
    ) throws(ClientError) -> (R.Response, Int32) {
        try client.retrying { leftMs throws(ClientError) in
            let broker = try coordinator(of: group, timeoutMs: leftMs)
            let response = try client.call(request, to: .broker(broker), timeoutMs: Int(leftMs), adapt: adapt)
            let code = code(response)
            switch code {
            case .notCoordinator, .coordinatorNotAvailable, .coordinatorLoadInProgress:
                throw .refused("ask the coordinator of group \(group)", code)
            default: return (response, broker)
            }
        }
    }

    private func coordinator(of group: String, timeoutMs: Int64) throws(ClientError) -> Int32 {
        var request = FindCoordinatorRequest()
        request.key = group
        request.coordinatorKeys = [group]
        let response = try client.call(request, timeoutMs: Int(timeoutMs)) { request, version in
            FindCoordinatorRequest.adapt(&request, version)
        }
        let found = response.coordinators.first { $0.key == group }
        let code = found?.errorCode ?? response.errorCode
        guard code == .none else { throw .refused("find the coordinator of group \(group)", code) }
        return found?.nodeId ?? response.nodeId
    }
}
