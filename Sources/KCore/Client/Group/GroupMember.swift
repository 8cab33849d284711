/// A member of a consumer group of the classic protocol: when it joins, what it brings, what it must let go. A state
/// machine without I/O, clock or threads.
///
/// Life cycle: ``subscribe(_:)``, then ``advance(nowMs:)`` after every input and at ``nextWakeMs(nowMs:)``; what is to be
/// done comes in ``effects``. Sending, waiting for the reader and looking up topics are the caller's.
///
///     unjoined -> joining -> lookingUp (leader only) -> syncing -> stable -> unjoined ...
///
/// A member that nobody polls for `max.poll.interval.ms` is silent: it leaves, and joins again with the next poll. The
/// heartbeats of all others go on however long the reader takes.
final class GroupMember {
    enum Phase: Equatable { case unjoined, joining, lookingUp, syncing, stable, silent, left, failed }

    enum Effect {
        case send(GroupRequest, serial: Int, timeoutMs: Int64)
        /// The reader is to stop with these and commit; then ``revoked(_:nowMs:)`` with the number.
        case revoke([TopicPartition], number: Int)
        /// These belong to somebody else already. Nothing can be committed for them.
        case lost([TopicPartition])
        /// These are this member's from now on.
        case assign([TopicPartition])
        /// The leader needs the numbers of partitions of these topics: ``found(_:nowMs:)``.
        case lookUp(Set<String>)
        /// There is no way to go on.
        case failed(ClientError)
    }

    private enum AfterRevocation {
        case join
        case keep(Set<TopicPartition>)
    }

    let settings: MembershipSettings
    var effects: [Effect] = []
    private(set) var phase = Phase.unjoined
    private(set) var memberId = ""
    private(set) var generation: Int32 = -1
    private(set) var coordinator: HostAndPort?
    /// What this member has, as far as the reader was told.
    private(set) var owned: Set<TopicPartition> = []
    private(set) var isLeader = false

    private(set) var topics: Set<String> = []
    private var mustRejoin = false
    private var revocation: (number: Int, then: AfterRevocation)?
    private var revocations = 0
    // For the sticky assignor, which asks what a member had before it let go.
    private var previous: Set<TopicPartition> = []
    private var members: [AssignorMember] = []
    private var assignor: Assignor?
    private var leaderCounts: [String: Int32] = [:]
    /// The assignment stands from before: what topics are like now is what it was made for.
    private var hasInherited = false

    private var serials = 0
    /// FindCoordinator, JoinGroup or SyncGroup: one at a time.
    private var pending: Int?
    private var pendingHeartbeat: Int?
    private var notBeforeMs: Int64 = 0
    private var nextHeartbeatMs: Int64 = 0
    private var lastHeardMs: Int64 = 0
    private var lastPollMs: Int64
    private var failures = 0
    private var generator: SplitMix64

    init(_ settings: MembershipSettings, seed: UInt64, nowMs: Int64) {
        self.settings = settings
        generator = SplitMix64(state: seed)
        lastPollMs = nowMs
    }

    private var isEnded: Bool { phase == .left || phase == .failed }
    private var isCooperative: Bool { settings.assignors.allSatisfy(\.isCooperative) }
    /// Whether the coordinator counts on this member's heartbeats.
    private var beats: Bool { [.stable, .syncing, .lookingUp].contains(phase) && generation >= 0 }

    // MARK: The reader

    /// Which topics the reader wants.
    func subscribe(_ topics: Set<String>) {
        guard topics != self.topics else { return }
        self.topics = topics
        mustRejoin = true
    }

    /// The reader lives.
    func polled(nowMs: Int64) {
        lastPollMs = nowMs
        if phase == .silent { phase = .unjoined }
    }

    /// The reader has let go of what it was asked to let go of.
    func revoked(_ number: Int, nowMs: Int64) {
        guard let revocation, revocation.number == number else { return }
        self.revocation = nil
        switch revocation.then {
        case .join:
            owned = []
            phase = .unjoined
        case .keep(let assigned):
            take(assigned)
            // Whoever gets what was let go of learns it in another round.
            mustRejoin = true
        }
    }

    /// Leaves for good. What the member had is not asked back: the reader is gone.
    func leave(nowMs: Int64) {
        guard !isEnded else { return }
        sayGoodbye("the consumer was closed")
        phase = .left
        owned = []
    }

