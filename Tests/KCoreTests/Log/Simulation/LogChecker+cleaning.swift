@testable import KCore

/// What must hold of a log from which a cleaner has removed records.
extension LogChecker {
    private struct Place: Hashable {
        var producerId: Int64
        var baseOffset: Int64
    }

    /// What became of the transactions, by the batches of records that belong to them.
    private struct Outcomes {
        var aborted: Set<Place> = []
        var open: Set<Place> = []

        init(_ batches: some Sequence<(header: RecordBatchHeader, marker: EndTransactionMarker?)>) {
            var pending: [Int64: [Place]] = [:]
            for (header, marker) in batches where header.isTransactional && header.hasProducerId {
                if header.isControl {
                    let places = pending.removeValue(forKey: header.producerId) ?? []
                    if marker?.isCommit == false { aborted.formUnion(places) }
                } else {
                    let place = Place(producerId: header.producerId, baseOffset: header.baseOffset)
                    pending[header.producerId, default: []].append(place)
                }
            }
            for places in pending.values { open.formUnion(places) }
        }

        func isAborted(_ header: RecordBatchHeader) -> Bool {
            aborted.contains(Place(producerId: header.producerId, baseOffset: header.baseOffset))
        }

        func isOpen(_ header: RecordBatchHeader) -> Bool {
            open.contains(Place(producerId: header.producerId, baseOffset: header.baseOffset))
        }
    }

    // What was there, up to where the log ends, or what could not be appended takes the place of what was.
    private var wanted: ArraySlice<ModelBatch> {
        let known = Set(model.live.map(\.id))
        let other = batches.firstIndex { batch in
            // In front of what the model still has, nothing is told by what it does not know.
            batch.model.map { !known.contains($0.id) && $0.lastOffset >= max(start, model.live.first?.baseOffset ?? 0) }
                ?? false
        }
        var limit = end
        if let other { limit = max(model.promisedEnd, other > 0 ? batches[other - 1].header.lastOffset + 1 : start) }
        return model.live.prefix { $0.lastOffset < limit }
    }

    private var wantedOutcomes: Outcomes { Outcomes(wanted.lazy.map { ($0.header, $0.marker) }) }

    private func present() -> [Int64: Record] {
        var present: [Int64: Record] = [:]
        for batch in batches { for record in batch.records { present[record.offset] = record } }
        return present
    }

    /// Every record that is gone must have been one that may go, and nothing that it hid may be there.
    func checkCleaning() throws {
        guard model.wasCleaned, model.restart == nil else { return }
        let outcomes = wantedOutcomes
        let present = present()
        // As far as cleanings went.
        var last: [Bytes: Record] = [:]
        // A tombstone that is gone, by key.
        var gone: [Bytes: Int64] = [:]
        var open: [Int64: [ModelBatch]] = [:]
        var aborted: [ModelBatch] = []
        for batch in wanted {
            if batch.header.isControl {
                let data = open.removeValue(forKey: batch.header.producerId) ?? []
                try checkMarker(batch, of: data, present)
                continue
            }
            if batch.header.isTransactional { open[batch.header.producerId, default: []].append(batch) }
            if outcomes.isAborted(batch.header) {
                aborted.append(batch)
                continue
            }
            if outcomes.isOpen(batch.header) { continue }
            for record in batch.records where record.offset < model.cleaning.limit {
                record.key.map { last[$0] = record }
            }
        }
        for batch in wanted where !batch.header.isControl && !outcomes.isAborted(batch.header) {
            for record in batch.records where record.offset >= start && present[record.offset] == nil {
                try checkGone(record, batch, last, isOpen: outcomes.isOpen(batch.header))
                if let key = record.key, last[key]?.offset == record.offset { gone[key] = record.offset }
            }
        }
        for batch in wanted where !batch.header.isControl && !outcomes.isAborted(batch.header) {
            for record in batch.records where record.offset >= start && present[record.offset] != nil {
                guard let key = record.key, let tombstone = gone[key], record.offset < tombstone else { continue }
                throw SimulationFailure(
                    "the tombstone at \(tombstone) is gone, and what it deletes is there at \(record.offset)")
            }
        }
        for batch in aborted where batch.lastOffset >= model.cleaning.limit && batch.baseOffset >= start {
            guard batch.records.allSatisfy({ present[$0.offset] != nil }) else {
                throw SimulationFailure("\(batch.baseOffset) is gone, and no cleaning went as far")
            }
        }
        try checkHorizons()
    }

