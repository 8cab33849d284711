/// A group member's part on the loop: sends what ``GroupMembership`` asks for, and has its share fetched.
///
/// `@unchecked Sendable`: everything but the queue, which has its lock, is touched on the loop only.
final class GroupRunner: @unchecked Sendable {
    let runtime: ClientRuntime
    let member: any GroupMembership
    let commits: CommitQueue
    /// What this member has, and the number of the assignment that has brought it.
    private(set) var shares: [TopicPartition: Int] = [:]
    private var assignments = 0
    /// Of topics that it has had partitions of.
    private var topicIds: [String: Uuid] = [:]
    /// Those that were deleted and made anew since: where nothing is stored they begin at their beginning.
    private var renewed: Set<String> = []
    private var revocation: (partitions: [TopicPartition], number: Int)?
    private let topics: GroupTopics
    let stopsAtEnd: Bool
    private let isToldWhereToBegin: Bool
    let queue: Monitor<FetchQueue>
    let fetcher: ConsumerRunner
    let logger: Logger
    private var connections: [Line: BrokerConnection] = [:]
    private var observer: Int?
    private var wakeMs = Int64.max
    private(set) var isEnded = false
    /// Until when leaving waits for commits, and who is to be told.
    var goodbye: (untilMs: Int64, completion: () -> Void)?
    var end: GroupEnd
    /// Why it is not known yet where to begin.
    var offsetsObstacle = GroupObstacle()

    init(
        runtime: ClientRuntime, settings: MembershipSettings, topics: GroupTopics, queue: Monitor<FetchQueue>,
        resetUnlessSet: OffsetReset, stopsAtEnd: Bool, isToldWhereToBegin: Bool = false
    ) {
        self.runtime = runtime
        self.topics = topics
        self.queue = queue
        self.stopsAtEnd = stopsAtEnd
        self.isToldWhereToBegin = isToldWhereToBegin
        end = GroupEnd(isConsumerProtocol: settings.isConsumerProtocol)
        commits = CommitQueue(action: "commit offsets of group \(settings.groupId)")
        logger = runtime.logger.named("group")
        fetcher = ConsumerRunner(
            runtime: runtime, queue: queue, readings: [], resetUnlessSet: resetUnlessSet,
            resetsNever: isToldWhereToBegin, waitsWhenEmpty: true)
        let seed = UInt64.random(in: .min ... .max)
        member =
            settings.isConsumerProtocol
            ? ConsumerMembership(settings, seed: seed, nowMs: runtime.nowMs)
            : GroupMember(settings, seed: seed, nowMs: runtime.nowMs)
    }

    func start() {
        fetcher.onBegin = { [queue] partition, offset in queue.update { $0.append(begun: partition, at: offset) } }
        fetcher.onMadeAnew = { [weak self] partitions, isReadOn in self?.madeAnew(partitions, isReadOn) }
        fetcher.start()
        observer = runtime.addObserver { [weak self] in self?.metadataChanged() }
        switch topics {
        case .named(let names):
            member.subscribe(Set(names))
            for name in names { runtime.track(name, allowAutoCreate: false) }
        case .matching: lookForTopics()
        }
        pump()
    }

    // MARK: Topics

    private func metadataChanged() {
        guard !isEnded else { return }
        // Before the member gives up anything: nothing is to be committed of a topic that was made anew.
        fetcher.pump()
        member.changed(member.topics.compactMap { runtime.cache.topic($0) }.compactMap(\.found))
        pump()
    }

    // Whoever had read the old topic may not store its offsets for the new one: it is another share.
    private func madeAnew(_ partitions: [TopicPartition], _ isReadOn: Bool) {
        let mine = partitions.filter { shares[$0] != nil }
        assignments += 1
        for partition in mine {
            shares[partition] = assignments
            topicIds[partition.topic] = runtime.cache.topic(partition.topic)?.id
            renewed.insert(partition.topic)
        }
        let share = assignments
        queue.update { state in
            state.remove(Set(mine))
            state.events.append(.madeAnew(mine, share: share, isReadOn: isReadOn))
        }
        sendCommits()
    }

