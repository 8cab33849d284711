internal import Synchronization

/// Reads topics as a member of a consumer group, which shares their partitions among its members.
///
/// Membership is kept on the client's loop: heartbeats go on however long the caller takes between two polls, up to
/// `max.poll.interval.ms`. What changes in its share the caller learns from ``poll(timeoutMs:)``, in the order in which it
/// happens; by polling again it says that it has let go of what it was asked to let go of. With `enable.auto.commit` what
/// earlier polls gave is committed every `auto.commit.interval.ms`, before partitions are given up, and at the end.
/// One thread polls at a time.
public final class GroupConsumer: Sendable {
    public enum Poll: Sendable {
        case records(FetchedRecords)
        /// These belong to this member from now on.
        case assigned([TopicPartition])
        /// These go to somebody else with the next poll: the last moment to commit what was read of them.
        case revoking([TopicPartition])
        /// These went to somebody else: nothing can be committed for them any more.
        case lost([TopicPartition])
        /// The topic of these was deleted and made anew. They are still this member's, and begin at their beginning; where
        /// reading has an end that was seen, they are not read on. What was not committed of the old topic is dropped.
        case madeAnew([TopicPartition], isReadOn: Bool)
        /// Of these the group has no offset, or one that does not exist any more; `auto.offset.reset` has them begin here, or
        /// whoever said that they are to begin at their beginning. Where that is not kept, the next member begins elsewhere,
        /// and what came in between is nobody's.
        case began([TopicPartition: Int64])
        /// This cannot be read now, for this reason, and is tried again.
        case waits(TopicPartition, ErrorCode)
        /// The group's coordinator does not let this member begin, or cannot be found, for this reason; it is tried again.
        case blocked(ClientError)
        /// Nothing came in time.
        case timeout
        /// All of the share was read to the end as it was when it began; see `stopsAtEnd`.
        case finished
        /// ``GroupConsumer/interrupt()`` was called.
        case interrupted
    }

    private struct State {
        var revocation: Int?
        /// What was given out and is handled, once the caller polls again.
        var given: [TopicPartition: GroupOffset] = [:]
        var handled: [TopicPartition: GroupOffset] = [:]
        /// What this member has, and the number of the assignment that brought it, as far as the caller was told.
        var shares: [TopicPartition: Int] = [:]
        var lastCommitMs: Int64
        /// Nobody has answered a commit that was waited for since the caller last meant to read on.
        var isUnheard = false
        var isClosed = false
    }

    private let client: KafkaClient
    private let queue: Monitor<FetchQueue>
    private let runner: GroupRunner
    private let state: Mutex<State>

    /// Joins the group that `group.id` names.
    /// - Parameters:
    ///   - resetUnlessSet: what takes the place of `auto.offset.reset` where nobody set it.
    ///   - stopsAtEnd: reads each partition up to where it ended when reading began.
    ///   - isToldWhereToBegin: assigned partitions are read from where ``begin(at:atBeginning:)`` says, and not before; an
    ///     offset that does not exist is an error.
    /// - Throws: ``ClientError/Kind/configuration`` without a group.
    public init(
        _ client: KafkaClient, topics: GroupTopics, resetUnlessSet: OffsetReset = .latest, stopsAtEnd: Bool = false,
        isToldWhereToBegin: Bool = false
    ) throws(ClientError) {
        guard !client.config.groupId.isEmpty else {
            throw ClientError(.configuration, "group.id is not set; it names the group to join")
        }
        self.client = client
        let now = client.loop.clock.monotonicMs
        state = Mutex(State(lastCommitMs: now))
        queue = Monitor(FetchQueue())
        queue.withLock { $0.lastPollMs = now }
        runner = GroupRunner(
            runtime: client.runtime, settings: MembershipSettings(client.config), topics: topics, queue: queue,
            resetUnlessSet: resetUnlessSet, stopsAtEnd: stopsAtEnd, isToldWhereToBegin: isToldWhereToBegin)
        client.loop.execute { [runner] in runner.start() }
    }

    deinit { client.loop.execute { [runner] in runner.leave {} } }

    /// Reads partitions from these offsets on, as long as they are this member's by the assignment that the caller was told
    /// of last. For who `isToldWhereToBegin`.
    /// - Parameter atBeginning: these are read from their beginning on, which ``Poll/began(_:)`` tells before their first
    ///   record. They may have no leader yet.
    public func begin(at offsets: [TopicPartition: Int64], atBeginning: [TopicPartition] = []) {
        let places = offsets.map { ($0.key, position: $0.value) } + atBeginning.map { ($0, position: -1) }
        let shares = state.withLock { $0.shares }
        client.loop.execute { [runner] in runner.begin(at: places, shares: shares) }
    }

