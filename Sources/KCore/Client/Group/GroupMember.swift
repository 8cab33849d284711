/// A member of a consumer group of the classic protocol: when it joins, what it brings, what it must let go.
///
///     unjoined -> joining -> lookingUp (leader only) -> syncing -> stable -> unjoined ...
final class GroupMember: GroupMembership {
    enum Phase: Equatable { case unjoined, joining, lookingUp, syncing, stable, silent, left, failed }

    private enum AfterRevocation {
        case join
        case keep(Set<TopicPartition>)
    }

    let settings: MembershipSettings
    var effects: [MembershipEffect] = []
    private(set) var phase = Phase.unjoined
    private(set) var memberId = ""
    private(set) var generation: Int32 = -1
    private(set) var coordinator: HostAndPort?
    /// What this member has, as far as the reader was told.
    private(set) var owned: Set<TopicPartition> = []
    private(set) var isLeader = false
    var obstacle = GroupObstacle()

    private(set) var topics: Set<String> = []
    private var mustRejoin = false
    private var revocation: (number: Int, then: AfterRevocation)?
    private var revocations = 0
    // For the sticky assignor, which asks what a member had before it let go.
    private var previous: Set<TopicPartition> = []
    private var members: [AssignorMember] = []
    private var assignor: Assignor?
    private var leaderCounts: [String: Int32] = [:]
    /// The assignment stands from before (KIP-814).
    private var hasInherited = false
    /// As leader it has left out what others have yet to let go: there must be another round.
    private var hasWithheld = false
    /// When it begins that round, if nobody has by then.
    private var nextRoundMs: Int64 = .max
    /// Rounds in a row that this leader began and that left something out again. Each next one comes after twice the time:
    /// a round gives all members their sessions anew, also one that is dead, whose session may be longer than ours.
    private var ownRounds = 0
    private var isOwnRound = false

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

    var isSilent: Bool { phase == .silent }
    var isLookingUp: Bool { phase == .lookingUp }
    // A JoinGroup whose answer was lost may have been heard.
    var isJoining: Bool { phase == .joining || phase == .unjoined && generation >= 0 }
    var isSettled: Bool { phase == .stable && !mustRejoin && revocation == nil }
    var heartbeatIntervalMs: Int64 { settings.heartbeatIntervalMs }
    private var isEnded: Bool { phase == .left || phase == .failed }
    private var isCooperative: Bool { settings.assignors.allSatisfy(\.isCooperative) }
    /// Whether the coordinator counts on this member's heartbeats.
    private var beats: Bool { [.stable, .syncing, .lookingUp].contains(phase) && generation >= 0 }

    // MARK: The reader

    func subscribe(_ topics: Set<String>) {
        guard topics != self.topics else { return }
        self.topics = topics
        mustRejoin = true
    }

    func polled(nowMs: Int64) {
        lastPollMs = nowMs
        if phase == .silent { phase = .unjoined }
    }

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

    func leave(nowMs: Int64) {
        guard !isEnded else { return }
        sayGoodbye("the consumer was closed")
        phase = .left
        owned = []
    }