    // Topics that fit may come at any time, so all are looked at again as often as metadata grows old.
    private func lookForTopics() {
        guard !isEnded, case .matching(let pick) = topics else { return }
        runtime.askMetadata(nil, allowAutoCreate: false, timeoutMs: Int64(runtime.config.requestTimeoutMs)) {
            [weak self] result in
            guard let self, !isEnded else { return }
            if case .success(let metadata) = result {
                let names = pick(metadata.topics.filter { !$0.isInternal }.map(\.name))
                member.subscribe(Set(names))
                for name in names { runtime.track(name, allowAutoCreate: false) }
                pump()
            }
            let isKnown = (try? result.get()) != nil
            let age = runtime.config.metadataMaxAgeMs
            runtime.schedule(afterMs: isKnown ? Int64(age > 0 ? min(age, 30_000) : 30_000) : 1000) { [weak self] in
                self?.lookForTopics()
            }
        }
    }

    private func lookUp(_ names: Set<String>) {
        runtime.askMetadata(
            names.sorted(), allowAutoCreate: false, timeoutMs: Int64(runtime.config.requestTimeoutMs)
        ) { [weak self] result in
            guard let self, !isEnded else { return }
            guard case .success(let metadata) = result else {
                return runtime.schedule(afterMs: 500) { [weak self] in
                    guard let self, member.isLookingUp else { return }
                    lookUp(names)
                }
            }
            member.found(metadata.topics.compactMap(\.found), nowMs: runtime.nowMs)
            pump()
        }
    }

    // MARK: Doing what is due

    func pump() {
        guard !isEnded else { return }
        // What was asked since a member fell silent wakes it.
        let lastPollMs = queue.withLock { queue in
            defer { queue.isSilent = false }
            return queue.lastPollMs
        }
        if !member.isSilent || lastPollMs + member.settings.maxPollIntervalMs > runtime.nowMs {
            member.polled(nowMs: lastPollMs)
        }
        member.advance(nowMs: runtime.nowMs)
        apply()
        if member.isSilent { queue.withLock { $0.isSilent = true } }
        tellObstacles()
        if stopsAtEnd { endIfAllIsRead() }
        scheduleWake()
    }

    /// The reader has made room.
    func fetch() { fetcher.pump() }

    func revoked(_ number: Int) {
        if let revocation, revocation.number == number {
            self.revocation = nil
            for partition in revocation.partitions { shares[partition] = nil }
        }
        member.revoked(number, nowMs: runtime.nowMs)
        pump()
    }

    private func apply() {
        while !member.effects.isEmpty {
            let effects = member.effects
            member.effects = []
            for effect in effects { apply(effect) }
        }
    }

    private func apply(_ effect: MembershipEffect) {
        switch effect {
        case .send(let request, let serial, let timeoutMs): send(request, serial, timeoutMs)
        case .revoke(let partitions, let number):
            logger.info("giving up partitions", ["partitions": partitions.count])
            revocation = (partitions, number)
            fetcher.remove(Set(partitions))
            queue.update { $0.events.append(.revoking(partitions, number: number)) }
        case .lost(let partitions):
            logger.warning("partitions were lost: this member was out of the group", ["partitions": partitions.count])
            for partition in partitions { shares[partition] = nil }
            // What was to be let go of is gone, and may come back before the reader says that it has.
            revocation = nil
            fetcher.remove(Set(partitions))
            queue.update { $0.events.append(.lost(partitions)) }
        case .assign(let partitions):
            logger.info("partitions were assigned", ["partitions": partitions.count])
            assignments += 1
            let share = assignments
            for partition in partitions {
                shares[partition] = share
                note(topic: partition.topic)
            }
            // Each assignment begins by itself, whatever was read of them by an earlier one.
            if !partitions.isEmpty { fetcher.remove(Set(partitions)) }
            queue.update { $0.events.append(.assigned(partitions, share: share)) }
            if !isToldWhereToBegin { begin(partitions, share: share, failures: 0) }
        case .lookUp(let names): lookUp(names)
        case .failed(let error): queue.update { if $0.error == nil { $0.error = error } }
        }
    }