    /// What happens next: something with the share, or a piece of a partition; pieces of one partition come in order.
    /// - Throws: ``ClientError`` when this member cannot go on. What was fetched before comes first.
    public func poll(timeoutMs: Int) throws(ClientError) -> Poll {
        let now = client.loop.clock.monotonicMs
        let (wasSilent, isInterrupted) = queue.withLock { queue in
            // As long as it waits here it is there.
            queue.lastPollMs = now + Int64(timeoutMs)
            return (queue.isSilent, queue.isInterrupted)
        }
        let revocation = state.withLock { state in
            state.handled.merge(state.given) { _, new in new }
            state.given = [:]
            if !isInterrupted { state.isUnheard = false }
            defer { state.revocation = nil }
            return state.revocation
        }
        if let revocation {
            client.loop.execute { [runner] in runner.revoked(revocation) }
        } else if wasSilent {
            client.loop.execute { [runner] in runner.pump() }
        }
        commitIfDue(now)
        let result = queue.wait(timeoutMs: Int64(timeoutMs)) { queue in next(&queue) }
        queue.withLock { $0.lastPollMs = client.loop.clock.monotonicMs }
        guard let (step, mustFetch) = try result?.get() else { return .timeout }
        if mustFetch { client.loop.execute { [runner] in runner.fetch() } }
        return given(step)
    }

    private enum Step {
        case event(GroupEvent)
        case records(FetchedRecords)
        case finished, interrupted
    }

    private func next(_ queue: inout FetchQueue) -> Result<(Step, Bool), ClientError>? {
        if queue.isInterrupted { return .success((.interrupted, false)) }
        if !queue.events.isEmpty { return .success((.event(queue.events.removeFirst()), false)) }
        if let records = queue.take() {
            let mustFetch = queue.isHeldBack && queue.queuedBytes < client.config.maxQueuedBytes / 2
            if mustFetch { queue.isHeldBack = false }
            return .success((.records(records), mustFetch))
        }
        if let error = queue.error { return .failure(error) }
        return queue.isFinished ? .success((.finished, false)) : nil
    }

    private func given(_ step: Step) -> Poll {
        switch step {
        case .finished: return .finished
        case .interrupted: return .interrupted
        case .records(let records):
            if client.config.isAutoCommit {
                state.withLock { $0.given[records.topicPartition] = records.next }
            }
            return .records(records)
        case .event(.assigned(let partitions, let share)):
            state.withLock { state in for partition in partitions { state.shares[partition] = share } }
            return .assigned(partitions)
        case .event(.madeAnew(let partitions, let share, let isReadOn)):
            state.withLock { state in
                for partition in partitions { (state.handled[partition], state.shares[partition]) = (nil, share) }
            }
            return .madeAnew(partitions, isReadOn: isReadOn)
        case .event(.waits(let partition, let code)): return .waits(partition, code)
        case .event(.blocked(let error)): return .blocked(error)
        case .event(.began(let offsets)):
            // As Java's consumer: also where nothing was read yet.
            if client.config.isAutoCommit {
                state.withLock { $0.handled.merge(offsets.mapValues { GroupOffset($0) }) { _, new in new } }
            }
            return .began(offsets)
        case .event(.lost(let partitions)):
            state.withLock { state in
                for partition in partitions { (state.handled[partition], state.shares[partition]) = (nil, nil) }
            }
            return .lost(partitions)
        case .event(.revoking(let partitions, let number)):
            let handled = state.withLock { state in
                state.revocation = number
                let handled = state.handled.filter { partitions.contains($0.key) }
                for partition in partitions { state.handled[partition] = nil }
                return handled
            }
            if !handled.isEmpty { note(commitNow(handled, timeoutMs: 5000)) }
            return .revoking(partitions)
        }
    }

    private func commitIfDue(_ now: Int64) {
        let due = state.withLock { state -> [TopicPartition: GroupOffset] in
            guard client.config.isAutoCommit, !state.handled.isEmpty,
                now - state.lastCommitMs >= Int64(client.config.autoCommitIntervalMs)
            else { return [:] }
            state.lastCommitMs = now
            defer { state.handled = [:] }
            return state.handled
        }
        guard !due.isEmpty else { return }
        let entries = entries(due)
        commitSoon(due) { [weak self, client] error in
            GroupConsumer.note(error, client)
            if error != nil { self?.giveBack(entries) }
        }
    }

