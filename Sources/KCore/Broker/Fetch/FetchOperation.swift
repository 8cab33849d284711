/// A fetch from its arrival to its answer: read, park when there is too little, wake when enough arrived, answer.
///
/// `@unchecked Sendable`: what changes is touched on the loop of its connection only. Other threads hold it inside closures
/// that they post to that loop, and look at nothing but what never changes.
final class FetchOperation: @unchecked Sendable {
    private let call: Call
    private let request: FetchRequest
    private let targets: [Target]
    private let limit: ReadLimit
    private var session: FetchSession?
    private let isIncremental: Bool
    private let deadlineMs: Int64

    private var parked: WaitingFetch?
    private var timer: TimerHandle?
    private var isDone = false
    // Another thread reads, because a disk has to be waited for.
    private var isReadElsewhere = false

    /// One partition to read: what was asked, and what this broker knows of it.
    struct Target {
        var topic: String
        var topicId: Uuid
        var request: FetchRequest.FetchPartition
        var partition: Partition?
        var error: ErrorCode
        /// Where it stands in the session.
        var position: Int
    }

    private struct Reading: Sendable {
        /// Up to where the partitions may be read, from before they were read.
        var marks: [Int64]
        var bytesLeft: Int
        /// Each partition with records keeps a file open until it is sent. What would be too many comes with the next.
        var filesLeft: Int
        var answers: [FetchResponse.PartitionData] = []
        var byteCount = 0
        var mustAnswerNow = false
        var firstWithRecords: Int?
    }

    init(call: Call, request: FetchRequest, targets: [Target], session: FetchSession?, isIncremental: Bool) {
        self.call = call
        self.request = request
        self.targets = targets
        self.session = session
        self.isIncremental = isIncremental
        limit = request.isolationLevel == .readCommitted ? .lastStableOffset : .highWatermark
        deadlineMs = call.broker.clock.monotonicMs + Int64(max(0, request.maxWaitMs))
    }

    func start() {
        proceed()
    }

    private func proceed() {
        guard !isDone, !isReadElsewhere else { return }
        stopWaiting()
        while true {
            var reading = newReading()
            if !read(&reading, waits: false) { return readElsewhere(reading) }
            if conclude(reading) { return }
        }
    }

    /// Answers, or waits for more.
    /// - Returns: false when a partition has moved since it was read, so that it is read again.
    private func conclude(_ reading: Reading) -> Bool {
        let left = deadlineMs - call.broker.clock.monotonicMs
        let isEnough = reading.byteCount >= Int(request.minBytes)
        if reading.mustAnswerNow || isEnough || targets.isEmpty || left <= 0 {
            answer(reading)
            return true
        }
        return park(missingBytes: Int(request.minBytes) - reading.byteCount, marks: reading.marks, waitMs: left)
    }

    // MARK: Reading

    private func newReading() -> Reading {
        var reading = Reading(
            marks: targets.map { $0.partition?.endOffset(limit) ?? -1 },
            bytesLeft: min(Int(request.maxBytes), call.broker.settings.fetchMaxBytes),
            filesLeft: call.broker.settings.logManager.maxOpenFiles)
        reading.answers.reserveCapacity(targets.count)
        return reading
    }

    /// Reads the partitions that are not read yet.
    /// - Parameter waits: whether a disk may be waited for, at the first of them.
    /// - Returns: false when it stopped at one that a disk has to be waited for.
    private func read(_ reading: inout Reading, waits: Bool) -> Bool {
        var waits = waits
        while reading.answers.count < targets.count {
            let position = reading.answers.count
            if reading.filesLeft == 0 { reading.bytesLeft = 0 }
            var answer = FetchResponse.PartitionData()
            answer.partitionIndex = targets[position].request.partition
            answer.records = .empty
            guard
                fill(
                    &answer, targets[position], bytesLeft: reading.bytesLeft, minOneBatch: reading.byteCount == 0,
                    waits: waits)
            else { return false }
            waits = false
            let byteCount = answer.records?.count ?? 0
            if byteCount > 0 {
                reading.byteCount += byteCount
                reading.filesLeft -= 1
                reading.bytesLeft = max(0, reading.bytesLeft - byteCount)
                reading.firstWithRecords = reading.firstWithRecords ?? position
            }
            if answer.errorCode != .none || answer.divergingEpoch != FetchResponse.EpochEndOffset() {
                reading.mustAnswerNow = true
            }
            reading.answers.append(answer)
        }
        return true
    }

