internal import Synchronization

/// Reads partitions that it is told to read, ahead of whoever polls.
///
/// Fetching runs on the client's loop, decoding on the thread that polls. What is fetched ahead is bounded by
/// `queued.max.messages.kbytes`. One thread polls at a time.
public final class Consumer: Sendable {
    /// What is read of a partition.
    public struct Assignment: Sendable {
        public var topic: String
        public var partition: Int32
        public var start: StartPosition
        public var end: EndPosition

        public init(topic: String, partition: Int32, start: StartPosition, end: EndPosition = .never) {
            self.topic = topic
            self.partition = partition
            self.start = start
            self.end = end
        }

        var topicPartition: TopicPartition { TopicPartition(topic: topic, partition: partition) }
    }

    public enum StartPosition: Sendable, Equatable {
        case beginning, end
        case offset(Int64)
        /// So many offsets before the end, or the beginning.
        case last(Int64)
        /// The first record of this time or later, in milliseconds since 1970; the end when there is none.
        case timestamp(Int64)
    }

    public enum EndPosition: Sendable, Equatable {
        case never
        /// The end as it is when reading begins.
        case currentEnd
        /// Exclusive.
        case offset(Int64)
        /// The same, or the end as it is when reading begins where that comes first.
        case offsetOrCurrentEnd(Int64)
        /// The first record of this time or later is not read; the current end when there is none.
        case timestamp(Int64)
    }

    /// Where reading is.
    public struct Position: Sendable, Equatable {
        public var topic: String
        public var partition: Int32
        /// Where reading began.
        public var start: Int64
        /// The next offset to be fetched.
        public var position: Int64
        /// Where reading ends, exclusive; nil for never.
        public var end: Int64?
        /// The end of what is visible, as last seen; nil for not yet.
        public var visibleEnd: Int64?
    }

    public enum Poll: Sendable {
        case records(FetchedRecords)
        /// The topic of these was deleted and made anew: they are read from their beginning from here on.
        case madeAnew([TopicPartition])
        /// This cannot be read now, for this reason, and is tried again.
        case waits(TopicPartition, ErrorCode)
        /// Nothing came in time.
        case timeout
        /// All partitions were read to their ends.
        case finished
        /// ``Consumer/interrupt()`` or ``KafkaClient/interrupt()`` was called.
        case interrupted
    }

    private let client: KafkaClient
    private let resetUnlessSet: OffsetReset
    private let resetsNever: Bool
    private let state = Mutex(State())
    private let listener: Mutex<Int?> = Mutex(nil)

    private struct State {
        var runner: ConsumerRunner?
        var queue = Monitor(FetchQueue())
        var starts: [TopicPartition: Int64] = [:]
        var isInterrupted = false
    }

    /// - Parameters:
    ///   - resetUnlessSet: what takes the place of `auto.offset.reset` where nobody set it.
    ///   - resetsNever: an offset that does not exist is an error, whatever `auto.offset.reset` says.
    public init(_ client: KafkaClient, resetUnlessSet: OffsetReset = .latest, resetsNever: Bool = false) {
        self.client = client
        self.resetUnlessSet = resetUnlessSet
        self.resetsNever = resetsNever
        let number = client.onInterrupt { [weak self] _ in self?.interrupt() }
        listener.withLock { $0 = number }
    }

    deinit { close() }

    /// Looks up where each assignment starts and ends, and begins to fetch. What was assigned before is not read
    /// further.
    /// - Throws: ``ClientError`` when a partition does not exist or its offsets cannot be looked up.
    public func assign(_ assignments: [Assignment]) throws(ClientError) {
        let readings = try readings(assignments)
        let queue = Monitor(FetchQueue())
        let runner = ConsumerRunner(
            runtime: client.runtime, queue: queue, readings: readings, resetUnlessSet: resetUnlessSet,
            resetsNever: resetsNever)
        let old = state.withLock { state in
            let old = state.runner
            (state.runner, state.queue) = (runner, queue)
            state.starts = Dictionary(
                readings.map { ($0.topicPartition, $0.position) }, uniquingKeysWith: { first, _ in first })
            return old
        }
        client.loop.execute {
            old?.end()
            runner.start()
        }
    }

    /// Reads these too, beside what is read.
    /// - Throws: ``ClientError`` as ``assign(_:)``; none of them is read then.
    public func add(_ assignments: [Assignment]) throws(ClientError) {
        guard let runner = state.withLock({ $0.runner }) else { return try assign(assignments) }
        let readings = try readings(assignments)
        state.withLock { state in
            for reading in readings { state.starts[reading.topicPartition] = reading.position }
        }
        // Whoever polls next must not hear that all was read.
        let _: Bool = try client.blocking("read more partitions", timeoutMs: 5000) { _, complete in
            runner.add(readings)
            complete(.success(true))
        }
    }

    private func readings(_ assignments: [Assignment]) throws(ClientError) -> [FetchPlanner.Reading] {
        var queries: Set<OffsetQuery> = []
        for assignment in assignments {
            for place in assignment.places {
                queries.insert(
                    OffsetQuery(topic: assignment.topic, partition: assignment.partition, place: place))
            }
        }
        var found: [OffsetQuery: Int64] = [:]
        let asked = Array(queries)
        for (query, answer) in zip(asked, try AdminClient(client).listOffsets(asked)) {
            found[query] = try answer.result.get().offset
        }
        // The fetches will need the leaders; the look-up has its own knowledge of them.
        _ = try client.metadata(topics: Set(assignments.map(\.topic)).sorted())
        var readings: [FetchPlanner.Reading] = []
        for assignment in assignments {
            let offset: (OffsetQuery.Place) -> Int64 = { place in
                found[OffsetQuery(topic: assignment.topic, partition: assignment.partition, place: place)] ?? 0
            }
            readings.append(
                FetchPlanner.Reading(
                    topic: assignment.topic, partition: assignment.partition,
                    position: try start(assignment, offset), end: assignment.endOffset(offset)))
        }
        return readings
    }

