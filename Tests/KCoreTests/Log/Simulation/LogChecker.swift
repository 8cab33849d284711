import Synchronization

@testable import KCore

/// Compares what a log serves with a model of it.
struct LogChecker {
    struct Found {
        var header: RecordBatchHeader
        var records: [Record]
        /// What was handed to the log that this is.
        var model: ModelBatch?
    }

    let log: Log
    let model: LogModel
    let batches: [Found]
    let start: Int64
    let end: Int64

    /// Reads all that is in the log; each batch must have its checksum, and must be one that was written there. What has
    /// records must be served.
    init(_ log: Log, _ model: LogModel) throws {
        self.log = log
        self.model = model
        start = log.logStartOffset
        end = log.logEndOffset
        var batches: [Found] = []
        for bytes in try LogChecker.stored(log) {
            let reader = try RecordBatchReader(bytes)
            if reader.header.lastOffset < start { continue }
            let found = Found(
                header: reader.header, records: try reader.allRecords(), model: LogChecker.match(bytes, reader, model))
            guard found.model != nil else {
                throw SimulationFailure(
                    "the batch at \(reader.header.baseOffset) to \(reader.header.lastOffset) was never written there: "
                        + "\(reader.header), but \(model.written[reader.header.baseOffset]?.map(\.header) ?? [])")
            }
            batches.append(found)
        }
        self.batches = batches
        try checkServed()
    }

    private static func stored(_ log: Log) throws -> [Bytes] {
        var stored: [Bytes] = []
        for segment in log.published.withLock({ $0.segments }) {
            let file = try segment.file()
            try BatchScanner.scan(file, from: 0, to: segment.size) { (scanner) throws(LogFault) in
                while let batch = try scanner.next() {
                    stored.append(
                        try onDisk { () throws(DiskError) in try file.readBytes(at: batch.position, count: batch.size) }
                    )
                }
            }
        }
        return stored
    }

    /// What cleaning has emptied may be passed over where there are records behind it.
    private func checkServed() throws {
        var next = start
        var rest = batches[...]
        while next < end {
            let read = try log.read(from: next, maxBytes: 1 << 16).batches()
            if read.isEmpty { break }
            for bytes in read {
                let header = try RecordBatchReader(bytes).header
                guard header.lastOffset >= next else {
                    throw SimulationFailure("a read from \(next) gave a batch that ends at \(header.lastOffset)")
                }
                next = header.lastOffset + 1
                while let batch = rest.first, batch.header.baseOffset < header.baseOffset, batch.records.isEmpty {
                    rest.removeFirst()
                }
                guard rest.popFirst()?.header == header else {
                    throw SimulationFailure("a read gave \(header), which is not what is there next")
                }
            }
        }
        guard let missed = rest.first(where: { !$0.records.isEmpty }) else { return }
        throw SimulationFailure("\(missed.header.baseOffset) is not served")
    }

    private static func match(_ bytes: Bytes, _ reader: RecordBatchReader, _ model: LogModel) -> ModelBatch? {
        let header = reader.header
        guard let records = try? reader.allRecords() else { return nil }
        return model.written[header.baseOffset]?.last { batch in
            if let wanted = batch.bytes, wanted == bytes { return true }
            if batch.bytes != nil && !model.wasCleaned { return false }
            let wanted = batch.header
            guard header.lastOffset == wanted.lastOffset, header.producerId == wanted.producerId,
                header.producerEpoch == wanted.producerEpoch, header.baseSequence == wanted.baseSequence,
                header.partitionLeaderEpoch == wanted.partitionLeaderEpoch, header.isControl == wanted.isControl,
                header.isTransactional == wanted.isTransactional
            else { return false }
            let isStamped = header.attributes.timestampType == .logAppendTime
            var missing = batch.records[...]
            for record in records {
                guard let index = missing.firstIndex(where: { $0.offset == record.offset }) else { return false }
                var expected = missing[index]
                if isStamped { expected.timestamp = record.timestamp }
                guard expected == record else { return false }
                missing = missing[(index + 1)...]
            }
            return model.wasCleaned || records.count == batch.records.count
        }
    }

    // MARK: Offsets

    func checkOffsets() throws {
        guard start <= end else { throw SimulationFailure("it begins at \(start), behind its end \(end)") }
        var next: Int64?
        for batch in batches {
            let base = batch.header.baseOffset
            if let next, base != next, base < next || !mayHaveGaps {
                throw SimulationFailure("offset \(next) is followed by \(base)")
            }
            if next == nil && base > start && !mayHaveGaps { throw SimulationFailure("\(start) to \(base) is missing") }
            next = batch.header.lastOffset + 1
        }
        // Of one that was to begin anew there, all that is left can be where it begins and the new beginning.
        if next == nil && end == model.restart { return }
        guard let next = next ?? (mayHaveGaps ? nil : start) else { return }
        if next != end && !(mayHaveGaps && next < end) {
            throw SimulationFailure("it ends at \(end) and its records at \(next)")
        }
    }

    private var mayHaveGaps: Bool { model.hasGaps || model.wasCleaned }

    // MARK: Promises

