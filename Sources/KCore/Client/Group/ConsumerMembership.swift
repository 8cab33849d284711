/// A member of a consumer group by the protocol of KIP-848: one request that joins, stays, wants and leaves, and a coordinator
/// that assigns.
///
///     unjoined -> member -> unjoined (fenced) ...
///
/// The coordinator names partitions by the ids of their topics. What it no longer names is given up first; the next
/// heartbeat says so, and what others get comes after that. New partitions are this member's with the answer that brings
/// them.
final class ConsumerMembership: GroupMembership {
    enum Phase { case unjoined, member, silent, left, failed }

    /// What a heartbeat said, to be said again when it is not known to have arrived.
    private struct Said: Equatable {
        var topics: Set<String>
        var owned: [Uuid: Set<Int32>]
    }

    let settings: MembershipSettings
    var effects: [MembershipEffect] = []
    private(set) var phase = Phase.unjoined
    /// Made here, and the same for life (KIP-1082).
    let memberId: String
    private(set) var epoch: Int32 = 0
    private(set) var coordinator: HostAndPort?
    private(set) var topics: Set<String> = []
    private(set) var isLookingUp = false
    private(set) var heartbeatIntervalMs: Int64
    var obstacle = GroupObstacle()

    private var ownedIds: [Uuid: Set<Int32>] = [:]
    private var target: [Uuid: Set<Int32>] = [:]
    private var names: [Uuid: String] = [:]
    /// Which topic has a name now: one that was made anew has the name of the old one.
    private var ids: [String: Uuid] = [:]
    /// Whether the reader is asked to let go only once new topics have been looked up, and which were.
    private var isPostponed = false
    private var lookedUp: Set<Uuid> = []
    private var revocation: (number: Int, partitions: [Uuid: Set<Int32>])?
    private var revocations = 0
    /// Whether the reader has been told of its share since it joined.
    private var hasToldShare = false

    private var serials = 0
    /// FindCoordinator or a heartbeat: one at a time.
    private var pending: Int?
    private var sending: Said?
    /// What the coordinator knows; nil when everything is to be said.
    private var said: Said?
    private var mustBeat = false
    private var notBeforeMs: Int64 = 0
    private var nextHeartbeatMs: Int64 = 0
    private var lastPollMs: Int64
    private var failures = 0
    private var generator: SplitMix64

    init(_ settings: MembershipSettings, seed: UInt64, nowMs: Int64) {
        self.settings = settings
        generator = SplitMix64(state: seed)
        memberId = Uuid.random(using: &generator).description
        heartbeatIntervalMs = settings.heartbeatIntervalMs
        lastPollMs = nowMs
    }

    var generation: Int32 { phase == .member ? epoch : -1 }
    var owned: Set<TopicPartition> { Set(named(ownedIds)) }
    var isSilent: Bool { phase == .silent }
    /// Epochs change one by one, and a commit in one that is over is refused as that: STALE_MEMBER_EPOCH.
    var isJoining: Bool { false }
    var isSettled: Bool { phase == .member && revocation == nil && !isLookingUp }
    private var isEnded: Bool { phase == .left || phase == .failed }
    /// Whether the coordinator may count this one in.
    private var isKnown: Bool { phase == .member || phase == .unjoined && pending != nil && coordinator != nil }

    // MARK: The reader

    func subscribe(_ topics: Set<String>) {
        guard topics != self.topics else { return }
        self.topics = topics
        mustBeat = true
    }

    func polled(nowMs: Int64) {
        lastPollMs = nowMs
        if phase == .silent { phase = .unjoined }
    }

    func revoked(_ number: Int, nowMs: Int64) {
        guard let revocation, revocation.number == number else { return }
        self.revocation = nil
        ownedIds = ownedIds.subtracting(revocation.partitions)
        // Somebody waits for it.
        mustBeat = true
        reconcile()
    }

    func leave(nowMs: Int64) {
        guard !isEnded else { return }
        sayGoodbye()
        phase = .left
        ownedIds = [:]
    }

    private func fallSilent() {
        sayGoodbye()
        forget()
        phase = .silent
    }

    private func sayGoodbye() {
        guard isKnown, coordinator != nil else { return }
        var request = ConsumerGroupHeartbeatRequest()
        (request.groupId, request.memberId) = (settings.groupId, memberId)
        request.instanceId = settings.instanceId
        // A static member's place is kept for it.
        request.memberEpoch = settings.instanceId == nil ? -1 : -2
        _ = send(.consumerHeartbeat(request))
    }

    // MARK: Time