    private func note(topic: String) {
        guard let id = runtime.cache.topic(topic)?.id, !id.isZero else { return }
        if let old = topicIds.updateValue(id, forKey: topic), old != id { renewed.insert(topic) }
    }

    private func scheduleWake() {
        let now = runtime.nowMs
        let next = min(member.nextWakeMs(nowMs: now), end.nextWakeMs(nowMs: now))
        guard next != .max, next < wakeMs || wakeMs <= now else { return }
        wakeMs = next
        runtime.schedule(afterMs: max(1, next - now)) { [weak self] in
            guard let self, wakeMs == next else { return }
            wakeMs = .max
            pump()
        }
    }

    // MARK: Where to begin

    /// Reads partitions from these offsets on; from their beginning where that is -1.
    /// - Parameter shares: what the reader knows of its share. What went and came back since it is told anew, and begins
    ///   where it then says: another member may have gone on in between.
    func begin(at places: [(TopicPartition, position: Int64)], shares known: [TopicPartition: Int]) {
        guard !isEnded else { return }
        let mine = places.filter { isMine($0.0, known[$0.0]) }
        let starts = mine.sorted { $0.0 < $1.0 }.map { partition, position in
            var reading = FetchPlanner.Reading(
                topic: partition.topic, partition: partition.partition, position: position, end: .max)
            reading.endsAtFirstSight = stopsAtEnd
            reading.beginsAtBeginning = position < 0
            return reading
        }
        read(starts)
    }

    // What the reader is to let go of is the member's still until it has, and is not to be begun any more.
    private func isMine(_ partition: TopicPartition, _ share: Int?) -> Bool {
        member.owned.contains(partition) && shares[partition] == share
            && revocation?.partitions.contains(partition) != true
    }

    private func read(_ starts: [FetchPlanner.Reading]) {
        fetcher.add(starts)
        if stopsAtEnd { endIfAllIsRead() }
    }

    /// Whether all is read or about to be that this member has.
    var hasBegun: Bool {
        let read = Set(fetcher.readings.map(\.topicPartition))
        return member.owned.isSubset(of: read)
    }

    // From the stored offsets of partitions that are this member's still when the answer comes, by the same assignment: what
    // went and came back is asked for again.
    private func begin(_ partitions: [TopicPartition], share: Int, failures: Int) {
        let wanted = partitions.filter { isMine($0, share) }
        guard !isEnded, !wanted.isEmpty else { return offsetsObstacle.isGone() }
        guard let coordinator = member.coordinator else { return beginLater(wanted, share: share, failures: failures) }
        let request = OffsetFetchRequest(group: member.settings.groupId, partitions: wanted, requireStable: true)
        ask(
            request, at: coordinator, over: .offsets, timeoutMs: member.settings.requestTimeoutMs,
            adapt: OffsetFetchRequest.adapt
        ) { [weak self] result in
            guard let self, !isEnded else { return }
            switch result.flatMap({ $0.offsets(of: self.member.settings.groupId) }) {
            case .success(let offsets):
                offsetsObstacle.isGone()
                for partition in wanted { note(topic: partition.topic) }
                let starts = wanted.filter { self.isMine($0, share) }.map { partition in
                    var reading = FetchPlanner.Reading(
                        topic: partition.topic, partition: partition.partition,
                        position: offsets[partition]?.offset ?? -1, end: .max)
                    reading.endsAtFirstSight = self.stopsAtEnd
                    reading.beginsAtBeginning = self.renewed.contains(partition.topic)
                    return reading
                }
                read(starts)
            case .failure(let error) where error.isRetriable:
                offsetsObstacle.met(error, nowMs: runtime.nowMs)
                tellObstacles()
                beginLater(wanted, share: share, failures: failures + 1)
            case .failure(let error): queue.update { if $0.error == nil { $0.error = error } }
            }
        }
    }

