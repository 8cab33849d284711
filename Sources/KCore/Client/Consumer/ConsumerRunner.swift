/// What was fetched and not yet taken by the reader, and why there will be no more.
struct FetchQueue: Sendable {
    private var items: [FetchedRecords] = []
    private var head = 0
    private(set) var queuedBytes = 0
    /// Everything was fetched.
    var isFinished = false
    var error: ClientError?
    var isInterrupted = false
    /// The loop waits for room.
    var isHeldBack = false
    /// What a group tells its member; goes before records.
    var events: [GroupEvent] = []
    /// The member has left because nobody asked; the next who asks wakes it.
    var isSilent = false
    /// When the reader last asked, on the monotonic clock.
    var lastPollMs: Int64 = 0

    var isEmpty: Bool { head == items.count }

    mutating func append(begun partition: TopicPartition, at offset: Int64) {
        if case .began(var offsets)? = events.last {
            offsets[partition] = offset
            events[events.count - 1] = .began(offsets)
        } else {
            events.append(.began([partition: offset]))
        }
    }

    mutating func append(_ records: FetchedRecords) {
        items.append(records)
        queuedBytes += records.sizeInBytes
    }

    /// Leaves out what was fetched of these.
    mutating func remove(_ partitions: Set<TopicPartition>) {
        items = items[head...].filter { !partitions.contains($0.topicPartition) }
        head = 0
        queuedBytes = items.reduce(0) { $0 + $1.sizeInBytes }
    }

    mutating func take() -> FetchedRecords? {
        guard head < items.count else { return nil }
        let records = items[head]
        head += 1
        queuedBytes -= records.sizeInBytes
        if head == items.count {
            items.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 32 {
            items.removeFirst(head)
            head = 0
        }
        return records
    }
}

/// The consumer's part on the loop: sends the fetches that ``FetchPlanner`` asks for, and queues what they bring.
///
/// `@unchecked Sendable`: everything but the queue, which has its lock, is touched on the loop only.
final class ConsumerRunner: @unchecked Sendable {
    private let runtime: ClientRuntime
    private let queue: Monitor<FetchQueue>
    private let planner: FetchPlanner
    private let logger: Logger
    private var observer: Int?
    private var wakeMs = Int64.max
    private var isEnded = false
    /// With nothing to read there is nothing to wait for; a member of a group waits for its share.
    private var waitsWhenEmpty: Bool
    /// There may be more to read than it knows of now.
    private var waitsAtEnd = false
    /// Whose place to begin is being looked up, over all tries.
    private var resetting: Set<TopicPartition> = []
    /// Called where a partition begins that no offset was known of, or one that does not exist any more.
    var onBegin: ((TopicPartition, Int64) -> Void)?

    /// Called for partitions whose topic was made anew, and whether they are read on, instead of telling whoever polls.
    var onMadeAnew: (([TopicPartition], Bool) -> Void)?

    init(
        runtime: ClientRuntime, queue: Monitor<FetchQueue>, readings: [FetchPlanner.Reading],
        resetUnlessSet: OffsetReset, resetsNever: Bool = false, waitsWhenEmpty: Bool = false
    ) {
        self.runtime = runtime
        self.queue = queue
        self.waitsWhenEmpty = waitsWhenEmpty
        logger = runtime.logger.named("consumer")
        var config = runtime.config
        config.autoOffsetReset = resetsNever ? .fail : config.autoOffsetReset ?? resetUnlessSet
        planner = FetchPlanner(config: config, readings: readings, seed: UInt64.random(in: .min ... .max))
    }

    var readings: [FetchPlanner.Reading] { planner.readings }

    func start() {
        observer = runtime.addObserver { [weak self] in self?.pump() }
        for topic in Set(planner.readings.map(\.topic)) { runtime.track(topic, allowAutoCreate: false) }
        pump()
    }

    func pump() {
        apply()
        guard !isEnded else { return }
        let queuedBytes = queue.withLock { state in
            state.isHeldBack = state.queuedBytes >= runtime.config.maxQueuedBytes
            return state.queuedBytes
        }
        let cache = runtime.cache
        let calls = planner.plan(nowMs: runtime.nowMs, queuedBytes: queuedBytes) { partition in
            cache.leader(partition.topic, partition.partition)
        } topicId: { topic in
            cache.topic(topic)?.id ?? .zero
        }
        for call in calls { send(call) }
        apply()
        guard !isEnded else { return }
        let isFinished = planner.isFinished && !waitsAtEnd && !(waitsWhenEmpty && planner.readings.isEmpty)
        if isFinished != queue.withLock({ $0.isFinished }) { queue.update { $0.isFinished = isFinished } }
        scheduleWake()
    }

    /// Whether it goes on when there is nothing to read, or when all was read.
    func setWaits(whenEmpty: Bool, atEnd: Bool) {
        guard (whenEmpty, atEnd) != (waitsWhenEmpty, waitsAtEnd) else { return }
        (waitsWhenEmpty, waitsAtEnd) = (whenEmpty, atEnd)
        pump()
    }

    /// Reads these too.
    func add(_ readings: [FetchPlanner.Reading]) {
        for topic in Set(readings.map(\.topic)) { runtime.track(topic, allowAutoCreate: false) }
        planner.add(readings)
        pump()
    }

    /// Reads these no more, and forgets what was fetched of them.
    func remove(_ partitions: Set<TopicPartition>) {
        planner.remove(partitions)
        queue.update { $0.remove(partitions) }
        pump()
    }