    func advance(nowMs: Int64) {
        guard !isEnded else { return }
        if phase == .member, nowMs - lastPollMs > settings.maxPollIntervalMs { return fallSilent() }
        guard phase != .silent, pending == nil, nowMs >= notBeforeMs else { return }
        guard coordinator != nil else { return findCoordinator() }
        if phase == .unjoined ? !topics.isEmpty : mustBeat || nowMs >= nextHeartbeatMs { beat() }
    }

    func nextWakeMs(nowMs: Int64) -> Int64 {
        guard !isEnded, phase != .silent else { return .max }
        var wake = phase == .member ? lastPollMs + settings.maxPollIntervalMs + 1 : .max
        guard pending == nil else { return wake }
        if notBeforeMs > nowMs { return min(wake, notBeforeMs) }
        if phase == .member || !topics.isEmpty { wake = min(wake, max(mustBeat ? 0 : nextHeartbeatMs, nowMs + 1)) }
        return wake
    }

    // MARK: Requests

    private func send(_ request: GroupRequest) -> Int {
        serials += 1
        effects.append(.send(request, serial: serials, timeoutMs: settings.requestTimeoutMs))
        return serials
    }

    private func findCoordinator() {
        var request = FindCoordinatorRequest()
        request.key = settings.groupId
        request.coordinatorKeys = [settings.groupId]
        pending = send(.findCoordinator(request))
    }

    private func beat() {
        mustBeat = false
        var request = ConsumerGroupHeartbeatRequest()
        (request.groupId, request.memberId, request.memberEpoch) = (settings.groupId, memberId, epoch)
        request.instanceId = settings.instanceId
        if said == nil {
            request.rackId = settings.rackId
            request.rebalanceTimeoutMs = Int32(clamping: settings.maxPollIntervalMs)
            request.serverAssignor = settings.remoteAssignor
        }
        if said?.topics != topics { request.subscribedTopicNames = topics.sorted() }
        if said?.owned != ownedIds {
            request.topicPartitions = ownedIds.sorted { $0.key < $1.key }.map { topic, partitions in
                var entry = ConsumerGroupHeartbeatRequest.TopicPartitions()
                (entry.topicId, entry.partitions) = (topic, partitions.sorted())
                return entry
            }
        }
        sending = Said(topics: topics, owned: ownedIds)
        pending = send(.consumerHeartbeat(request))
    }

    // MARK: Answers

    func answered(_ serial: Int, _ answer: GroupAnswer, nowMs: Int64) {
        guard !isEnded, serial == pending else { return }
        pending = nil
        switch answer {
        case .coordinator(let response): found(response, nowMs)
        case .consumerBeat(let response): beaten(response, nowMs)
        case .joined, .synced, .beat, .left: break
        }
    }

    func failed(_ serial: Int, _ error: ClientError, nowMs: Int64) {
        guard !isEnded, serial == pending else { return }
        pending = nil
        // It may have arrived all the same.
        said = nil
        guard error.isRetriable else { return fail(error) }
        coordinator = nil
        backOff(nowMs, error)
    }

    private func found(_ response: FindCoordinatorResponse, _ nowMs: Int64) {
        switch response.coordinator(of: settings.groupId) {
        case .success(let address?): (coordinator, failures) = (address, 0)
        case .success(nil):
            backOff(nowMs, .refused("find the coordinator of group \(settings.groupId)", .coordinatorNotAvailable))
        case .failure(let error): error.isRetriable ? backOff(nowMs, error) : fail(error)
        }
    }

    private func beaten(_ response: ConsumerGroupHeartbeatResponse, _ nowMs: Int64) {
        guard response.errorCode == .none else {
            let action = phase == .member ? "stay in" : "join"
            return refused("\(action) group \(settings.groupId)", response.errorCode, response.errorMessage, nowMs)
        }
        failures = 0
        obstacle.isGone()
        phase = .member
        (epoch, said) = (response.memberEpoch, sending)
        if response.heartbeatIntervalMs > 0 { heartbeatIntervalMs = Int64(response.heartbeatIntervalMs) }
        nextHeartbeatMs = nowMs + heartbeatIntervalMs
        if let assignment = response.assignment {
            target = [:]
            for entry in assignment.topicPartitions { target[entry.topicId, default: []].formUnion(entry.partitions) }
        }
        reconcile()
    }

    func commitRefused(_ code: ErrorCode, generation: Int32, nowMs: Int64) {
        guard phase == .member, generation == epoch else { return }
        switch code {
        // Its heartbeat tells the new epoch.
        case .staleMemberEpoch: mustBeat = true
        case .unknownMemberId, .fencedMemberEpoch, .fencedInstanceId, .groupIdNotFound, .notCoordinator,
            .coordinatorNotAvailable:
            refused("commit in group \(settings.groupId)", code, nil, nowMs)
        default: break
        }
    }