    /// Goes on where a disk has to be waited for, on a thread that may. After each wait it is others' turn.
    private func readElsewhere(_ reading: Reading) {
        isReadElsewhere = true
        // The first that is not read yet is the one that waits.
        let readers = targets[reading.answers.count].partition?.log.environment.readers ?? call.broker.readers
        let isTaken = readers.submit { [self] in
            var reading = reading
            let isComplete = read(&reading, waits: true)
            // What is sent first is brought into memory at the same time.
            if reading.firstWithRecords == reading.answers.count - 1 {
                reading.answers.last?.records?.loadStart(nowMs: call.broker.clock.monotonicMs)
            }
            call.loop.execute { [reading] in self.hasReadElsewhere(reading, isComplete: isComplete) }
        }
        if isTaken { return }
        // The broker stops, and who is answered now need not be told otherwise.
        var reading = reading
        while !read(&reading, waits: true) {}
        hasReadElsewhere(reading, isComplete: true)
    }

    private func hasReadElsewhere(_ reading: Reading, isComplete: Bool) {
        isReadElsewhere = false
        guard !isDone else { return }
        if !isComplete { return readElsewhere(reading) }
        if !conclude(reading) { proceed() }
    }

    /// - Parameter waits: whether a disk may be waited for.
    /// - Returns: false when it has to be, and may not.
    private func fill(
        _ answer: inout FetchResponse.PartitionData, _ target: Target, bytesLeft: Int, minOneBatch: Bool, waits: Bool
    ) -> Bool {
        answer.errorCode = target.error
        answer.highWatermark = -1
        guard target.error == .none, let partition = target.partition else { return true }
        answer.errorCode = partition.check(leaderEpoch: target.request.currentLeaderEpoch)
        guard answer.errorCode == .none else { return true }
        if target.request.lastFetchedEpoch >= 0 {
            guard let end = partition.log.endOffset(forLeaderEpoch: target.request.lastFetchedEpoch) else {
                // An epoch that this log has never had: nothing tells where the histories part.
                answer.errorCode = .offsetOutOfRange
                return true
            }
            if let diverging = divergence(of: target.request, from: end) {
                answer.divergingEpoch = diverging
                return true
            }
        }
        // Taken before the read, which ends there: a reader never sees records above the watermark it is told.
        answer.highWatermark = partition.highWatermark
        answer.lastStableOffset = min(partition.lastStableOffset, answer.highWatermark)
        answer.logStartOffset = partition.log.logStartOffset
        if limit == .lastStableOffset { answer.abortedTransactions = [] }
        let maxBytes = min(Int(target.request.partitionMaxBytes), bytesLeft)
        if maxBytes <= 0 && !minOneBatch { return true }
        do throws(LogError) {
            let offset = target.request.fetchOffset
            let end = limit == .lastStableOffset ? answer.lastStableOffset : answer.highWatermark
            let result: LogRead
            if waits {
                result = try partition.read(from: offset, maxBytes: maxBytes, upTo: end, minOneBatch: minOneBatch)
            } else {
                let found = try partition.readCached(
                    from: offset, maxBytes: maxBytes, upTo: end, minOneBatch: minOneBatch)
                guard let found else { return false }
                // Which transactions were aborted may be on the disk only, too.
                if limit == .lastStableOffset, found.records.count > 0, partition.log.mayHaveAborted(from: offset) {
                    return false
                }
                result = found
            }
            try FetchDownConversion.check(partition.log.config, fetchVersion: call.version)
            if limit == .lastStableOffset, waits {
                answer.abortedTransactions = try aborted(result, target, upTo: answer.lastStableOffset)
            }
            answer.records = result.records
        } catch {
            answer.errorCode = error.code
            // Of damage the log has told.
            if error.code == .offsetOutOfRange || error.code == .corruptMessage { return true }
            call.broker.logger.warning("a fetch failed: \(error.message)", ["partition": partition.topicPartition])
        }
        return true
    }

    private func aborted(
        _ read: LogRead, _ target: Target, upTo end: Int64
    ) throws(LogError) -> [FetchResponse.AbortedTransaction] {
        guard let log = target.partition?.log else { return [] }
        return try log.abortedTransactions(in: read, from: target.request.fetchOffset, upTo: end).map { found in
            var transaction = FetchResponse.AbortedTransaction()
            transaction.producerId = found.producerId
            transaction.firstOffset = found.firstOffset
            return transaction
        }
    }

