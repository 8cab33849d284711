internal import Synchronization

extension Partition {
    /// The first offset that consumers may not see. Never goes back as long as this broker leads the partition.
    public var highWatermark: Int64 {
        // Without a delay, or with nothing that is due, nobody looks at the clock or takes a lock.
        let dueMs = publishedDueMs.load(ordering: .acquiring)
        if dueMs != .max, clock.wallMs >= dueMs { updateVisibility { _ in } }
        return publishedHighWatermark.load(ordering: .acquiring)
    }

    /// When `delivery.delay.ms` lets the high watermark move next, milliseconds since 1970; `Int64.max` when something
    /// else has to happen first.
    var nextDueMs: Int64 { publishedDueMs.load(ordering: .acquiring) }

    /// The offset below which every transaction is decided, and at most the high watermark.
    public var lastStableOffset: Int64 { log.lastStableOffset(highWatermark: highWatermark) }

    /// The first offset that a reader with this limit may not see.
    public func endOffset(_ limit: ReadLimit) -> Int64 {
        switch limit {
        case .highWatermark: highWatermark
        case .lastStableOffset: lastStableOffset
        }
    }

    /// Puts changed settings of the topic into force.
    public func updateConfig(_ config: LogConfig) {
        log.updateConfig(config)
        let end = log.logEndOffset
        let replicated = log.highWatermarkLimit
        updateVisibility { visibility in
            visibility.change(delayMs: config.deliveryDelayMs, logEndOffset: end)
            // What had to be flushed first may not have to any more.
            _ = visibility.replicated(to: replicated, nowMs: clock.wallMs)
        }
    }

    var clock: any Clock { log.environment.clock }

    /// What a log that is taken into service shows: with one replica all of it, unless it is too young.
    static func visibility(of log: Log) -> Visibility {
        let end = log.logEndOffset
        let delayMs = log.config.deliveryDelayMs
        // What was shown before this start stays visible.
        let shownEnd = log.shownEndOffset.load(ordering: .relaxed)
        let replicatedEnd = max(log.highWatermarkLimit, shownEnd)
        guard delayMs > 0 else { return Visibility(replicatedEnd: replicatedEnd) }
        let (limitMs, isEver) = log.environment.clock.wallMs.subtractingReportingOverflow(delayMs)
        var dueEnd = max(log.logStartOffset, shownEnd)
        do throws(LogError) {
            dueEnd = try log.firstBatch(youngerThan: isEver ? .min : limitMs, from: dueEnd) ?? end
        } catch {
            log.environment.logger.error(
                "the age of records is not known, they wait anew", ["partition": log.topicPartition, "error": error])
        }
        return Visibility(
            replicatedEnd: replicatedEnd, delay: DeliveryDelay(delayMs: delayMs, dueEnd: dueEnd, logEndOffset: end))
    }

    /// Takes note of an append of this leader. With one replica it is replicated at once, or when it is flushed if it must
    /// be.
    func appended(_ result: AppendResult, byteCount: Int) {
        let end = log.highWatermarkLimit
        updateVisibility(byteCount: end > result.lastOffset ? byteCount : nil) { visibility in
            visibility.appended(
                from: result.baseOffset, to: result.lastOffset + 1, maxTimestamp: result.maxTimestamp,
                nowMs: clock.wallMs)
            _ = visibility.replicated(to: end, nowMs: clock.wallMs)
        }
    }

    /// Where records count only when they are on stable storage, asks for a flush of what is not. ``hasFlushed()`` follows,
    /// however often a flush has to be tried.
    func advanceWhenFlushed() {
        guard log.config.showsOnlyFlushed else { return }
        hasFlushed()
        if log.recoveryPoint < log.logEndOffset { log.requestFlush() }
    }

    /// Has the high watermark follow what is on stable storage now.
    func hasFlushed() {
        guard log.config.showsOnlyFlushed else { return }
        let flushed = log.highWatermarkLimit
        guard state.withLock({ $0.visibility.replicatedEnd < flushed }) else { return }
        updateVisibility { _ = $0.replicated(to: flushed, nowMs: clock.wallMs) }
    }

    /// Changes what is visible, tells readers, and wakes who waits for it.
    /// - Parameter byteCount: bytes that this makes visible, as far as it is known.
    func updateVisibility(byteCount: Int? = nil, _ change: (inout Visibility) -> Void) {
        var more: (from: Int64, count: Int)?
        var isDelayed = false
        let (waiting, waitingForStable) = state.withLock { state -> ([WaitingFetch], [WaitingFetch]) in
            let dueMs = state.visibility.nextDueMs
            let mark = state.visibility.highWatermark
            let wasHeldBack = state.lastStableOffset < mark
            change(&state.visibility)
            isDelayed = state.visibility.isDelaying
            let nowMs = isDelayed ? clock.wallMs : 0
            _ = state.visibility.advance(nowMs: nowMs)
            more = state.visibility.wantsMore(nowMs: nowMs)
            log.highWatermark = state.visibility.replicatedEnd
            publishedHighWatermark.store(state.visibility.highWatermark, ordering: .releasing)
            publishedDueMs.store(state.visibility.nextDueMs ?? .max, ordering: .releasing)
            let stableMark = state.lastStableOffset
            state.lastStableOffset = log.lastStableOffset(highWatermark: state.visibility.highWatermark)
            let isHeldBack = state.lastStableOffset < state.visibility.highWatermark
            // Also when another append has moved it beyond these records: it counted its own bytes only. And who waits
            // without a time to look again gets one.
            let hasMoved =
                !isDelayed && byteCount != nil || state.visibility.highWatermark != mark
                || state.visibility.nextDueMs != dueMs
            if !wasHeldBack && !isHeldBack { return (hasMoved ? state.waiting + state.waitingForStable : [], []) }
            // How much a transaction lets go with its end is not known.
            let isStableMoved = state.lastStableOffset != stableMark || state.visibility.nextDueMs != dueMs
            return (hasMoved ? state.waiting : [], isStableMoved ? state.waitingForStable : [])
        }
        for fetch in waitingForStable { fetch.wakeNow() }
        for fetch in waiting {
            if let byteCount, !isDelayed { fetch.arrived(byteCount: byteCount) } else { fetch.wakeNow() }
        }
        if let more { rememberMore(from: more.from, count: more.count) }
    }

    // Reads headers of batches, which may be far from the page cache.
    private func rememberMore(from offset: Int64, count: Int) {
        log.environment.background { [weak self] in
            guard let self else { return }
            var times: BatchTimes?
            do throws(LogError) {
                times = try log.batchTimes(from: offset, count: count)
                isAgeUnknown.store(false, ordering: .relaxed)
            } catch {
                // It is asked for again and again.
                if !isAgeUnknown.exchange(true, ordering: .relaxed) {
                    log.environment.logger.error(
                        "the age of records is not known", ["partition": topicPartition, "error": error])
                }
            }
            updateVisibility { [times] in $0.answer(times, nowMs: self.clock.wallMs) }
        }
    }
}