    // MARK: Time

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
        if phase == .stable, nowMs >= nextRoundMs {
            (mustRejoin, nextRoundMs) = (true, .max)
            (ownRounds, isOwnRound) = (ownRounds + 1, true)
        }
        guard coordinator != nil else { return findCoordinator(nowMs) }
        beat(nowMs)
        guard pending == nil, revocation == nil, nowMs >= notBeforeMs, !topics.isEmpty else { return }
        if phase == .unjoined {
            join()
        } else if phase == .stable && mustRejoin {
            rejoin()
        }
    }

    func nextWakeMs(nowMs: Int64) -> Int64 {
        guard !isEnded, phase != .silent else { return .max }
        var wake = Int64.max
        if generation >= 0 || !memberId.isEmpty { wake = lastPollMs + settings.maxPollIntervalMs + 1 }
        if notBeforeMs > nowMs { wake = min(wake, notBeforeMs) }
        if phase == .stable { wake = min(wake, nextRoundMs) }
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
        (mustRejoin, nextRoundMs) = (false, .max)
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
        // The coordinator answers when all members have joined; one that is in no state to have members, at once.
        obstacle.mayBeGone()
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

    func answered(_ serial: Int, _ answer: GroupAnswer, nowMs: Int64) {
        guard !isEnded, serial == pending || serial == pendingHeartbeat else { return }
        if serial == pending { pending = nil } else { pendingHeartbeat = nil }
        switch answer {
        case .coordinator(let response): found(response, nowMs)
        case .joined(let response): joined(response, nowMs)
        case .synced(let response): synced(response, nowMs)
        case .beat(let response): beaten(response.errorCode, nowMs)
        case .left, .consumerBeat: break
        }
    }

    func failed(_ serial: Int, _ error: ClientError, nowMs: Int64) {
        guard !isEnded, serial == pending || serial == pendingHeartbeat else { return }
        let isHeartbeat = serial == pendingHeartbeat
        if isHeartbeat { pendingHeartbeat = nil } else { pending = nil }
        guard error.isRetriable else { return fail(error) }
        coordinator = nil
        if !isHeartbeat && (phase == .joining || phase == .syncing) { phase = .unjoined }
        backOff(nowMs, error)
    }

    private func found(_ response: FindCoordinatorResponse, _ nowMs: Int64) {
        switch response.coordinator(of: settings.groupId) {
        case .success(let address?): (coordinator, lastHeardMs, failures) = (address, nowMs, 0)
        case .success(nil): backOff(nowMs, .refused("find the coordinator of \(name)", .coordinatorNotAvailable))
        case .failure(let error): error.isRetriable ? backOff(nowMs, error) : fail(error)
        }
    }

    private func joined(_ response: JoinGroupResponse, _ nowMs: Int64) {
        switch response.errorCode {
        case .none: break
        case .memberIdRequired:
            memberId = response.memberId
            phase = .unjoined
            obstacle.isGone()
            return
        default:
            phase = .unjoined
            return refused("join \(name)", response.errorCode, nowMs)
        }
        guard let chosen = response.protocolName.flatMap({ Assignor(rawValue: $0) }) else {
            return fail(ClientError(.badData, "\(name) has chosen an assignor that nobody offered"))
        }
        failures = 0
        obstacle.isGone()
        (memberId, generation, assignor) = (response.memberId, response.generationId, chosen)
        (lastHeardMs, nextHeartbeatMs) = (nowMs, nowMs + settings.heartbeatIntervalMs)
        isLeader = response.leader == response.memberId
        hasInherited = isLeader && response.skipAssignment
        hasWithheld = hasWithheld && hasInherited
        guard isLeader else { return sync([:]) }
        members = response.members.map { MemberSubscription.decode($0, for: chosen) }
        phase = .lookingUp
        effects.append(.lookUp(members.reduce(into: topics) { $0.formUnion($1.topics) }))
    }

    /// The leader has looked up the topics that members want.
    func found(_ topics: [FoundTopic], nowMs: Int64) {
        guard phase == .lookingUp, let assignor else { return }
        let partitionCounts = Dictionary(topics.map { ($0.name, $0.partitionCount) }) { first, _ in first }
        if hasInherited { return inherit(partitionCounts) }
        leaderCounts = partitionCounts
        let assignments = assignor.assign(partitionCounts, to: members)
        let wanted = members.reduce(into: Set<String>()) { $0.formUnion($1.topics) }
        let count = partitionCounts.reduce(0) { $0 + (wanted.contains($1.key) ? Int($1.value) : 0) }
        hasWithheld = assignments.values.reduce(0) { $0 + $1.count } < count
        sync(assignments)
        members = []
    }

    // Nobody tells what topics were like when the assignment was made, unless this member made it itself: what they are
    // like now is the nearest to that.
    private func inherit(_ partitionCounts: [String: Int32]) {
        changed(in: partitionCounts.filter { leaderCounts[$0.key] != nil })
        leaderCounts = partitionCounts
        members = []
        sync([:])
    }

    /// Topics have changed. The leader has the group assign them anew.
    func changed(_ found: [FoundTopic]) {
        guard isLeader, phase == .stable || phase == .syncing else { return }
        changed(in: Dictionary(found.map { ($0.name, $0.partitionCount) }) { first, _ in first })
    }

    private func changed(in partitionCounts: [String: Int32]) {
        for (topic, count) in partitionCounts where topics.contains(topic) && leaderCounts[topic] != count {
            mustRejoin = true
            leaderCounts[topic] = count
        }
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
        // Whoever is to let go joins again then; one that was restarted meanwhile has nothing to let go, and does not.
        if !hasWithheld || !isOwnRound { ownRounds = 0 }
        isOwnRound = false
        if hasWithheld { nextRoundMs = nowMs + settings.sessionTimeoutMs << Int64(min(ownRounds, 10)) }
        previous = assigned
        let gone = owned.subtracting(assigned)
        if gone.isEmpty { take(assigned) } else { revoke(gone, then: .keep(assigned)) }
    }

    private func beaten(_ code: ErrorCode, _ nowMs: Int64) {
        nextHeartbeatMs = nowMs + settings.heartbeatIntervalMs
        if code == .none || code == .rebalanceInProgress { obstacle.isGone() }
        switch code {
        case .none: lastHeardMs = nowMs
        case .rebalanceInProgress:
            lastHeardMs = nowMs
            if phase == .stable { mustRejoin = true }
        default: refused("stay in \(name)", code, nowMs)
        }
    }

    func commitRefused(_ code: ErrorCode, generation: Int32, nowMs: Int64) {
        guard !isEnded, generation == self.generation, generation >= 0 else { return }
        switch code {
        case .rebalanceInProgress: if phase == .stable { mustRejoin = true }
        // The answer to JoinGroup tells the new one.
        case .illegalGeneration where isJoining: break
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
            backOff(nowMs, .refused(action, code))
        case .coordinatorLoadInProgress:
            backOff(nowMs, .refused(action, code))
        case .fencedInstanceId:
            let instance = settings.instanceId ?? ""
            fail(
                ClientError(
                    .broker(code),
                    "cannot \(action): another consumer has taken the place of group.instance.id=\(instance)"))
        case .invalidSessionTimeout:
            let why =
                "session.timeout.ms=\(settings.sessionTimeoutMs) is outside of what the broker allows, "
                + "group.min.session.timeout.ms to group.max.session.timeout.ms"
            fail(.refused(action, code, detail: why))
        default:
            let error = ClientError.refused(action, code)
            if code.isRetriable { backOff(nowMs, error) } else { fail(error) }
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
        (mustRejoin, nextRoundMs) = (false, .max)
        if !owned.isEmpty { effects.append(.lost(owned.sorted())) }
        owned = []
    }

    private func forget() {
        (memberId, generation, isLeader) = ("", -1, false)
        (pending, pendingHeartbeat) = (nil, nil)
    }

    private func backOff(_ nowMs: Int64, _ error: ClientError) {
        obstacle.met(error, nowMs: nowMs)
        failures += 1
        notBeforeMs = nowMs + settings.retryBackoff.delayMs(failures: failures, using: &generator)
    }

    private func fail(_ error: ClientError) {
        lose()
        phase = .failed
        effects.append(.failed(error))
    }
}