    private func refused(_ action: String, _ code: ErrorCode, _ message: String?, _ nowMs: Int64) {
        switch code {
        case .unknownMemberId, .fencedMemberEpoch:
            forget()
            phase = .unjoined
        // The whole group was deleted meanwhile. Who joins and hears this may not join.
        case .groupIdNotFound where epoch > 0:
            forget()
            phase = .unjoined
        case .coordinatorNotAvailable, .notCoordinator:
            (coordinator, said) = (nil, nil)
            backOff(nowMs, .refused(action, code, detail: message))
        default:
            said = nil
            let error = ClientError.refused(action, code, detail: message)
            if code.isRetriable { backOff(nowMs, error) } else { fail(error) }
        }
    }

    // MARK: Topics

    func found(_ topics: [FoundTopic], nowMs: Int64) {
        // A topic that is not known yet to who was asked will be when the next heartbeat asks again.
        isLookingUp = false
        learn(topics, mustReconcile: isPostponed)
    }

    func changed(_ topics: [FoundTopic]) { learn(topics, mustReconcile: false) }

    private func learn(_ topics: [FoundTopic], mustReconcile: Bool) {
        var isNews = mustReconcile
        for topic in topics where !topic.id.isZero {
            if names[topic.id] != topic.name { isNews = true }
            (names[topic.id], ids[topic.name]) = (topic.name, topic.id)
        }
        if isNews { reconcile() }
    }

    // MARK: What it has

    /// Gives up what is not its own any more, then takes what is.
    private func reconcile() {
        guard phase == .member, revocation == nil else { return }
        isPostponed = false
        dropMadeAnew()
        let gone = ownedIds.subtracting(target)
        if !gone.isEmpty {
            // An unknown topic may be one of these made anew, for which nothing of the old one may be stored.
            let unknown = Set(target.keys.filter { names[$0] == nil }).subtracting(lookedUp)
            guard unknown.isEmpty else {
                lookedUp.formUnion(unknown)
                isPostponed = true
                if !isLookingUp { effects.append(.lookUp(topics)) }
                isLookingUp = true
                return
            }
            revocations += 1
            revocation = (revocations, gone)
            return effects.append(.revoke(named(gone), number: revocations))
        }
        let added = target.subtracting(ownedIds).filter { names[$0.key] != nil }
        for (topic, partitions) in added { ownedIds[topic, default: []].formUnion(partitions) }
        // A reader that has nothing is told once, too.
        if !added.isEmpty || target.isEmpty && !hasToldShare {
            hasToldShare = true
            effects.append(.assign(named(added)))
        }
        if !isLookingUp, target.contains(where: { names[$0.key] == nil }) {
            isLookingUp = true
            effects.append(.lookUp(topics))
        }
    }

    // What is no longer its own, of topics whose names others have by now, is not given up: there is nothing to commit.
    private func dropMadeAnew() {
        let dead = ownedIds.subtracting(target).filter { id, _ in
            names[id].flatMap { ids[$0] }.map { $0 != id } ?? false
        }
        if dead.isEmpty { return }
        ownedIds = ownedIds.subtracting(dead)
        mustBeat = true
        effects.append(.lost(named(dead)))
    }

    private func named(_ partitions: [Uuid: Set<Int32>]) -> [TopicPartition] {
        partitions.flatMap { topic, indexes in
            names[topic].map { name in indexes.map { TopicPartition(topic: name, partition: $0) } } ?? []
        }.sorted()
    }

    /// It is no member any more, and what it had is somebody else's.
    private func forget() {
        let lost = named(ownedIds)
        if !lost.isEmpty { effects.append(.lost(lost)) }
        (ownedIds, target, revocation, pending, said) = ([:], [:], nil, nil, nil)
        (epoch, hasToldShare, isLookingUp) = (0, false, false)
    }

    private func backOff(_ nowMs: Int64, _ error: ClientError) {
        obstacle.met(error, nowMs: nowMs)
        failures += 1
        notBeforeMs = nowMs + settings.retryBackoff.delayMs(failures: failures, using: &generator)
    }

    private func fail(_ error: ClientError) {
        forget()
        phase = .failed
        effects.append(.failed(error))
    }
}

extension [Uuid: Set<Int32>] {
    fileprivate func subtracting(_ other: [Uuid: Set<Int32>]) -> [Uuid: Set<Int32>] {
        var result: [Uuid: Set<Int32>] = [:]
        for (topic, partitions) in self {
            let left = partitions.subtracting(other[topic] ?? [])
            if !left.isEmpty { result[topic] = left }
        }
        return result
    }
}
