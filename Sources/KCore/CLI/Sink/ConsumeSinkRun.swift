/// One run of `kconsume --sink`: reads from where the output ends, alone or as a member of a group.
final class ConsumeSinkRun {
    private let settings: ConsumeSettings
    private let client: KafkaClient
    private let console: Console
    private let sink: SinkDirectory
    private let topics: GroupTopics?
    private var progress: ProgressLine
    private var records: Int64 = 0
    private let startNs: Int64
    private var lastCommitNs: Int64
    private var held = HeldPartitions()
    /// Why nobody said lately where partitions begin.
    private var obstacle: ClientError?
    /// Who reads to the end wants to get there.
    private static let heldPatienceMs: Int64 = 60_000

    /// - Parameter topics: what a member of a group reads; nil alone.
    init(
        _ settings: ConsumeSettings, _ client: KafkaClient, _ console: Console, _ sink: SinkDirectory,
        _ topics: GroupTopics? = nil
    ) {
        self.settings = settings
        self.topics = topics
        self.client = client
        self.console = console
        self.sink = sink
        progress = ProgressLine(console, isWanted: !settings.isQuiet)
        startNs = console.clock.monotonicNs
        lastCommitNs = startNs
    }

    func run() throws(ToolError) -> ExitStatus {
        defer { progress.clear() }
        if settings.maxRecords == 0 { return .done }
        if let topics { try readAsMember(topics) } else { try readAlone() }
        progress.clear()
        if settings.isVerbose { summarize() }
        return console.interruption?.signal.map { .signal($0) } ?? .done
    }

    // MARK: Alone

    private func readAlone() throws(ToolError) {
        let finder = PartitionFinder(settings, client, console)
        let first = try finder.first()
        let consumer = Consumer(client, resetsNever: true)
        defer { consumer.close() }
        console.interruption?.onInterrupt { consumer.interrupt() }
        if let error = try add(first, leaderless: finder.waiting, to: consumer) {
            throw SinkGap.explain(error, settings, client, sink)
        }
        try read { (timeoutMs) throws(ClientError) in
            switch try consumer.poll(timeoutMs: timeoutMs) {
            case .records(let fetched): return .records(fetched)
            case .madeAnew(let partitions): return .madeAnew(partitions, isReadOn: true)
            case .waits(let partition, let code): return .waits(partition, code)
            case .timeout: return .timeout
            case .finished: return try finder.isFinished() ? .finished : .timeout
            case .interrupted: return .interrupted
            }
        } look: { () throws(ToolError) in
            // The next poll tells of an interruption.
            guard let later = try? finder.later(), !later.isEmpty else { return }
            guard let error = try add(later, to: consumer), console.interruption?.signal == nil else { return }
            guard error.isRetriable else { throw SinkGap.explain(error, settings, client, sink) }
            finder.putBack(later)
        } stored: { _ in
        } assigned: { _ in
        }
    }

    /// Opens the output of these partitions, and reads them from where it ends.
    /// - Parameter leaderless: what is read once it has a leader.
    /// - Returns: why they cannot be read.
    private func add(
        _ found: [Consumer.Assignment], leaderless: [Consumer.Assignment] = [], to consumer: Consumer
    ) throws(ToolError) -> ClientError? {
        var assignments = found
        let topics = try SinkStart.topics(Set((found + leaderless).map(\.topic)), client)
        for partition in (found + leaderless).map(\.topicPartition) {
            guard try sink.open(partition, topicId: topics[partition.topic]?.id ?? .zero) else {
                throw ToolError("\(partition) is being written to \(settings.sink ?? "") by another kconsume")
            }
        }
        try sink.resume()
        for index in assignments.indices {
            let partition = assignments[index].topicPartition
            if let offset = sink.offset(partition) ?? sink.offsetUnlessStored(partition) {
                assignments[index].start = .offset(offset)
            }
        }
        try beginLateOnes(&assignments, topics)
        do throws(ClientError) {
            try consumer.add(assignments)
        } catch {
            return error
        }
        // Where they begin is kept before anything is read, so that a later start begins there too.
        var places: [TopicPartition: SinkStarts.Place] = [:]
        for start in consumer.positions {
            places[TopicPartition(topic: start.topic, partition: start.partition)] = .offset(start.start)
        }
        for assignment in leaderless { places[assignment.topicPartition] = SinkStart.place(assignment.start) }
        try sink.begin(places.filter { sink.offset($0.key) == nil }, partitions: topics.mapValues(\.partitions))
        return nil
    }

