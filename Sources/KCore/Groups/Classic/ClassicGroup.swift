/// A group whose members agree on an assignor and whose leader assigns: the classic protocol.
///
/// What it decides comes out of a ``ClassicStep``. Only ``kept`` outlives the coordinator.
struct ClassicGroup: Sendable {
    enum State: String, Sendable {
        case empty = "Empty"
        case preparingRebalance = "PreparingRebalance"
        case completingRebalance = "CompletingRebalance"
        case stable = "Stable"
    }

    /// What the group as a whole waits for.
    enum Phase: Equatable, Sendable {
        /// More members than the first, for so long at most.
        case initialDelay(remainingMs: Int64)
        /// All members to join again.
        case join
        /// All members to fetch their assignment.
        case sync
    }

    let id: String
    private(set) var state = State.empty
    private(set) var previousState = State.empty
    /// When it came into its state, in milliseconds since 1970.
    var stateSinceMs: Int64 = -1
    var generation: Int32 = 0
    /// Nil for a group that never had members.
    var protocolType: String?
    /// The assignor of this generation.
    var protocolName: String?
    var leader: String?
    var members: [String: ClassicMember] = [:]
    /// Member ids by instance.
    var staticMembers = NameMap<String>()
    /// Ids that were given to clients that have not come back with them, and until when they may (KIP-394).
    var pendingMembers: [String: Int64] = [:]
    /// Members of this generation that have not asked for their assignment.
    var pendingSync: Set<String> = []
    /// How many members wait in JoinGroup.
    private(set) var awaitingJoin = 0
    /// Whether somebody came since the initial delay began.
    var hasNewMember = false
    var phase: Phase?
    var phaseEndsMs: Int64 = .max
    /// For when a timer is set, which may be earlier: one timer does for phase after phase.
    var phaseTimerMs: Int64 = .max
    /// What the members of this generation subscribe to; nil when that cannot be known.
    var subscribedTopics: Set<String>? = []
    private var nextNumber = 0
    // How many members know each assignor.
    private var knownProtocols: [String: Int] = [:]

    init(id: String) { self.id = id }

    // MARK: Facts

    /// Members in the order in which they came.
    var orderedMembers: [ClassicMember] { members.values.sorted { $0.number < $1.number } }
    var hasAllJoined: Bool { awaitingJoin == members.count && pendingMembers.isEmpty }
    /// The longest that any member may need to join again.
    var rebalanceTimeoutMs: Int64 { members.values.reduce(0) { max($0, $1.rebalanceTimeoutMs) } }

    /// Whether a member with these assignors can be in the group.
    func supports(_ type: String, _ protocols: [ClassicMember.Candidate]) -> Bool {
        if type.isEmpty || protocols.isEmpty { return false }
        if state == .empty || members.isEmpty { return true }
        return type == protocolType && protocols.contains { knownProtocols[$0.name] == members.count }
    }

    /// The assignor that most members like best among those that all of them know.
    func chooseProtocol() -> String? {
        let ordered = orderedMembers
        var votes: [String: Int] = [:]
        var names: [String] = []
        for member in ordered {
            guard let vote = member.protocols.first(where: { knownProtocols[$0.name] == members.count }) else {
                continue
            }
            if votes[vote.name] == nil { names.append(vote.name) }
            votes[vote.name, default: 0] += 1
        }
        // Of several with as many votes, the one that was named first.
        return names.reduce(nil as String?) { best, name in
            guard let best else { return name }
            return votes[name, default: 0] > votes[best, default: 0] ? name : best
        }
    }

    /// Compares what a request says of a member with what is known.
    /// - Returns: ``ErrorCode/none`` when there is such a member.
    func check(member id: String, instance: String?) -> ErrorCode {
        if let instance {
            guard let known = staticMembers[instance] else { return .unknownMemberId }
            return known == id ? .none : .fencedInstanceId
        }
        return members[id] == nil ? .unknownMemberId : .none
    }

    /// Whether a member may say that it is in this generation.
    func isCurrent(_ generation: Int32, of memberId: String) -> Bool {
        if generation == self.generation { return true }
        return state == .preparingRebalance && members[memberId]?.formerEpoch == generation
    }

    // MARK: Changes

    mutating func move(to state: State, _ step: ClassicStep) {
        previousState = self.state
        self.state = state
        stateSinceMs = step.wallMs
    }

    mutating func add(_ member: ClassicMember) {
        if members.isEmpty { leader = nil }
        if leader == nil { leader = member.id }
        var member = member
        member.number = nextNumber
        nextNumber += 1
        insert(member)
    }

    /// Puts a member in, new or as a successor, with the number that it has.
    mutating func insert(_ member: ClassicMember) {
        remove(member.id)
        members[member.id] = member
        if let instance = member.instanceId { staticMembers[instance] = member.id }
        for candidate in Set(member.protocols.map(\.name)) { knownProtocols[candidate, default: 0] += 1 }
        if member.join != nil { awaitingJoin += 1 }
        nextNumber = max(nextNumber, member.number + 1)
    }

