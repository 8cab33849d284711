/// One run of `kconsume -g`: joins the group, prints what it is given, and stores how far it has come.
final class ConsumeGroupRun {
    private let settings: ConsumeSettings
    private let topics: GroupTopics
    private let client: KafkaClient
    private let console: Console
    private let output: OutputBuffer
    private var progress: ProgressLine
    private var records: Int64 = 0
    private let startNs: Int64
    /// How far each partition was printed.
    private var printed: [TopicPartition: GroupOffset] = [:]
    /// How far that is stored already, as the client's loop was told.
    private let confirmed = Monitor<[TopicPartition: GroupOffset]>([:])
    private var lastCommitNs: Int64
    /// When also that was stored which had not changed: stored offsets grow old (`offsets.retention.minutes`).
    private var lastRefreshNs: Int64
    private static let refreshNs: Int64 = 3_600_000_000_000

    init(_ settings: ConsumeSettings, _ topics: GroupTopics, _ client: KafkaClient, _ console: Console) {
        self.settings = settings
        self.topics = topics
        self.client = client
        self.console = console
        output = OutputBuffer(descriptor: console.output)
        progress = ProgressLine(console, isWanted: !settings.isQuiet && !Console.isTerminal(console.output))
        startNs = console.clock.monotonicNs
        (lastCommitNs, lastRefreshNs) = (startNs, startNs)
    }

    func run() throws(ToolError) -> ExitStatus {
        var stopped: ToolError?
        do throws(ClientError) {
            try consume()
        } catch {
            if error.kind != .interrupted { stopped = ToolError(error) }
        }
        output.flush()
        progress.clear()
        if settings.isVerbose { summarize() }
        if let failure = output.failure, !output.isClosedByReader {
            stopped = ToolError("cannot write to stdout: \(systemMessage(failure))")
        }
        if let stopped { throw stopped }
        if let signal = console.interruption?.signal, !output.isClosedByReader { return .signal(signal) }
        return .done
    }

    private func consume() throws(ClientError) {
        if settings.maxRecords == 0 { return }
        let consumer = try GroupConsumer(client, topics: topics, stopsAtEnd: settings.exitsAtEnd)
        // Not the client: commits and the goodbye still need it.
        console.interruption?.onInterrupt { consumer.interrupt() }
        defer { consumer.close() }
        do throws(ClientError) {
            try read(consumer)
        } catch {
            // What was printed counts all the same; the error that is told is the first.
            try? store(consumer, unconfirmed)
            throw error
        }
        try store(consumer, unconfirmed)
    }

    private func read(_ consumer: GroupConsumer) throws(ClientError) {
        while true {
            // What has to be waited for is not waited for with output in hand.
            var next = try consumer.poll(timeoutMs: 0)
            if case .timeout = next {
                output.flush()
                if output.isGivenUp { return }
                storeSoonIfDue(consumer)
                showProgress()
                next = try consumer.poll(timeoutMs: 250)
            }
            switch next {
            case .timeout: continue
            case .finished, .interrupted: return
            case .assigned(let partitions):
                note("assigned", partitions)
                forget(partitions)
            case .began(let offsets): try storeBeginning(offsets.mapValues { GroupOffset($0) }, consumer)
            case .revoking(let partitions):
                note("giving up", partitions)
                do throws(ClientError) {
                    try store(consumer, unconfirmed.filter { partitions.contains($0.key) })
                } catch {
                    warn(error.message)
                }
                forget(partitions)
            case .lost(let partitions):
                note("lost", partitions)
                let unstored = unconfirmed.filter { partitions.contains($0.key) }
                forget(partitions)
                if !unstored.isEmpty {
                    warn("\(Quantity.count(Int64(unstored.count), "partition")) had been taken from this member before")
                }
            case .madeAnew(let partitions, let isReadOn):
                forget(partitions)
                progress.clear()
                if !settings.isQuiet { console.warning(ConsumeAssignment.madeAnew(partitions, isReadOn: isReadOn)) }
            case .waits(let partition, let code):
                progress.clear()
                if !settings.isQuiet { console.warning(ConsumeAssignment.waits(partition, code)) }
            case .blocked(let error):
                progress.clear()
                if !settings.isQuiet { console.warning(ConsumeAssignment.blocked(error)) }
            case .records(let fetched):
                try print(fetched, consumer)
                if output.failure != nil { return }
                if let limit = settings.maxRecords, records >= limit { return }
                storeSoonIfDue(consumer)
                showProgress()
            }
        }
    }