    // MARK: Time

    /// Does what is due.
    func advance(nowMs: Int64) {
        guard !isEnded else { return }
        if phase != .silent, nowMs - lastPollMs > settings.maxPollIntervalMs, generation >= 0 || !memberId.isEmpty {
            return fallSilent()
        }
        if beats, nowMs - lastHeardMs > settings.sessionTimeoutMs {
            // Nobody has answered for a whole session; somebody else may be coordinator.
            coordinator = nil
            pendingHeartbeat = nil
            lastHeardMs = nowMs
        }
        guard phase != .silent else { return }
        guard coordinator != nil else { return findCoordinator(nowMs) }
        beat(nowMs)
        guard pending == nil, revocation == nil, nowMs >= notBeforeMs, !topics.isEmpty else { return }
        if phase == .unjoined {
            join()
        } else if phase == .stable && mustRejoin {
            rejoin()
        }
    }

    /// When to advance again, if nothing else happens before.
    func nextWakeMs(nowMs: Int64) -> Int64 {
        guard !isEnded, phase != .silent else { return .max }
        var wake = Int64.max
        if generation >= 0 || !memberId.isEmpty { wake = lastPollMs + settings.maxPollIntervalMs + 1 }
        if notBeforeMs > nowMs { wake = min(wake, notBeforeMs) }
        if beats, coordinator != nil {
            wake = min(wake, lastHeardMs + settings.sessionTimeoutMs + 1)
            if pendingHeartbeat == nil { wake = min(wake, max(nextHeartbeatMs, nowMs + 1)) }
        }
        return wake
    }

    private func fallSilent() {
        sayGoodbye("the consumer was not polled for max.poll.interval.ms")
        forget()
        lose()
        phase = .silent
    }

    private func sayGoodbye(_ reason: String) {
        // A static member's place is kept for it.
        guard settings.instanceId == nil, !memberId.isEmpty, coordinator != nil else { return }
        var identity = LeaveGroupRequest.MemberIdentity()
        (identity.memberId, identity.reason) = (memberId, reason)
        var request = LeaveGroupRequest()
        request.groupId = settings.groupId
        request.memberId = memberId
        request.members = [identity]
        _ = send(.leave(request))
    }

    // MARK: Requests

    private func send(_ request: GroupRequest, timeoutMs: Int64? = nil) -> Int {
        serials += 1
        effects.append(.send(request, serial: serials, timeoutMs: timeoutMs ?? settings.requestTimeoutMs))
        return serials
    }

    private func findCoordinator(_ nowMs: Int64) {
        guard pending == nil, nowMs >= notBeforeMs else { return }
        var request = FindCoordinatorRequest()
        request.key = settings.groupId
        request.coordinatorKeys = [settings.groupId]
        pending = send(.findCoordinator(request))
    }

    private func beat(_ nowMs: Int64) {
        guard beats, pendingHeartbeat == nil, nowMs >= nextHeartbeatMs else { return }
        var request = HeartbeatRequest()
        request.groupId = settings.groupId
        (request.generationId, request.memberId) = (generation, memberId)
        request.groupInstanceId = settings.instanceId
        pendingHeartbeat = send(.heartbeat(request))
    }

    private func rejoin() {
        if isCooperative || owned.isEmpty { return join() }
        revoke(owned, then: .join)
    }

    private func join() {
        mustRejoin = false
        // What an earlier heartbeat brings is about the generation that ends here.
        pendingHeartbeat = nil
        var request = JoinGroupRequest()
        request.groupId = settings.groupId
        request.sessionTimeoutMs = Int32(clamping: settings.sessionTimeoutMs)
        request.rebalanceTimeoutMs = Int32(clamping: settings.maxPollIntervalMs)
        (request.memberId, request.groupInstanceId) = (memberId, settings.instanceId)
        request.protocolType = MembershipSettings.protocolType
        for assignor in settings.assignors {
            var offer = JoinGroupRequest.JoinGroupRequestProtocol()
            offer.name = assignor.rawValue
            do throws(WireError) {
                offer.metadata = try MemberSubscription.encode(
                    topics, owned: owned, previous: previous, generation: generation, for: assignor,
                    rack: settings.rackId)
            } catch {
                return fail(ClientError(.badData, "cannot join group \(settings.groupId): \(error)"))
            }
            request.protocols.append(offer)
        }
        phase = .joining
        // The coordinator answers when all members have joined.
        pending = send(.join(request), timeoutMs: settings.maxPollIntervalMs + 5000)
    }