    /// Takes a member out; a leader that goes is followed by who has been there longest.
    /// - Returns: the member; whoever waits in it has still to be answered.
    @discardableResult
    mutating func remove(_ id: String) -> ClassicMember? {
        guard let member = members.removeValue(forKey: id) else { return nil }
        if let instance = member.instanceId, staticMembers[instance] == id { staticMembers[instance] = nil }
        for candidate in Set(member.protocols.map(\.name)) {
            knownProtocols[candidate, default: 1] -= 1
            if knownProtocols[candidate] == 0 { knownProtocols[candidate] = nil }
        }
        if member.join != nil { awaitingJoin -= 1 }
        pendingSync.remove(id)
        return member
    }

    /// A member that is gone can lead nobody.
    mutating func replaceLeader(_ gone: String) {
        guard leader == gone else { return }
        leader = members.values.min { $0.number < $1.number }?.id
    }

    mutating func setJoin(_ reply: CoordinatorReply<JoinGroupResponse>?, of id: String) {
        guard let before = members[id] else { return }
        if before.join == nil && reply != nil { awaitingJoin += 1 }
        if before.join != nil && reply == nil { awaitingJoin -= 1 }
        members[id]?.join = reply
    }

    /// Takes over what a join says, without changing the member's place.
    mutating func update(_ id: String, _ change: (inout ClassicMember) -> Void) {
        let isPendingSync = pendingSync.contains(id)
        guard var member = remove(id) else { return }
        change(&member)
        insert(member)
        if isPendingSync { pendingSync.insert(id) }
    }

    // MARK: What is kept

    /// The group as the log has it.
    var kept: GroupMetadataValue {
        var value = GroupMetadataValue()
        value.protocolType = protocolType ?? ""
        value.generation = generation
        value.protocol = protocolName
        value.leader = members.isEmpty ? nil : leader
        value.currentStateTimestamp = stateSinceMs
        value.members = orderedMembers.map { member in
            var entry = GroupMetadataValue.MemberMetadata()
            entry.memberId = member.id
            entry.groupInstanceId = member.instanceId
            entry.clientId = member.client.id
            entry.clientHost = member.client.host
            entry.rebalanceTimeout = Int32(clamping: member.rebalanceTimeoutMs)
            entry.sessionTimeout = Int32(clamping: member.sessionTimeoutMs)
            entry.subscription = member.metadata(for: protocolName)
            entry.assignment = member.assignment
            return entry
        }
        return value
    }

    /// About what ``kept`` takes.
    var keptBytes: Int {
        members.values.reduce((protocolType?.utf8.count ?? 0) + (protocolName?.utf8.count ?? 0)) { sum, member in
            let names = [member.id, member.instanceId ?? "", member.client.id, member.client.host]
            return sum + member.metadata(for: protocolName).count + member.assignment.count + 64
                + names.reduce(0) { $0 + $1.utf8.count }
        }
    }

    /// The group that the log has: stable with its members, or empty.
    init(id: String, kept: GroupMetadataValue) {
        self.id = id
        generation = kept.generation
        protocolType = kept.protocolType.isEmpty ? nil : kept.protocolType
        protocolName = kept.protocol
        for (number, entry) in kept.members.enumerated() {
            var member = ClassicMember(
                id: entry.memberId, instanceId: entry.groupInstanceId,
                client: GroupClient(id: entry.clientId, host: entry.clientHost),
                sessionTimeoutMs: Int64(entry.sessionTimeout),
                rebalanceTimeoutMs: Int64(entry.rebalanceTimeout < 0 ? entry.sessionTimeout : entry.rebalanceTimeout),
                protocols: [.init(name: kept.protocol ?? "", metadata: entry.subscription)], number: number)
            member.assignment = entry.assignment
            insert(member)
        }
        leader = kept.members.isEmpty ? nil : kept.leader ?? kept.members[0].memberId
        state = kept.members.isEmpty ? .empty : .stable
        previousState = state
        stateSinceMs = kept.currentStateTimestamp
        computeSubscribedTopics()
    }

    /// Reads what consumers subscribe to from what they sent; other kinds of members cannot be asked.
    mutating func computeSubscribedTopics() {
        guard protocolType == "consumer", !members.isEmpty, let name = protocolName else {
            subscribedTopics = members.isEmpty ? [] : nil
            return
        }
        var topics: Set<String> = []
        for member in members.values {
            guard let subscription = try? ConsumerProtocolSubscription(versioned: member.metadata(for: name)) else {
                subscribedTopics = nil
                return
            }
            topics.formUnion(subscription.topics)
        }
        subscribedTopics = topics
    }
}
