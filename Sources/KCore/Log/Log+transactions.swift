internal import Synchronization

extension Log {
    /// The offset below which every transaction is decided, for readers that are told `highWatermark`: where the oldest
    /// one begins that is not, else the high watermark. It is decided when its marker is replicated, see ``highWatermark``.
    public func lastStableOffset(highWatermark: Int64) -> Int64 {
        published.withLock { published in
            if published.unstable.isEmpty { return highWatermark }
            let replicatedEnd = watermark.load(ordering: .acquiring)
            guard let unstable = published.unstable.firstUnstableOffset(replicatedEnd: replicatedEnd) else {
                return highWatermark
            }
            return min(highWatermark, max(unstable, published.startOffset))
        }
    }

    /// The aborted transactions that a reader must know of to skip their records: those with records below `end` that
    /// ended at `offset` or later.
    /// - Throws: KAFKA_STORAGE_ERROR when an index cannot be read.
    public func abortedTransactions(from offset: Int64, upTo end: Int64) throws(LogError) -> [AbortedTransaction] {
        guard offset < end else { return [] }
        do {
            return try settled { () throws(LogFault) in try collectAborted(from: offset, upTo: end) }
        } catch .damaged(let path, let position, let reason) {
            environment.logger.error(
                "a transaction index is damaged and made anew",
                ["path": path, "position": position, "reason": reason])
        } catch {
            throw answer(to: error)
        }
        do {
            let segments = published.withLock { $0.segments }
            if let first = segments[(Log.segmentIndex(segments, for: offset) ?? 0)...].first {
                try rebuildTransactionIndexes(from: first)
            }
            return try settled { () throws(LogFault) in try collectAborted(from: offset, upTo: end) }
        } catch {
            throw answer(to: error)
        }
    }

    private func collectAborted(
        from offset: Int64, upTo end: Int64, attempts: Int = 3
    ) throws(LogFault) -> [AbortedTransaction] {
        let segments = published.withLock { $0.segments }
        var found: [AbortedTransaction] = []
        // In front of the first segment there is nothing that could have been read.
        for segment in segments[(Log.segmentIndex(segments, for: offset) ?? 0)...] {
            do throws(LogFault) {
                // Thousands of segments can lie in front of the one that has something.
                try segment.learnLastAbortedEnd()
                if segment.lastAbortedEnd.load(ordering: .acquiring) < offset { continue }
                if try segment.files.transactionIndex.collect(from: offset, upTo: end, into: &found) { break }
            } catch  where error.isMissingFile {
                // Deleted, with what was in it; or cleaned, and then the one in its place has what is needed.
                if attempts > 0 { return try collectAborted(from: offset, upTo: end, attempts: attempts - 1) }
            }
        }
        return found
    }

    /// The aborted transactions for what was read from `offset` on.
    /// - Parameter end: exclusive, the limit of the read.
    public func abortedTransactions(
        in read: LogRead, from offset: Int64, upTo end: Int64
    ) throws(LogError) -> [AbortedTransaction] {
        guard read.records.count > 0, mayHaveAborted(from: offset) else { return [] }
        return try abortedTransactions(from: offset, upTo: min(end, upperBound(of: read)))
    }

    /// Whether a transaction that ended at `offset` or behind may have been aborted: false is certain, and known without a
    /// look at the disk.
    public func mayHaveAborted(from offset: Int64) -> Bool {
        let segments = published.withLock { $0.segments }
        return segments[(Log.segmentIndex(segments, for: offset) ?? 0)...].contains {
            $0.lastAbortedEnd.load(ordering: .acquiring) >= offset
        }
    }