    private func sync(_ assignments: [String: [TopicPartition]]) {
        var request = SyncGroupRequest()
        request.groupId = settings.groupId
        (request.generationId, request.memberId) = (generation, memberId)
        request.groupInstanceId = settings.instanceId
        request.protocolType = MembershipSettings.protocolType
        request.protocolName = assignor?.rawValue
        do throws(WireError) {
            for (member, partitions) in assignments.sorted(by: { $0.key < $1.key }) {
                var assignment = SyncGroupRequest.SyncGroupRequestAssignment()
                assignment.memberId = member
                assignment.assignment = try MemberAssignment.encode(partitions)
                request.assignments.append(assignment)
            }
        } catch {
            return fail(ClientError(.badData, "cannot assign partitions in group \(settings.groupId): \(error)"))
        }
        phase = .syncing
        pending = send(.sync(request), timeoutMs: settings.maxPollIntervalMs + 5000)
    }

    // MARK: Answers

    /// The answer to the request with this number. One that is late is left out.
    func answered(_ serial: Int, _ answer: GroupAnswer, nowMs: Int64) {
        guard !isEnded, serial == pending || serial == pendingHeartbeat else { return }
        if serial == pending { pending = nil } else { pendingHeartbeat = nil }
        switch answer {
        case .coordinator(let response): found(response, nowMs)
        case .joined(let response): joined(response, nowMs)
        case .synced(let response): synced(response, nowMs)
        case .beat(let response): beaten(response.errorCode, nowMs)
        case .left: break
        }
    }

    /// The request with this number could not be sent, or was not answered.
    func failed(_ serial: Int, _ error: ClientError, nowMs: Int64) {
        guard !isEnded, serial == pending || serial == pendingHeartbeat else { return }
        let isHeartbeat = serial == pendingHeartbeat
        if isHeartbeat { pendingHeartbeat = nil } else { pending = nil }
        guard error.isRetriable else { return fail(error) }
        coordinator = nil
        if !isHeartbeat && (phase == .joining || phase == .syncing) { phase = .unjoined }
        backOff(nowMs)
    }

    private func found(_ response: FindCoordinatorResponse, _ nowMs: Int64) {
        let found = response.coordinators.first { $0.key == settings.groupId }
        let code = found?.errorCode ?? response.errorCode
        guard code == .none else {
            return code.isRetriable ? backOff(nowMs) : fail(.refused("find the coordinator of \(name)", code))
        }
        guard let port = UInt16(exactly: found?.port ?? response.port), port > 0 else { return backOff(nowMs) }
        coordinator = HostAndPort(host: found?.host ?? response.host, port: port)
        lastHeardMs = nowMs
        failures = 0
    }

    private func joined(_ response: JoinGroupResponse, _ nowMs: Int64) {
        switch response.errorCode {
        case .none: break
        case .memberIdRequired:
            memberId = response.memberId
            phase = .unjoined
            return
        default:
            phase = .unjoined
            return refused("join \(name)", response.errorCode, nowMs)
        }
        guard let chosen = response.protocolName.flatMap({ Assignor(rawValue: $0) }) else {
            return fail(ClientError(.badData, "\(name) has chosen an assignor that nobody offered"))
        }
        failures = 0
        (memberId, generation, assignor) = (response.memberId, response.generationId, chosen)
        (lastHeardMs, nextHeartbeatMs) = (nowMs, nowMs + settings.heartbeatIntervalMs)
        isLeader = response.leader == response.memberId
        hasInherited = isLeader && response.skipAssignment
        guard isLeader, !response.skipAssignment else { return sync([:]) }
        members = response.members.map { MemberSubscription.decode($0, for: chosen) }
        phase = .lookingUp
        effects.append(.lookUp(members.reduce(into: topics) { $0.formUnion($1.topics) }))
    }

    /// The leader has looked up the topics that members want.
    /// - Parameter partitionCounts: those that exist.
    func found(_ partitionCounts: [String: Int32], nowMs: Int64) {
        guard phase == .lookingUp, let assignor else { return }
        leaderCounts = partitionCounts
        sync(assignor.assign(partitionCounts, to: members))
        members = []
    }