    /// Where the reader's history leaves this log's, when it does (KIP-595, version 12 on).
    private func divergence(
        of request: FetchRequest.FetchPartition, from end: (epoch: Int32, endOffset: Int64)
    ) -> FetchResponse.EpochEndOffset? {
        guard end.epoch < request.lastFetchedEpoch || end.endOffset < request.fetchOffset else { return nil }
        var diverging = FetchResponse.EpochEndOffset()
        diverging.epoch = end.epoch
        diverging.endOffset = end.endOffset
        return diverging
    }

    // MARK: Waiting

    /// - Returns: false when a partition has moved since it was read.
    private func park(missingBytes: Int, marks: [Int64], waitMs: Int64) -> Bool {
        let loop = call.loop
        let fetch = WaitingFetch(missingBytes: missingBytes) { [self] in loop.execute { self.proceed() } }
        parked = fetch
        for (target, mark) in zip(targets, marks) {
            if let partition = target.partition, !partition.wait(fetch, since: mark, limit) {
                stopWaiting()
                return false
            }
        }
        timer = loop.schedule(afterMs: min(waitMs, delayMs())) { [self] in proceed() }
        call.client.park(self)
        return true
    }

    /// Milliseconds until a partition shows what was too young to be seen when it was read.
    private func delayMs() -> Int64 {
        let dueMs = targets.reduce(Int64.max) { min($0, $1.partition?.nextDueMs ?? .max) }
        return dueMs == .max ? .max : max(0, dueMs - call.broker.clock.wallMs)
    }

    private func stopWaiting() {
        timer?.cancel()
        timer = nil
        guard let fetch = parked else { return }
        parked = nil
        call.client.unpark(self)
        for target in targets { target.partition?.stopWaiting(fetch) }
    }

    /// The connection is gone: nobody waits for the answer.
    func abandon() {
        guard !isDone else { return }
        isDone = true
        stopWaiting()
        if let session { call.broker.fetchSessions.close(session) }
        session = nil
    }

    // MARK: Answering

    private func answer(_ reading: Reading) {
        isDone = true
        guard FetchDownConversion.isNeeded(fetchVersion: call.version), reading.byteCount > 0 else {
            return send(reading)
        }
        // Records are decoded for clients this old, which other connections of the loop must not wait for.
        call.broker.workers.submit { [self] in
            var converted = reading
            for index in converted.answers.indices { convert(&converted.answers[index], targets[index]) }
            call.loop.execute { [converted] in self.send(converted) }
        }
    }

    private func convert(_ answer: inout FetchResponse.PartitionData, _ target: Target) {
        guard let records = answer.records, records.count > 0 else { return }
        do throws(LogError) {
            answer.records = try FetchDownConversion.convert(
                records, fetchVersion: call.version, from: target.request.fetchOffset)
        } catch {
            answer.records = .empty
            answer.errorCode = error.code
        }
    }

    private func send(_ reading: Reading) {
        var response = FetchResponse()
        response.sessionId = session?.id ?? 0
        for (target, answer) in zip(targets, reading.answers) {
            let changed = session?.note(answer, at: target.position) ?? true
            if isIncremental && !changed { continue }
            response.append(answer, topic: target.topic, topicId: target.topicId)
        }
        if var session {
            // The next answer begins behind the first partition that had something this time.
            if let first = reading.firstWithRecords, targets.count > 1 { session.start = targets[first].position + 1 }
            self.session = nil
            call.broker.fetchSessions.close(session)
        }
        call.reply(response)
    }
}

extension WireRecords {
    /// Brings the beginning of what is in files into memory.
    fileprivate func loadStart(nowMs: Int64) {
        guard case .files(let regions) = self, let first = regions.first, first.inMemoryUntilMs <= nowMs else { return }
        let count = min(first.count, ColdRead.maxBytes)
        if first.source.isCached(at: first.position, count: count) { return }
        first.source.load(at: first.position, count: count)
    }
}

extension FetchResponse {
    /// Adds a partition's answer; neighbours of one topic share its entry.
    fileprivate mutating func append(_ answer: PartitionData, topic: String, topicId: Uuid) {
        // Without a copy of the last entry at hand, which would make each of these copy its partitions.
        let last = responses.count - 1
        if last >= 0, responses[last].topicId == topicId, responses[last].topic == topic {
            responses[last].partitions.append(answer)
            return
        }
        var entry = FetchableTopicResponse()
        entry.topic = topic
        entry.topicId = topicId
        entry.partitions = [answer]
        responses.append(entry)
    }
}