    // Behind the end nothing would be fetched, and so nothing be said by the broker, of who reads to the end.
    private func start(
        _ assignment: Assignment, _ found: (OffsetQuery.Place) -> Int64
    ) throws(ClientError) -> Int64 {
        let start = assignment.startOffset(found)
        guard case .offset = assignment.start, assignment.mayEndAtCurrentEnd, start > found(.latest) else {
            return start
        }
        switch resetsNever ? .fail : client.config.autoOffsetReset ?? resetUnlessSet {
        case .earliest: return found(.earliest)
        case .latest: return found(.latest)
        case .fail:
            let message =
                "offset \(start) of \(assignment.topicPartition) does not exist: it ends at \(found(.latest)); start "
                + "elsewhere, or set auto.offset.reset"
            throw ClientError(.broker(.offsetOutOfRange), message)
        }
    }

    /// The next piece of a partition; pieces of one partition come in order.
    /// - Parameter timeoutMs: how long to wait for it.
    /// - Throws: ``ClientError`` when reading cannot go on. What was fetched before comes first.
    public func poll(timeoutMs: Int) throws(ClientError) -> Poll {
        let (runner, queue, isInterrupted) = state.withLock { ($0.runner, $0.queue, $0.isInterrupted) }
        if isInterrupted { return .interrupted }
        let result = queue.wait(timeoutMs: Int64(timeoutMs)) { state -> Result<(Poll, Bool), ClientError>? in
            if state.isInterrupted { return .success((.interrupted, false)) }
            if !state.events.isEmpty {
                switch state.events.removeFirst() {
                case .madeAnew(let partitions, _, _): return .success((.madeAnew(partitions), false))
                case .waits(let partition, let code): return .success((.waits(partition, code), false))
                case .assigned, .began, .blocked, .revoking, .lost: break
                }
            }
            if let records = state.take() {
                let mustFetch = state.isHeldBack && state.queuedBytes < client.config.maxQueuedBytes / 2
                if mustFetch { state.isHeldBack = false }
                return .success((.records(records), mustFetch))
            }
            if let error = state.error { return .failure(error) }
            return state.isFinished ? .success((.finished, false)) : nil
        }
        guard let (poll, mustFetch) = try result?.get() else { return .timeout }
        if mustFetch, let runner { client.loop.execute { runner.pump() } }
        return poll
    }

    /// Where reading is in each assigned partition.
    public var positions: [Position] {
        let (runner, starts) = state.withLock { ($0.runner, $0.starts) }
        guard let runner else { return [] }
        let readings: [FetchPlanner.Reading]? = try? client.blocking("look up positions", timeoutMs: 5000) {
            _, complete in complete(.success(runner.readings))
        }
        return (readings ?? []).map { reading in
            Position(
                topic: reading.topic, partition: reading.partition,
                start: starts[reading.topicPartition] ?? reading.position, position: reading.position,
                end: reading.end == .max ? nil : reading.end,
                visibleEnd: reading.visibleEnd < 0 ? nil : reading.visibleEnd)
        }.sorted { ($0.topic, $0.partition) < ($1.topic, $1.partition) }
    }

    /// Makes this and later calls of ``poll(timeoutMs:)`` return. From any thread.
    public func interrupt() {
        let queue = state.withLock { state in
            state.isInterrupted = true
            return state.queue
        }
        queue.update { $0.isInterrupted = true }
    }

    /// Stops fetching.
    public func close() {
        if let number = listener.withLock({ $0 }) { client.removeInterruptListener(number) }
        let runner = state.withLock { state in
            let runner = state.runner
            state.runner = nil
            return runner
        }
        if let runner { client.loop.execute { runner.end() } }
    }
}

extension Consumer.Assignment {
    /// What must be looked up.
    fileprivate var places: [OffsetQuery.Place] {
        var places: [OffsetQuery.Place] = []
        switch start {
        case .beginning: places.append(.earliest)
        case .end: places.append(.latest)
        case .offset: if mayEndAtCurrentEnd { places += [.earliest, .latest] }
        case .last: places += [.earliest, .latest]
        case .timestamp(let time): places += [.timestamp(time), .latest]
        }
        switch end {
        case .never, .offset: break
        case .currentEnd, .offsetOrCurrentEnd: places.append(.latest)
        case .timestamp(let time): places += [.timestamp(time), .latest]
        }
        return places
    }

    fileprivate func startOffset(_ found: (OffsetQuery.Place) -> Int64) -> Int64 {
        switch start {
        case .beginning: found(.earliest)
        case .end: found(.latest)
        case .offset(let offset): offset
        case .last(let count): max(found(.earliest), found(.latest) - count)
        case .timestamp(let time): at(time, found)
        }
    }

    fileprivate func endOffset(_ found: (OffsetQuery.Place) -> Int64) -> Int64 {
        switch end {
        case .never: .max
        case .currentEnd: found(.latest)
        case .offset(let offset): offset
        case .offsetOrCurrentEnd(let offset): min(offset, found(.latest))
        case .timestamp(let time): at(time, found)
        }
    }

    fileprivate var mayEndAtCurrentEnd: Bool {
        switch end {
        case .never, .offset: false
        case .currentEnd, .offsetOrCurrentEnd, .timestamp: true
        }
    }

    private func at(_ time: Int64, _ found: (OffsetQuery.Place) -> Int64) -> Int64 {
        let offset = found(.timestamp(time))
        return offset < 0 ? found(.latest) : offset
    }
}