    // What could not be stored is tried with the next commit, where nothing newer was handled since.
    private func giveBack(_ entries: [TopicPartition: CommitQueue.Entry]) {
        state.withLock { state in
            for (partition, entry) in entries
            where state.shares[partition] == entry.share && state.handled[partition] == nil && !state.isClosed {
                state.handled[partition] = entry.offset
            }
        }
    }

    private func note(_ error: ClientError?) { GroupConsumer.note(error, client) }

    private static func note(_ error: ClientError?, _ client: KafkaClient) {
        if let error { client.logger.warning("offsets were not committed: \(error)") }
    }

    // MARK: Committing

    /// Stores how far the group has come, and waits until it is stored.
    /// - Throws: ``ClientError`` when it is not, for instance because the partitions belong to somebody else by now.
    public func commit(_ offsets: [TopicPartition: GroupOffset], timeoutMs: Int? = nil) throws(ClientError) {
        if let error = commitNow(offsets, timeoutMs: timeoutMs ?? client.config.defaultApiTimeoutMs) { throw error }
    }

    /// Stores how far the group has come.
    /// - Parameter completion: called on the client's loop with what went wrong, if anything did.
    public func commitSoon(
        _ offsets: [TopicPartition: GroupOffset], completion: @escaping @Sendable (ClientError?) -> Void = { _ in }
    ) {
        let patience = Int64(client.config.defaultApiTimeoutMs)
        let entries = entries(offsets)
        client.loop.execute { [runner] in
            runner.commit(entries, deadlineMs: runner.runtime.nowMs + patience, completion: completion)
        }
    }

    private func entries(_ offsets: [TopicPartition: GroupOffset]) -> [TopicPartition: CommitQueue.Entry] {
        let shares = state.withLock { $0.shares }
        return Dictionary(
            uniqueKeysWithValues: offsets.map { ($0, CommitQueue.Entry(offset: $1, share: shares[$0] ?? 0)) })
    }

    // Not KafkaClient.blocking: who is interrupted commits all the same.
    private func commitNow(_ offsets: [TopicPartition: GroupOffset], timeoutMs: Int) -> ClientError? {
        let outcome = Monitor<ClientError??>(nil)
        let patience = Int64(timeoutMs)
        let entries = entries(offsets)
        client.loop.execute { [runner] in
            runner.commit(entries, deadlineMs: runner.runtime.nowMs + patience) { error in
                outcome.update { if $0 == nil { $0 = .some(error) } }
            }
        }
        guard let error = outcome.wait(timeoutMs: patience, { $0 }) else {
            state.withLock { $0.isUnheard = true }
            return ClientError(.timeout, "cannot commit offsets: no answer within \(timeoutMs) ms")
        }
        return error
    }

    // MARK: Ending

    /// Makes this and later calls of ``poll(timeoutMs:)`` return. From any thread. Commits and ``close()`` still work.
    public func interrupt() { queue.update { $0.isInterrupted = true } }

    /// Commits what is to be committed by itself, waits some seconds for commits that are on their way, and leaves the group,
    /// so that others need not wait for its session to end. A static member stays in it. A coordinator that has left the
    /// last commit without an answer is not waited for again.
    public func close() {
        let handled = state.withLock { state -> [TopicPartition: GroupOffset]? in
            if state.isClosed { return nil }
            state.isClosed = true
            defer { state.handled = [:] }
            return state.handled
        }
        guard let handled else { return }
        if !handled.isEmpty { note(commitNow(handled, timeoutMs: 5000)) }
        let isDone = Monitor(false)
        let patienceMs = state.withLock { $0.isUnheard ? 0 : GroupRunner.goodbyeMs }
        client.loop.execute { [runner] in runner.leave(patienceMs: patienceMs) { isDone.update { $0 = true } } }
        isDone.wait(timeoutMs: GroupRunner.goodbyeMs + GroupRunner.lastWordMs) { $0 ? () : nil }
    }
}

extension MembershipSettings {
    init(_ config: ClientConfig) {
        self.init(groupId: config.groupId)
        isConsumerProtocol = config.isConsumerProtocol
        remoteAssignor = config.remoteAssignor.isEmpty ? nil : config.remoteAssignor
        instanceId = config.groupInstanceId.isEmpty ? nil : config.groupInstanceId
        sessionTimeoutMs = Int64(config.sessionTimeoutMs)
        heartbeatIntervalMs = Int64(config.heartbeatIntervalMs)
        maxPollIntervalMs = Int64(config.maxPollIntervalMs)
        requestTimeoutMs = Int64(config.requestTimeoutMs)
        assignors = config.assignors
        rackId = config.clientRack.isEmpty ? nil : config.clientRack
        retryBackoff = config.retryBackoff
    }
}