    private func print(_ fetched: FetchedRecords, _ consumer: GroupConsumer) throws(ClientError) {
        let left = settings.maxRecords.map { $0 - records } ?? .max
        if settings.commit == .before {
            // Where it is somebody else's now, that one prints it; the next poll says so.
            let next = try fetched.next(afterRecords: left)
            guard try stored(consumer, [fetched.topicPartition: next]) else { return }
        }
        let done = RecordPrinter.print(fetched, settings.printing, to: output, upTo: left)
        records += done.count
        if settings.commit == .after { printed[fetched.topicPartition] = done.next }
        if let failure = done.failure { throw failure }
    }

    // MARK: Storing

    // What comes from here on is the group's, also while nothing was printed yet.
    private func storeBeginning(
        _ offsets: [TopicPartition: GroupOffset], _ consumer: GroupConsumer
    ) throws(ClientError) {
        switch settings.commit {
        case .never: return
        case .before: _ = try stored(consumer, offsets)
        case .after:
            printed.merge(offsets) { _, new in new }
            lastCommitNs = console.clock.monotonicNs
            storeSoon(consumer)
        }
    }

    /// What was printed and is not known to be stored. What is stored is not stored again: in between another may have
    /// moved the group, or the topic may be another one.
    private var unconfirmed: [TopicPartition: GroupOffset] {
        let confirmed = confirmed.withLock { $0 }
        return printed.filter { confirmed[$0.key] != $0.value }
    }

    private func forget(_ partitions: [TopicPartition]) {
        for partition in partitions { printed[partition] = nil }
        confirmed.withLock { confirmed in for partition in partitions { confirmed[partition] = nil } }
    }

    /// - Returns: false when the partitions belong to another member by now.
    private func stored(
        _ consumer: GroupConsumer, _ offsets: [TopicPartition: GroupOffset]
    ) throws(ClientError) -> Bool {
        do throws(ClientError) {
            try consumer.commit(offsets)
            return true
        } catch {
            guard error.errorCode == .unknownMemberId || error.errorCode == .illegalGeneration else { throw error }
            return false
        }
    }

    // Only what has left this process counts as printed.
    private func store(
        _ consumer: GroupConsumer, _ offsets: [TopicPartition: GroupOffset]
    ) throws(ClientError) {
        output.flush()
        guard output.failure == nil, !offsets.isEmpty else { return }
        for partition in offsets.keys { printed[partition] = nil }
        // Whoever has pressed ^C does not wait long for a broker that is gone.
        try consumer.commit(offsets, timeoutMs: console.interruption?.signal == nil ? 10_000 : 3000)
    }

    private func storeSoonIfDue(_ consumer: GroupConsumer) {
        let now = console.clock.monotonicNs
        if now - lastRefreshNs >= ConsumeGroupRun.refreshNs {
            lastRefreshNs = now
            confirmed.withLock { $0 = [:] }
        }
        guard !printed.isEmpty, (now - lastCommitNs) / 1_000_000 >= Int64(client.config.autoCommitIntervalMs) else {
            return
        }
        lastCommitNs = now
        storeSoon(consumer)
    }

    private func storeSoon(_ consumer: GroupConsumer) {
        output.flush()
        guard output.failure == nil else { return }
        let due = unconfirmed
        guard !due.isEmpty else { return }
        consumer.commitSoon(due) { [logger = client.logger, confirmed] error in
            // The next one, or the last, stores the same and more.
            if let error { return logger.warning("offsets were not stored: \(error)") }
            confirmed.withLock { $0.merge(due) { _, new in new } }
        }
    }

    // MARK: Telling

    private func warn(_ reason: String) {
        progress.clear()
        console.warning("some of what was printed could not be stored and may be read again: \(reason)")
    }

    private func note(_ what: String, _ partitions: [TopicPartition]) {
        guard settings.isVerbose else { return }
        let names = TopicPartition.grouped(partitions).map { "\($0.topic):\(PartitionList.text($0.partitions))" }
        console.note("\(console.tool): \(what) \(names.isEmpty ? "nothing" : names.joined(separator: " "))")
    }

    private func showProgress() {
        if progress.isDue {
            progress.show(ProgressLine.State(records: records, bytes: output.total))
        }
    }

    private func summarize() {
        let seconds = Double(console.clock.monotonicNs - startNs) / 1e9
        console.note(
            "\(console.tool): \(Quantity.count(records, "record")), \(ByteSize.text(output.total)) in "
                + "\(Quantity.duration(seconds: seconds)), "
                + "\(Quantity.grouped(Int64(Double(records) / max(seconds, 0.001)))) records/s")
    }
}
