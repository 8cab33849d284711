@testable import KCore

/// A batch that was handed to a log.
struct ModelBatch: Sendable {
    let id: Int
    var header: RecordBatchHeader
    var records: [Record]
    /// As it must be stored; nil where the broker writes it anew (another codec, the time of append).
    var bytes: Bytes?
    /// What a control batch says.
    var marker: EndTransactionMarker?

    var baseOffset: Int64 { header.baseOffset }
    var lastOffset: Int64 { header.lastOffset }
}

/// What a log must hold: what it was told, what it promised.
struct LogModel: Sendable {
    let topicPartition: TopicPartition
    /// Nil when the log was being made and power failed.
    var topicId: Uuid?
    var config: LogConfig
    var leaderEpoch: Int32 = 0

    /// What readers must see, oldest first.
    var live: [ModelBatch] = []
    /// Everything that was ever handed to the log, by base offset, but for what was cut off.
    var written: [Int64: [ModelBatch]] = [:]
    /// The newest batch of each producer, retained or not.
    var producers: [Int64: RecordBatchHeader] = [:]
    /// The highest epoch that each producer ever used.
    var producerEpochs: [Int64: Int16] = [:]
    /// Producers with an open transaction, and where it began.
    var transactions: [Int64: Int64] = [:]

    var startOffset: Int64 = 0
    var endOffset: Int64 = 0
    /// Below it everything survives a loss of power.
    var promisedEnd: Int64 = 0
    /// The log never begins below it again.
    var promisedStart: Int64 = 0
    /// And never above it: nobody asked for more to go.
    var allowedStart: Int64 = 0
    /// A start from before a truncation that could not be taken out of the checkpoint.
    var staleStart: Int64 = 0
    /// The highest start that anybody ever asked for.
    var askedStart: Int64 = 0
    /// A step that was interrupted may have left more or less than the model says.
    var isUncertain = false
    /// How often something was cut off.
    var cuts = 0
    /// Where a truncation cuts that nobody has seen end.
    var truncation: Int64?
    /// Where a log that was being emptied may begin anew.
    var restart: Int64?
    /// The log was being made, or being removed: it may be there or not.
    var mayBeMissing = false
    /// It was to be removed, and that could not be finished: what comes back is put aside by who knows the topics.
    var isUnwanted = false
    /// Records may be missing that newer ones of the same key replace.
    var wasCleaned = false
    var cleaning = ModelCleaning()
    /// Somebody has damaged its indexes. What is found by them must be right all the same.
    var hasDamagedIndexes = false
    /// Offsets that were left out by whom the records were copied from.
    var hasGaps = false

    init(_ topicPartition: TopicPartition, topicId: Uuid, config: LogConfig) {
        self.topicPartition = topicPartition
        self.topicId = topicId
        self.config = config
    }

    var isCompacted: Bool { config.cleanupPolicy.contains(.compact) }

    /// Notes what is about to be handed to the log.
    mutating func attempt(_ batch: ModelBatch) {
        written[batch.baseOffset, default: []].append(batch)
        let header = batch.header
        if header.hasProducerId {
            producerEpochs[header.producerId] = max(producerEpochs[header.producerId] ?? 0, header.producerEpoch)
        }
    }

    /// The log has it.
    mutating func append(_ batch: ModelBatch) {
        live.append(batch)
        endOffset = batch.lastOffset + 1
        note(batch)
    }

    private mutating func note(_ batch: ModelBatch) {
        let header = batch.header
        guard header.hasProducerId else { return }
        if header.isControl {
            transactions[header.producerId] = nil
            if let last = producers[header.producerId], last.producerEpoch == header.producerEpoch { return }
        } else if header.isTransactional, transactions[header.producerId] == nil {
            transactions[header.producerId] = header.baseOffset
        }
        producers[header.producerId] = header
    }

    /// Everything below `offset` is safe.
    mutating func promise(to offset: Int64) { promisedEnd = max(promisedEnd, offset) }

    /// What is cut off with `offset` begins here: a batch goes as a whole.
    func cutPoint(_ offset: Int64) -> Int64 {
        for batch in live.reversed() where batch.baseOffset < offset {
            return batch.lastOffset >= offset ? batch.baseOffset : min(offset, batch.lastOffset + 1)
        }
        // In front of a gap the log ends where its segment begins.
        return hasGaps || wasCleaned ? 0 : offset
    }

    /// The log is about to cut off what is at `offset` and behind.
    mutating func willTruncate(to offset: Int64) {
        promisedEnd = min(promisedEnd, offset)
        promisedStart = min(promisedStart, offset)
        truncation = offset
        cuts += 1
    }

    /// The log has cut it off: it must not come back.
    mutating func didTruncate(to offset: Int64) {
        truncation = nil
        live.removeAll { $0.lastOffset >= offset }
        for base in written.keys { written[base]?.removeAll { $0.lastOffset >= offset } }
        endOffset = offset
        askedStart = min(askedStart, offset)
        startOffset = min(startOffset, offset)
        promisedStart = min(promisedStart, offset)
        promisedEnd = min(promisedEnd, offset)
        replay()
    }

    /// Everything is gone, and begins anew at `offset`.
    mutating func didRestart(at offset: Int64) {
        truncation = nil
        restart = nil
        live = []
        written = [:]
        startOffset = offset
        endOffset = offset
        promisedStart = offset
        promisedEnd = offset
        allowedStart = offset
        askedStart = offset
        wasCleaned = false
        cleaning = ModelCleaning()
        hasGaps = false
        replay()
    }

    /// What readers see may begin at `offset` from now on.
    mutating func mayAdvance(to offset: Int64) {
        allowedStart = max(allowedStart, offset)
        askedStart = max(askedStart, offset)
    }

    /// What readers see begins at `offset`.
    mutating func didAdvance(to offset: Int64) {
        startOffset = offset
        mayAdvance(to: offset)
        live.removeAll { $0.lastOffset < offset }
    }

    /// Producers as what is there tells them.
    mutating func replay() {
        let old = producers
        producers = [:]
        transactions = [:]
        for batch in live { note(batch) }
        // Known from before the start, if at all.
        for (id, header) in old where producers[id] == nil && header.lastOffset < startOffset { producers[id] = header }
    }
}