    /// Topics have changed. The leader has the group assign them anew.
    func changed(_ partitionCounts: [String: Int32]) {
        guard isLeader, phase == .stable || phase == .syncing else { return }
        for (topic, count) in partitionCounts where topics.contains(topic) && leaderCounts[topic] != count {
            if !(hasInherited && leaderCounts[topic] == nil) { mustRejoin = true }
            leaderCounts[topic] = count
        }
        if topics.isSubset(of: partitionCounts.keys) { hasInherited = false }
    }

    private func synced(_ response: SyncGroupResponse, _ nowMs: Int64) {
        guard response.errorCode == .none else {
            phase = .unjoined
            return refused("join \(name)", response.errorCode, nowMs)
        }
        lastHeardMs = nowMs
        let assigned: Set<TopicPartition>
        do throws(WireError) {
            assigned = try MemberAssignment.decode(response.assignment)
        } catch {
            return fail(ClientError(.badData, "the leader of \(name) sent an assignment that cannot be read: \(error)"))
        }
        phase = .stable
        previous = assigned
        let gone = owned.subtracting(assigned)
        if gone.isEmpty { take(assigned) } else { revoke(gone, then: .keep(assigned)) }
    }

    private func beaten(_ code: ErrorCode, _ nowMs: Int64) {
        nextHeartbeatMs = nowMs + settings.heartbeatIntervalMs
        switch code {
        case .none: lastHeardMs = nowMs
        case .rebalanceInProgress:
            lastHeardMs = nowMs
            if phase == .stable { mustRejoin = true }
        default: refused("stay in \(name)", code, nowMs)
        }
    }

    /// A commit was refused, which may be how a member learns that it is none any more.
    /// - Parameter generation: the generation that the commit was made in.
    func commitRefused(_ code: ErrorCode, generation: Int32, nowMs: Int64) {
        guard !isEnded, generation == self.generation, generation >= 0 else { return }
        switch code {
        case .rebalanceInProgress: if phase == .stable { mustRejoin = true }
        case .unknownMemberId, .illegalGeneration, .fencedInstanceId, .notCoordinator, .coordinatorNotAvailable:
            refused("commit in \(name)", code, nowMs)
        default: break
        }
    }

    private func refused(_ action: String, _ code: ErrorCode, _ nowMs: Int64) {
        switch code {
        case .unknownMemberId, .illegalGeneration:
            // An old generation of a member that there still is: only the generation is out of date.
            if code == .unknownMemberId { memberId = "" }
            generation = -1
            lose()
            pending = nil
            pendingHeartbeat = nil
            phase = .unjoined
        case .rebalanceInProgress:
            break
        case .coordinatorNotAvailable, .notCoordinator:
            coordinator = nil
            backOff(nowMs)
        case .coordinatorLoadInProgress:
            backOff(nowMs)
        case .fencedInstanceId:
            let instance = settings.instanceId ?? ""
            fail(
                ClientError(
                    .broker(code),
                    "cannot \(action): another consumer has taken the place of group.instance.id=\(instance)"))
        default:
            if code.isRetriable { backOff(nowMs) } else { fail(.refused(action, code)) }
        }
    }

    // MARK: What it has

    private var name: String { "group \(settings.groupId)" }

    private func take(_ assigned: Set<TopicPartition>) {
        let added = assigned.subtracting(owned)
        owned = assigned
        effects.append(.assign(added.sorted()))
    }

    private func revoke(_ partitions: Set<TopicPartition>, then next: AfterRevocation) {
        revocations += 1
        revocation = (revocations, next)
        effects.append(.revoke(partitions.sorted(), number: revocations))
    }

    private func lose() {
        revocation = nil
        mustRejoin = false
        if !owned.isEmpty { effects.append(.lost(owned.sorted())) }
        owned = []
    }

    private func forget() {
        (memberId, generation, isLeader) = ("", -1, false)
        (pending, pendingHeartbeat) = (nil, nil)
    }

    private func backOff(_ nowMs: Int64) {
        failures += 1
        notBeforeMs = nowMs + settings.retryBackoff.delayMs(failures: failures, using: &generator)
    }

    private func fail(_ error: ClientError) {
        lose()
        phase = .failed
        effects.append(.failed(error))
    }
}