    func checkPromises(_ level: Simulation.Level) throws {
        if let restart = model.restart {
            // It was being emptied: anything between all and nothing.
            guard start == restart || start >= model.promisedStart || start == end else {
                throw SimulationFailure("it begins at \(start)")
            }
            return
        }
        let limit = level == .power || model.isUncertain ? model.promisedEnd : min(model.endOffset, cut)
        guard end >= limit else { throw SimulationFailure("it ends at \(end) and \(limit) was promised") }
        guard start >= model.promisedStart else {
            throw SimulationFailure("it begins at \(start), and \(model.promisedStart) was promised")
        }
        guard start <= max(model.allowedStart, model.startOffset, model.staleStart) else {
            throw SimulationFailure("it begins at \(start), and nobody asked for more than \(model.allowedStart)")
        }
        if level == .clean && !model.isUncertain && (start, end) != (model.startOffset, model.endOffset) {
            throw SimulationFailure(
                "it is from \(start) to \(end), and was from \(model.startOffset) to \(model.endOffset)")
        }
        var index = 0
        for wanted in model.live where wanted.lastOffset >= start && wanted.lastOffset < limit {
            while index < batches.count, batches[index].header.lastOffset < wanted.lastOffset { index += 1 }
            guard index < batches.count, batches[index].model?.id == wanted.id else {
                // ``checkCleaning()`` looks at each record.
                if model.wasCleaned { continue }
                throw SimulationFailure("\(wanted.baseOffset) to \(wanted.lastOffset) was promised and is missing")
            }
        }
    }

    // A truncation that was interrupted has lowered the promise.
    private var cut: Int64 { model.truncation ?? .max }

    // MARK: Lookups

    func checkLookups() throws {
        for batch in batches {
            for offset in [batch.header.baseOffset, batch.header.lastOffset] where offset >= start {
                let first = try log.read(from: offset, maxBytes: 1).batches().first.map {
                    try RecordBatchReader($0).header
                }
                guard let base = first?.baseOffset, base == batch.header.baseOffset || mayPassOver(batch, to: base)
                else {
                    throw SimulationFailure("a read from \(offset) gave \(first?.baseOffset ?? -1)")
                }
            }
        }
        let records = batches.flatMap(\.records).filter { $0.offset >= start }
        let stride = max(1, records.count / 8)
        for record in records.enumerated().filter({ $0.offset % stride == 0 }).map(\.element) {
            for timestamp in [record.timestamp, record.timestamp + 1] {
                let wanted = records.first { $0.timestamp >= timestamp }
                let found = try log.offset(forTimestamp: timestamp)
                guard found?.offset == wanted?.offset, found?.timestamp == wanted?.timestamp else {
                    throw SimulationFailure(
                        "timestamp \(timestamp) is found at \(found?.offset ?? -1), and is at \(wanted?.offset ?? -1)")
                }
            }
        }
        if log.firstSegmentOffset == start, let largest = records.map(\.timestamp).max() {
            guard try log.maxTimestamp()?.timestamp == largest else {
                throw SimulationFailure(
                    "the largest timestamp is \(largest), not \(String(describing: try log.maxTimestamp()))")
            }
        }
    }

    private func mayPassOver(_ batch: Found, to base: Int64) -> Bool {
        batches.allSatisfy { other in
            let isBetween = other.header.baseOffset >= batch.header.baseOffset && other.header.baseOffset < base
            return !isBetween || other.records.isEmpty
        }
    }

    // MARK: Producers and epochs

    func checkProducers() throws {
        // Of what was being emptied the end of a transaction can be gone, and what cleaning left of its records not.
        if model.wasCleaned && model.restart != nil { return }
        var wanted = ProducerStates()
        for batch in batches {
            // A marker that cleaning took out of its batch says nothing any more.
            let marker = batch.header.recordCount > 0 ? batch.model?.marker : nil
            wanted.apply(batch.header, marker: marker, timeMs: batch.header.maxTimestamp)
        }
        let found = log.writer.withLock { $0.producers }
        for (id, state) in wanted.states {
            guard let other = found.states[id] else {
                // What was to be removed and came back with the power is not known any more.
                if let last = state.batches.last?.lastOffset, last < model.askedStart { continue }
                throw SimulationFailure("producer \(id) is forgotten")
            }
            let isSame =
                other.epoch == state.epoch && other.transactionFirstOffset == state.transactionFirstOffset
                && (state.batches.isEmpty || other.batches.last?.lastOffset == state.batches.last?.lastOffset)
                && other.lastSequence == state.lastSequence
            guard isSame || isFromBefore(state, other) else {
                throw SimulationFailure("producer \(id) is \(other) and should be \(state)")
            }
        }
        for (id, state) in found.states where wanted.states[id] == nil {
            guard let last = state.batches.last?.lastOffset, last >= start, !model.wasCleaned else { continue }
            throw SimulationFailure("producer \(id) is known by \(last), which is not there")
        }
    }

    // A transaction that began below the start, or sequences of before a marker.
    private func isFromBefore(_ state: ProducerState, _ other: ProducerState) -> Bool {
        guard other.epoch == state.epoch else { return false }
        if let first = other.transactionFirstOffset, first < start { return true }
        return state.batches.isEmpty && (other.batches.last?.lastOffset ?? -1) < start
    }

    func checkEpochs() throws {
        for batch in batches where batch.header.baseOffset >= start {
            let found = log.leaderEpoch(at: batch.header.baseOffset)
            // What was to be removed and came back with the power may have lost its epoch.
            if found == nil && batch.header.baseOffset < model.askedStart { continue }
            guard found == batch.header.partitionLeaderEpoch else {
                throw SimulationFailure(
                    "offset \(batch.header.baseOffset) has epoch \(batch.header.partitionLeaderEpoch), not "
                        + "\(found.map { "\($0)" } ?? "none")")
            }
        }
        if let last = batches.last?.header.partitionLeaderEpoch, log.latestEpoch != last {
            throw SimulationFailure("the last epoch is \(last), not \(log.latestEpoch.map { "\($0)" } ?? "none")")
        }
    }
}