    private func send(_ call: FetchPlanner.Call) {
        guard let address = runtime.cache.brokers[call.broker] else {
            let error = ClientError(.connection, "it is not known where broker \(call.broker) is")
            return planner.failed(call, error, nowMs: runtime.nowMs)
        }
        // From version 13 on topics have no names, only ids.
        let hasIds = call.request.topics.allSatisfy { !$0.topicId.isZero }
        let newest = hasIds ? FetchRequest.api.versions.upperBound : 12
        let timeout = Int64(runtime.config.requestTimeoutMs) + Int64(runtime.config.fetchMaxWaitMs)
        runtime.send(call.request, to: address, versions: 4...newest, timeoutMs: timeout) { [weak self] result in
            guard let self, !isEnded else { return }
            switch result {
            case .success(let response): planner.answered(call, response, nowMs: runtime.nowMs)
            case .failure(let error): planner.failed(call, error, nowMs: runtime.nowMs)
            }
            pump()
        }
    }

    private func apply() {
        let effects = planner.effects
        guard !effects.isEmpty else { return }
        planner.effects = []
        var fetched: [FetchedRecords] = []
        var failure: ClientError?
        var (anew, over): ([TopicPartition], [TopicPartition]) = ([], [])
        var mustRefresh = false
        for effect in effects {
            switch effect {
            case .records(let records): fetched.append(records)
            case .refreshMetadata(let topic):
                runtime.track(topic, allowAutoCreate: false)
                mustRefresh = true
            case .madeAnew(let partition, isReadOn: true): anew.append(partition)
            case .madeAnew(let partition, isReadOn: false): over.append(partition)
            case .newLeader(let partition, let leader, let epoch, let endpoint):
                runtime.learnedLeader(partition, leader: leader, epoch: epoch, endpoint: endpoint)
            case .reset(let partition, let policy): reset(partition, policy)
            case .waits(let partition, let offset, let code):
                logger.debug(
                    "a partition cannot be read now and is tried again",
                    ["partition": partition, "offset": offset, "error": code.name])
                // Who looks for a leader may not find the topic.
                let isGone =
                    code == .leaderNotAvailable
                    && runtime.cache.topic(partition.topic)?.error == .unknownTopicOrPartition
                queue.update { $0.events.append(.waits(partition, isGone ? .unknownTopicOrPartition : code)) }
            case .failed(let error): failure = failure ?? error
            }
        }
        if mustRefresh { runtime.refreshMetadata() }
        if !anew.isEmpty { tell(madeAnew: anew) }
        if !over.isEmpty { onMadeAnew?(over, false) }
        guard !fetched.isEmpty || failure != nil else { return }
        let (records, error) = (fetched, failure)
        queue.update { state in
            for piece in records { state.append(piece) }
            if state.error == nil { state.error = error }
        }
        // Whoever polls is told this from now on. To ask on would be in vain, of a client that is closed without an end.
        if failure != nil { end() }
    }

    private func tell(madeAnew partitions: [TopicPartition]) {
        let topics = Set(partitions.map(\.topic)).sorted().joined(separator: " ")
        logger.warning("topics were deleted and made anew, and begin at their beginning", ["topics": topics])
        if let onMadeAnew { return onMadeAnew(partitions, true) }
        queue.update { $0.events.append(.madeAnew(partitions, share: 0, isReadOn: true)) }
    }

    private func reset(_ partition: TopicPartition, _ policy: OffsetReset) {
        if !resetting.insert(partition).inserted {
            logger.debug("a place to begin is looked up again", ["partition": partition])
        } else if planner.position(of: partition) ?? -1 < 0 {
            logger.info("no stored offset, starting elsewhere", ["partition": partition, "at": policy.rawValue])
        } else {
            logger.warning(
                "offset does not exist, going on elsewhere", ["partition": partition, "at": policy.rawValue])
        }
        guard let leader = runtime.cache.leader(partition.topic, partition.partition),
            let address = runtime.cache.brokers[leader.broker]
        else { return planner.reset(partition, to: nil, nowMs: runtime.nowMs) }
        let query = OffsetQuery(
            topic: partition.topic, partition: partition.partition, place: policy == .earliest ? .earliest : .latest)
        let request = ListOffsetsRequest([query], isolation: runtime.config.isolation)
        runtime.send(request, to: address, timeoutMs: Int64(runtime.config.requestTimeoutMs)) { [weak self] result in
            guard let self, !isEnded else { return }
            let answer = result.flatMap { $0.byPartition.first?.1 ?? .failure(.leftOut(partition.description)) }
            let isBeginning = planner.hasGivenNothing(of: partition)
            var (found, code): (Int64?, ErrorCode?)
            switch answer {
            case .success(let place): found = place.offset
            case .failure(let error): code = error.errorCode
            }
            planner.reset(partition, to: found, nowMs: runtime.nowMs, code: code)
            if found != nil { resetting.remove(partition) }
            if let found, isBeginning { onBegin?(partition, found) }
            pump()
        }
    }

    private func scheduleWake() {
        let now = runtime.nowMs
        guard let next = planner.nextWakeMs(nowMs: now), next < wakeMs || wakeMs <= now else { return }
        wakeMs = next
        runtime.schedule(afterMs: max(1, next - now)) { [weak self] in
            guard let self, wakeMs == next else { return }
            wakeMs = .max
            pump()
        }
    }

    func end() {
        isEnded = true
        if let observer { runtime.removeObserver(observer) }
    }
}