    private func checkGone(_ record: Record, _ batch: ModelBatch, _ last: [Bytes: Record], isOpen: Bool) throws {
        let offset = record.offset
        guard offset < model.cleaning.limit else {
            throw SimulationFailure("\(offset) is gone, and no cleaning went as far: \(model.cleaning.limit)")
        }
        if isOpen { throw SimulationFailure("\(offset) is gone, and its transaction is open") }
        guard let key = record.key, let newest = last[key] else { return }
        if newest.offset > offset { return }
        guard record.value == nil else {
            throw SimulationFailure("\(offset) is gone, and was the last value of \(key.utf8String)")
        }
        guard model.isDue(batch) else {
            throw SimulationFailure("the tombstone at \(offset) is gone before its horizon")
        }
    }

    private func checkMarker(_ batch: ModelBatch, of data: [ModelBatch], _ present: [Int64: Record]) throws {
        guard batch.baseOffset >= start, !batch.records.isEmpty, present[batch.baseOffset] == nil else { return }
        guard batch.baseOffset < model.cleaning.limit else {
            throw SimulationFailure("the marker at \(batch.baseOffset) is gone, and no cleaning went as far")
        }
        for record in data.flatMap(\.records) where present[record.offset] != nil {
            throw SimulationFailure(
                "the marker at \(batch.baseOffset) is gone, and marks what is there at \(record.offset)")
        }
        guard model.isDue(batch) else {
            throw SimulationFailure("the marker at \(batch.baseOffset) is gone before its horizon")
        }
    }

    // A horizon is set once, by the clock of the cleaning that sets it.
    private func checkHorizons() throws {
        for batch in batches {
            let base = batch.header.baseOffset
            let before = model.cleaning.horizons[base]
            guard let horizon = batch.header.deleteHorizonMs, horizon != before else { continue }
            let isNew = before == nil
            guard isNew, model.unseenStartsMs(base).contains(horizon - model.config.deleteRetentionMs) else {
                throw SimulationFailure(
                    "the horizon of \(base) is \(horizon), and was \(before.map { "\($0)" } ?? "none"); cleanings that nobody "
                        + "has looked at since began at \(model.cleaning.startsMs)")
            }
        }
    }

    /// After a cleaning that went to its end: nothing is left that had to go.
    func checkCleaned(to limit: Int64) throws {
        let outcomes = wantedOutcomes
        var last: [Bytes: Int64] = [:]
        for batch in wanted where !batch.header.isControl && !outcomes.isAborted(batch.header) {
            for record in batch.records where record.offset < limit { record.key.map { last[$0] = record.offset } }
        }
        for batch in batches where !batch.header.isControl {
            for record in batch.records where record.offset >= start && record.offset < limit {
                if outcomes.isAborted(batch.header) {
                    throw SimulationFailure("\(record.offset) was aborted, and is there after a cleaning to \(limit)")
                }
                guard let key = record.key, last[key] == record.offset else {
                    throw SimulationFailure("\(record.offset) is there after a cleaning to \(limit)")
                }
            }
        }
    }

    /// Who reads what is committed must find just that, by what the log says of aborted transactions.
    func checkCommitted() throws {
        let outcomes = Outcomes(batches.lazy.map { ($0.header, $0.model?.marker) })
        let stable = log.lastStableOffset(highWatermark: end)
        if let open = batches.first(where: { outcomes.isOpen($0.header) && $0.header.baseOffset >= start }),
            stable > open.header.baseOffset
        {
            throw SimulationFailure("\(stable) is stable, and the transaction at \(open.header.baseOffset) is open")
        }
        var aborted = try log.abortedTransactions(from: start, upTo: stable).sorted { $0.firstOffset < $1.firstOffset }[
            ...]
        // Who is told of a transaction skips what its producer writes until the marker, and beyond where there is none.
        for transaction in aborted where transaction.lastOffset >= start {
            let marker = batches.first { $0.header.baseOffset == transaction.lastOffset }
            guard let marker, marker.model?.marker?.isCommit == false,
                marker.header.producerId == transaction.producerId
            else {
                throw SimulationFailure(
                    "readers are told that producer \(transaction.producerId) aborts at \(transaction.lastOffset), and "
                        + "no such marker is there")
            }
        }
        var skipped: Set<Int64> = []
        for batch in batches where batch.header.lastOffset < stable {
            while let next = aborted.first, next.firstOffset <= batch.header.lastOffset {
                skipped.insert(next.producerId)
                aborted.removeFirst()
            }
            if batch.header.isControl {
                if batch.model?.marker?.isCommit == false { skipped.remove(batch.header.producerId) }
                continue
            }
            if batch.records.isEmpty { continue }
            let isSkipped = batch.header.isTransactional && skipped.contains(batch.header.producerId)
            guard isSkipped == outcomes.isAborted(batch.header) else {
                throw SimulationFailure(
                    "\(batch.header.baseOffset) is \(isSkipped ? "committed" : "aborted"), and readers are told otherwise"
                )
            }
        }
    }
}