    private func beginLater(_ partitions: [TopicPartition], share: Int, failures: Int) {
        let delay = member.settings.retryBackoff.delayMs(failures: max(1, failures))
        runtime.schedule(afterMs: delay) { [weak self] in self?.begin(partitions, share: share, failures: failures) }
    }

    // MARK: Requests

    private func send(_ request: GroupRequest, _ serial: Int, _ timeoutMs: Int64) {
        func done<R>(_ result: Result<R, ClientError>, _ answer: (R) -> GroupAnswer) {
            guard !isEnded else { return }
            switch result {
            case .success(let response): member.answered(serial, answer(response), nowMs: runtime.nowMs)
            case .failure(let error): member.failed(serial, error, nowMs: runtime.nowMs)
            }
            // Before the member tries again, which takes its word back.
            tellObstacles()
            pump()
        }
        if case .findCoordinator(let request) = request {
            return runtime.send(
                request, to: runtime.anyServer(), timeoutMs: timeoutMs, adapt: FindCoordinatorRequest.adapt
            ) { [weak self] result in if self != nil { done(result, GroupAnswer.coordinator) } }
        }
        guard let coordinator = member.coordinator ?? connections[.membership]?.address else { return }
        switch request {
        case .findCoordinator: break
        case .join(let join): ask(join, at: coordinator, timeoutMs: timeoutMs) { done($0, GroupAnswer.joined) }
        case .sync(let sync): ask(sync, at: coordinator, timeoutMs: timeoutMs) { done($0, GroupAnswer.synced) }
        case .heartbeat(let beat): ask(beat, at: coordinator, timeoutMs: timeoutMs) { done($0, GroupAnswer.beat) }
        case .leave(let leave):
            ask(leave, at: coordinator, timeoutMs: timeoutMs, adapt: LeaveGroupRequest.adapt) {
                done($0, GroupAnswer.left)
            }
        case .consumerHeartbeat(let beat):
            ask(beat, at: coordinator, timeoutMs: timeoutMs) { done($0, GroupAnswer.consumerBeat) }
        }
    }

    /// Connections to the coordinator. Answers come in the order of the requests: none waits behind a fetch, and no offsets
    /// wait behind a JoinGroup, which may wait for minutes.
    enum Line {
        case membership, offsets
    }

    func ask<R: ApiRequest>(
        _ request: R, at address: HostAndPort, over line: Line = .membership, timeoutMs: Int64,
        adapt: ((inout R, Int16) -> Void)? = nil,
        completion: @escaping (Result<R.Response, ClientError>) -> Void
    ) {
        let connection = connection(address, line)
        let exchange = Exchange(
            request, versions: nil, clientId: runtime.config.clientId, deadlineMs: runtime.nowMs + timeoutMs,
            broker: "the coordinator at \(address)", adapt: adapt
        ) { [weak self, weak connection] result in
            guard let self else { return }
            let outcome = result.flatMap { response in
                response.map { .success($0) } ?? .failure(ClientError(.badData, "an empty answer of \(address)"))
            }
            // The coordinator has moved and its connection was closed, not the client.
            if case .failure(let error) = outcome, error.kind == .closed, connection !== self.connections[line],
                !isEnded
            {
                return completion(.failure(ClientError(.connection, "the coordinator at \(address) has changed")))
            }
            completion(outcome)
        }
        connection.send(exchange)
    }

    private func connection(_ address: HostAndPort, _ line: Line) -> BrokerConnection {
        let old = connections[line]
        if let old, old.address == address { return old }
        let made = BrokerConnection(address: address, config: runtime.config, context: runtime, logger: logger)
        connections[line] = made
        old?.close()
        return made
    }

    /// Does nothing any more but to say goodbye.
    func stop() {
        fetcher.end()
        if let observer { runtime.removeObserver(observer) }
        isEnded = true
    }

    func closeConnections() {
        for connection in connections.values { connection.close() }
    }
}

extension ClusterMetadata.Topic {
    /// Nil for one that does not exist, or of which nothing is known.
    fileprivate var found: FoundTopic? {
        error == .none ? FoundTopic(name: name, id: id, partitionCount: Int32(partitions.count)) : nil
    }
}
