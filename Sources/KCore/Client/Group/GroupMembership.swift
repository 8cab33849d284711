/// A member of a consumer group by one of the protocols: what it asks its coordinator, and which partitions are its own. A
/// state machine without I/O, clock or threads.
///
/// Life cycle: ``subscribe(_:)``, then ``advance(nowMs:)`` after every input and at ``nextWakeMs(nowMs:)``; what is to be
/// done comes in ``effects``. Sending, waiting for the reader and looking up topics are the caller's.
///
/// A member that nobody polls for `max.poll.interval.ms` is silent: it leaves, and joins again with the next poll. The
/// heartbeats of all others go on however long the reader takes.
protocol GroupMembership: AnyObject {
    var settings: MembershipSettings { get }
    var effects: [MembershipEffect] { get set }
    var memberId: String { get }
    /// The generation or the member's epoch, which commits say; -1 for none.
    var generation: Int32 { get }
    var coordinator: HostAndPort? { get }
    var topics: Set<String> { get }
    /// What this member has, as far as the reader was told.
    var owned: Set<TopicPartition> { get }
    var isSilent: Bool { get }
    /// Waits for ``found(_:nowMs:)``.
    var isLookingUp: Bool { get }
    /// Whether the generation that it knows may be over, with it in the next: it has not been told.
    var isJoining: Bool { get }
    /// Whether it has what it was given, as far as it knows.
    var isSettled: Bool { get }
    var heartbeatIntervalMs: Int64 { get }
    /// Why it is no member yet, or none any more, though it tries.
    var obstacle: GroupObstacle { get set }

    /// Which topics the reader wants.
    func subscribe(_ topics: Set<String>)
    /// The reader lives.
    func polled(nowMs: Int64)
    /// The reader has let go of what it was asked to let go of.
    func revoked(_ number: Int, nowMs: Int64)
    /// Leaves for good. What the member had is not asked back: the reader is gone.
    func leave(nowMs: Int64)
    /// Does what is due.
    func advance(nowMs: Int64)
    /// When to advance again, if nothing else happens before.
    func nextWakeMs(nowMs: Int64) -> Int64
    /// The answer to the request with this number. One that is late is left out.
    func answered(_ serial: Int, _ answer: GroupAnswer, nowMs: Int64)
    /// The request with this number could not be sent, or was not answered.
    func failed(_ serial: Int, _ error: ClientError, nowMs: Int64)
    /// The topics that were to be looked up, as far as they exist.
    func found(_ topics: [FoundTopic], nowMs: Int64)
    /// What is known of topics has changed.
    func changed(_ topics: [FoundTopic])
    /// A commit was refused, which may be how a member learns that it is none any more.
    /// - Parameter generation: the generation that the commit was made in.
    func commitRefused(_ code: ErrorCode, generation: Int32, nowMs: Int64)
}

enum MembershipEffect {
    case send(GroupRequest, serial: Int, timeoutMs: Int64)
    /// The reader is to stop with these and commit; then ``GroupMembership/revoked(_:nowMs:)`` with the number.
    case revoke([TopicPartition], number: Int)
    /// These belong to somebody else already. Nothing can be committed for them.
    case lost([TopicPartition])
    /// These are this member's from now on.
    case assign([TopicPartition])
    /// The member needs to know of these topics: ``GroupMembership/found(_:nowMs:)``.
    case lookUp(Set<String>)
    /// There is no way to go on.
    case failed(ClientError)
}

/// A topic that exists.
struct FoundTopic {
    var name: String
    /// Zero from brokers without ids.
    var id: Uuid
    var partitionCount: Int32
}
