@testable import KCore

/// What a model knows of the cleanings of its log.
struct ModelCleaning: Sendable {
    /// Below it, records may be gone that later ones replace.
    var limit: Int64 = 0
    /// Where logs ended that were cleaned. What is below decided what goes, and was below the high watermark.
    var decidedEnd: Int64 = 0
    /// When cleanings began that nobody has looked at since.
    var startsMs: [Int64] = []
    /// When all began that there ever were.
    var allStartsMs: [Int64] = []
    /// The delete horizons of batches as they were seen last, by base offset.
    var horizons: [Int64: Int64] = [:]
}

extension LogModel {
    /// A cleaning is about to begin: from now on nobody knows how far it got.
    mutating func willClean(upTo limit: Int64, nowMs: Int64) {
        wasCleaned = true
        cleaning.limit = max(cleaning.limit, limit)
        cleaning.decidedEnd = max(cleaning.decidedEnd, endOffset)
        cleaning.startsMs.append(nowMs)
        cleaning.allStartsMs.append(nowMs)
    }

    /// What was found, and found right, is what there is from now on: what is gone must not come back.
    /// What is below the start can come back with a truncation that goes there.
    /// - Parameter afterStart: whether what could not be appended is gone for good.
    mutating func adopt(_ found: [LogChecker.Found], afterStart: Bool) {
        live = found.compactMap { batch in
            guard var model = batch.model else { return nil }
            if model.records.count != batch.records.count {
                let kept = Set(batch.records.map(\.offset))
                model.records.removeAll { !kept.contains($0.offset) }
                model.bytes = nil
            }
            return model
        }
        let shown = Set(live.map(\.id))
        let hidden = written.values.joined().filter { batch in
            let isThere = batch.lastOffset < startOffset || !afterStart && batch.lastOffset >= promisedEnd
            return isThere && !shown.contains(batch.id)
        }
        written = [:]
        for batch in hidden + live { written[batch.baseOffset, default: []].append(batch) }
        cleaning.startsMs = []
        cleaning.horizons = cleaning.horizons.filter { $0.key < startOffset }
        for batch in found { cleaning.horizons[batch.header.baseOffset] = batch.header.deleteHorizonMs }
    }

    /// When cleanings began that may have changed a batch since somebody looked at it. Nobody looks at what was deleted, and
    /// with the power it can come back.
    func unseenStartsMs(_ baseOffset: Int64) -> [Int64] {
        baseOffset < askedStart ? cleaning.allStartsMs : cleaning.startsMs
    }

    /// Whether a tombstone or a marker may be gone from a batch by now: `delete.retention.ms` must have passed since a
    /// cleaning that kept it.
    func isDue(_ batch: ModelBatch) -> Bool {
        let startsMs = unseenStartsMs(batch.baseOffset)
        guard let last = startsMs.max() else { return false }
        if let horizon = cleaning.horizons[batch.baseOffset] { return horizon <= last }
        guard let first = startsMs.min(), startsMs.count > 1 else { return false }
        return first + config.deleteRetentionMs <= last
    }
}
