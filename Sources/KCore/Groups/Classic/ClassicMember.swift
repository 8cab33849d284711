/// A member of a classic group.
struct ClassicMember: Sendable {
    struct Candidate: Equatable, Sendable {
        var name: String
        var metadata: Bytes
    }

    var id: String
    /// Of a static member (KIP-345).
    var instanceId: String?
    var client: GroupClient
    var sessionTimeoutMs: Int64
    var rebalanceTimeoutMs: Int64
    /// The assignors that it knows, the best first.
    var protocols: [Candidate]
    var assignment = Bytes()
    /// In which order members came: what is asked of all is asked in this order.
    var number: Int
    /// Has never been told that it is a member, so it cannot send heartbeats.
    var isNew = false
    /// The epoch it had in the consumer group that this group was, until it has joined again: nobody else can have what it
    /// had before that.
    var formerEpoch: Int32?
    /// A JoinGroup that waits for the rebalance.
    var join: CoordinatorReply<JoinGroupResponse>?
    /// A SyncGroup that waits for the leader.
    var sync: CoordinatorReply<SyncGroupResponse>?
    /// When it is out unless it is heard of.
    var sessionEndsMs: Int64 = .max
    /// For when a timer is set, which may be earlier.
    var timerMs: Int64 = .max

    func metadata(for name: String?) -> Bytes {
        protocols.first { $0.name == name }?.metadata ?? Bytes()
    }

    /// Whether a join changes nothing.
    func matches(_ others: [Candidate]) -> Bool { protocols == others }
}