    // Of what was added after output of its topic began, or had no leader then, all is to be copied.
    private func beginLateOnes(
        _ assignments: inout [Consumer.Assignment], _ topics: [String: SinkStart.Topic]
    ) throws(ToolError) {
        var late: [TopicPartition] = []
        for topic in Set(assignments.map(\.topic)) {
            let known = try sink.firstPartitions(of: topic, id: topics[topic]?.id ?? .zero) ?? .max
            for index in assignments.indices where assignments[index].topic == topic {
                let partition = assignments[index].topicPartition
                guard sink.offset(partition) == nil, sink.offsetUnlessStored(partition) == nil,
                    assignments[index].start != .beginning,
                    partition.partition >= known || sink.beginsAtBeginning(partition)
                else { continue }
                assignments[index].start = .beginning
                late.append(partition)
            }
        }
        if !settings.isQuiet { for partition in late.sorted() { note(SinkStart.lateNote(partition)) } }
    }

    private func note(_ text: String) {
        progress.clear()
        console.note("\(console.tool): \(text)")
    }

    // MARK: As a member of a group

    private func readAsMember(_ topics: GroupTopics) throws(ToolError) {
        let consumer = try ToolError.rethrowing { () throws(ClientError) in
            try GroupConsumer(client, topics: topics, stopsAtEnd: settings.exitsAtEnd, isToldWhereToBegin: true)
        }
        // Commits and the goodbye do not need the client; where to begin is asked of it.
        console.interruption?.onInterrupt { [client] in
            consumer.interrupt()
            client.interrupt()
        }
        defer { consumer.close() }
        try read { (timeoutMs) throws(ClientError) in
            try consumer.poll(timeoutMs: timeoutMs)
        } look: { () throws(ToolError) in
            try beginHeld(consumer)
            try tellHeld()
        } stored: {
            store($0, consumer)
        } assigned: { (partitions) throws(ToolError) in
            try beginOrHold(partitions, consumer)
        }
    }

    private func begin(_ partitions: [TopicPartition], _ consumer: GroupConsumer) throws(ToolError) {
        let offsets = try SinkStart(settings, client, sink).offsets(partitions)
        held.remove(partitions.filter { offsets.held[$0] == nil })
        held.add(offsets.held, nowMs: console.clock.monotonicMs)
        consumer.begin(at: offsets.start, atBeginning: offsets.leaderless)
        if !offsets.unstored.isEmpty { store(offsets.unstored, consumer) }
        if !settings.isQuiet { for text in offsets.notes { note(text) } }
    }

    private func beginHeld(_ consumer: GroupConsumer) throws(ToolError) {
        let due = held.due(nowMs: console.clock.monotonicMs)
        if !due.isEmpty { try beginOrHold(due, consumer) }
    }

    // A broker that is away is waited for. Of an interruption the next poll tells.
    private func beginOrHold(_ partitions: [TopicPartition], _ consumer: GroupConsumer) throws(ToolError) {
        let now = console.clock.monotonicMs
        do throws(ToolError) {
            try begin(partitions, consumer)
        } catch {
            guard let cause = error.cause, cause.isRetriable || cause.kind == .interrupted else { throw error }
            obstacle = cause
            held.failed(partitions, sinceMs: now, nowMs: console.clock.monotonicMs)
        }
    }

    private func store(_ offsets: [TopicPartition: GroupOffset], _ consumer: GroupConsumer) {
        if settings.commit == .never { return }
        // For whoever looks at the group; what counts is in the files.
        do throws(ClientError) {
            try consumer.commit(offsets, timeoutMs: 3000)
        } catch {
            client.logger.info("the group does not know how far the files are: \(error)")
        }
    }