    // An offset that nothing of the read reaches: where the batch behind it begins, as that itself says. Not asked of an
    // index, which may be wrong, and not of the segment, which cleaning may have put another one in the place of.
    private func upperBound(of read: LogRead) throws(LogError) -> Int64 {
        guard case .files(let regions) = read.records, let last = regions.last,
            let file = last.source as? any DiskFile
        else { return read.logEndOffset }
        let (segments, activeSize) = published.withLock { ($0.segments, $0.activeSize) }
        guard let index = Log.segmentIndex(segments, for: read.firstOffset) else { return read.logEndOffset }
        let isActive = index + 1 == segments.count
        let next = isActive ? read.logEndOffset : segments[index + 1].baseOffset
        let position = last.position + Int64(last.count)
        do throws(LogFault) {
            let end = isActive ? activeSize : try onDisk { () throws(DiskError) in try file.size() }
            let behind = try BatchScanner.scan(file, from: position, to: end, windowBytes: StoredBatch.headerBytes) {
                (scanner) throws(LogFault) in try scanner.next()
            }
            guard let behind, behind.baseOffset > read.firstOffset else { return next }
            return min(next, behind.baseOffset)
        } catch .damaged {
            return next
        } catch {
            throw answer(to: error)
        }
    }

    /// The idempotent and transactional producers that the log knows, by their ids.
    var producerStates: ProducerTable { writer.withLock { $0.producers.states } }

    /// Whether a producer has a transaction open, in whichever epoch. Waits for no disk.
    /// - Returns: nil when that cannot be told because somebody is waiting for it.
    func hasOpenTransaction(of producerId: Int64) -> Bool? {
        try? withWriterSoon { $0.producers.hasOpenTransaction(producerId) }
    }

    /// Whether a producer with this epoch may write into a transaction: it has not been fenced by a newer one, and its
    /// transaction has begun here in this epoch or was confirmed, where that is asked for.
    func check(producerId: Int64, epoch: Int16) -> ErrorCode {
        writer.withLock { check(producerId, epoch, $0) }
    }

    /// The same for a thread that must not wait for a disk.
    /// - Returns: nil when it would have to, for somebody who does.
    func checkAtOnce(producerId: Int64, epoch: Int16) -> ErrorCode? {
        try? withWriterSoon { check(producerId, epoch, $0) }
    }

    private func check(_ producerId: Int64, _ epoch: Int16, _ writer: Writer) -> ErrorCode {
        if let state = writer.producers.states[producerId], epoch < state.epoch { return .invalidProducerEpoch }
        guard environment.verifiesTransactions, !writer.producers.hasOpenTransaction(producerId, epoch: epoch)
        else { return .none }
        let isConfirmed = verifications.withLock { $0.isConfirmed(producerId, epoch: epoch) }
        return isConfirmed ? .none : .invalidTxnState
    }

    /// Takes note of what was appended to `segment`, and puts aborted transactions into its index.
    /// - Parameter waits: whether it may wait for the disk; if not, the index is ready for an entry.
    func apply(
        _ prepared: PreparedAppend, _ segment: LogSegment, waits: Bool = true, _ writer: inout Writer
    ) throws(LogError) -> [EndedTransaction] {
        var ended: [EndedTransaction] = []
        for (index, batch) in prepared.batches.enumerated() {
            writer.epochs.assign(batch.header.partitionLeaderEpoch, startOffset: batch.header.baseOffset)
            if batch.header.isTransactional { verifications.withLock { $0.appended(batch.header) } }
            let transaction = writer.producers.apply(
                batch.header, marker: prepared.markers[index], timeMs: environment.clock.wallMs)
            guard let transaction else { continue }
            ended.append(transaction)
            guard let entry = writer.producers.indexEntry(of: transaction) else { continue }
            writer.hasNewFiles = true
            do throws(DiskError) {
                try segment.append(entry, waits: waits)
            } catch {
                // The batches are in, and readers would take the records for good.
                throw environment.directory.fail(error)
            }
        }
        return ended
    }
}

extension Log.Published {
    /// Takes note of what an append did to transactions.
    mutating func note(_ ended: [EndedTransaction], firstOpenOffset: Int64?) {
        unstable.firstOpenOffset = firstOpenOffset
        for transaction in ended { unstable.end(transaction) }
    }
}
