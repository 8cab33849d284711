/// What a group's member is set up with; times in milliseconds.
struct MembershipSettings: Sendable {
    /// What the members of groups of consumers call themselves to the coordinator.
    static let protocolType = "consumer"

    var groupId: String
    var isConsumerProtocol = false
    /// Which of the coordinator's assignors to ask for; nil leaves it to the coordinator.
    var remoteAssignor: String?
    /// Makes it a static member (KIP-345).
    var instanceId: String?
    var sessionTimeoutMs: Int64 = 45_000
    var heartbeatIntervalMs: Int64 = 3000
    var maxPollIntervalMs: Int64 = 300_000
    var requestTimeoutMs: Int64 = 30_000
    /// The best first. Members go on while others move only if all of these are cooperative.
    var assignors: [Assignor] = [.range, .cooperativeSticky]
    var rackId: String?
    var retryBackoff = Backoff(firstMs: 100, maxMs: 1000)
}

/// What a member asks its coordinator, or anybody for the coordinator.
enum GroupRequest {
    case findCoordinator(FindCoordinatorRequest)
    case join(JoinGroupRequest)
    case sync(SyncGroupRequest)
    case heartbeat(HeartbeatRequest)
    case leave(LeaveGroupRequest)
    case consumerHeartbeat(ConsumerGroupHeartbeatRequest)
}

enum GroupAnswer {
    case coordinator(FindCoordinatorResponse)
    case joined(JoinGroupResponse)
    case synced(SyncGroupResponse)
    case beat(HeartbeatResponse)
    case left(LeaveGroupResponse)
    case consumerBeat(ConsumerGroupHeartbeatResponse)
}