    private func tellHeld() throws(ToolError) {
        let now = console.clock.monotonicMs
        let (place, group) = (settings.sink ?? "", settings.group ?? "")
        if settings.exitsAtEnd {
            if let partition = held.held(by: .process, forMs: ConsumeSinkRun.heldPatienceMs, nowMs: now) {
                throw ToolError("\(partition) is being written to \(place) by another kconsume")
            }
            let patienceMs = min(FetchRefusal.boundedPatienceMs, Int64(client.config.defaultApiTimeoutMs))
            if held.held(by: .transaction, forMs: patienceMs, nowMs: now) != nil {
                throw ToolError(ClientError.refused("look up offsets of group \(group)", .unstableOffsetCommit))
            }
            if let obstacle, held.held(by: .broker, forMs: patienceMs, nowMs: now) != nil { throw ToolError(obstacle) }
        }
        let late = held.toTell(nowMs: now)
        if settings.isQuiet || late.isEmpty { return }
        progress.clear()
        if let obstacle, late.contains(where: { $0.holder == .broker }) {
            console.warning(ConsumeAssignment.blocked(obstacle))
        }
        for (partition, holder) in late {
            switch holder {
            case .process:
                console.warning(
                    "\(partition) is still being written to \(place) by another kconsume; it is read once that lets go")
            case .transaction:
                console.warning(
                    "a transaction that has not ended holds the offset of group \(group) in \(partition), which is read "
                        + "once it has; kadmin txn list shows it")
            case .broker: break
            }
        }
    }

    // MARK: Reading

    private func read(
        _ poll: (Int) throws(ClientError) -> GroupConsumer.Poll,
        look: () throws(ToolError) -> Void,
        stored: ([TopicPartition: GroupOffset]) -> Void,
        assigned: ([TopicPartition]) throws(ToolError) -> Void
    ) throws(ToolError) {
        var failure: ToolError?
        do throws(ToolError) {
            try readOn(poll, look: look, stored: stored, assigned: assigned)
        } catch {
            failure = error
        }
        // What was printed counts all the same, unless it could not be written: then this fails again.
        do throws(ToolError) {
            let offsets = try sink.commit()
            if !offsets.isEmpty { stored(offsets) }
        } catch {
            failure = failure ?? error
        }
        if let failure { throw failure }
    }

    private func readOn(
        _ poll: (Int) throws(ClientError) -> GroupConsumer.Poll,
        look: () throws(ToolError) -> Void,
        stored: ([TopicPartition: GroupOffset]) -> Void,
        assigned: ([TopicPartition]) throws(ToolError) -> Void
    ) throws(ToolError) {
        while true {
            try look()
            let next: GroupConsumer.Poll
            do throws(ClientError) {
                next = try poll(250)
            } catch {
                if error.kind == .interrupted { return }
                throw SinkGap.explain(error, settings, client, sink)
            }
            switch next {
            case .finished, .interrupted: return
            case .timeout: break
            case .began(let offsets): try began(offsets)
            case .assigned(let partitions): try assigned(partitions)
            case .revoking(let partitions):
                held.remove(partitions)
                let offsets = try sink.commit(partitions)
                sink.close(partitions)
                if !offsets.isEmpty { stored(offsets) }
            case .lost(let partitions):
                held.remove(partitions)
                sink.close(partitions)
            case .waits(let partition, let code):
                progress.clear()
                if !settings.isQuiet { console.warning(ConsumeAssignment.waits(partition, code)) }
            case .blocked(let error):
                progress.clear()
                if !settings.isQuiet { console.warning(ConsumeAssignment.blocked(error)) }
            case .madeAnew(let partitions, _): throw sink.madeAnew(partitions)
            case .records(let fetched):
                let left = settings.maxRecords.map { $0 - records } ?? .max
                records += try sink.print(fetched, settings.printing, upTo: left)
                if let limit = settings.maxRecords, records >= limit { return }
            }
            let now = console.clock.monotonicNs
            if (now - lastCommitNs) / 1_000_000 >= Int64(client.config.autoCommitIntervalMs) {
                lastCommitNs = now
                let offsets = try sink.commit()
                if !offsets.isEmpty { stored(offsets) }
            }
            if progress.isDue { progress.show(ProgressLine.State(records: records, bytes: sink.total)) }
        }
    }

    // These had no leader when they were assigned.
    private func began(_ offsets: [TopicPartition: Int64]) throws(ToolError) {
        for (partition, offset) in offsets.sorted(by: { $0.key < $1.key }) {
            try sink.begin(partition, at: offset)
            if !settings.isQuiet, client.config.autoOffsetReset != .earliest { note(SinkStart.lateNote(partition)) }
        }
    }

    private func summarize() {
        let seconds = Double(console.clock.monotonicNs - startNs) / 1e9
        console.note(
            "\(console.tool): \(Quantity.count(records, "record")), \(ByteSize.text(sink.total)) in "
                + "\(Quantity.duration(seconds: seconds))")
    }
}
