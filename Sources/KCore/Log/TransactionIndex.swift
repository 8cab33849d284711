/// A transaction whose records do not count, in one partition.
public struct AbortedTransaction: Equatable, Sendable {
    public var producerId: Int64
    /// Of the transaction's first record.
    public var firstOffset: Int64
    /// Of the marker that ended it.
    public var lastOffset: Int64
    /// What the last stable offset was to be once this transaction had ended: a later entry can only matter to who reads
    /// beyond it.
    public var lastStableOffset: Int64

    public init(producerId: Int64, firstOffset: Int64, lastOffset: Int64, lastStableOffset: Int64) {
        self.producerId = producerId
        self.firstOffset = firstOffset
        self.lastOffset = lastOffset
        self.lastStableOffset = lastStableOffset
    }
}

/// The aborted transactions that ended in a segment, in the order of their ends (KIP-98). Kafka's `.txnindex`, big-endian:
///
///     version 2 (=0) | producer id 8 | first offset 8 | last offset 8 | last stable offset 8
///
/// There is no file as long as nothing was aborted.
struct TransactionIndex: Sendable {
    static let entrySize = 34
    static let version: Int16 = 0
    private static let entriesPerRead = 256
    /// Up to so many are all looked at, so that damage is found; of more the beginning is skipped by searching.
    private static let mostLookedAt = 1024

    let file: IndexFile
    let baseOffset: Int64

    init(_ handle: FileHandle, baseOffset: Int64) {
        file = IndexFile(handle, entrySize: TransactionIndex.entrySize, isOptional: true)
        self.baseOffset = baseOffset
    }

    private struct Entry: Sendable {
        var version: Int16
        var transaction: AbortedTransaction
    }

    private func read(_ entry: UnsafeRawPointer) -> Entry {
        Entry(
            version: entry.bigEndian(0),
            transaction: AbortedTransaction(
                producerId: entry.bigEndian(2), firstOffset: entry.bigEndian(10), lastOffset: entry.bigEndian(18),
                lastStableOffset: entry.bigEndian(26)))
    }

    /// Opens the file if it must be. After that ``append(_:)`` fails only with the disk: an entry for which there is no room
    /// is kept and written later.
    func prepareToAppend() throws(DiskError) { _ = try file.count() }

    func append(_ transaction: AbortedTransaction, waits: Bool = true) throws(DiskError) {
        try file.append(waits: waits) {
            $0.storeBigEndian(TransactionIndex.version, 0)
            $0.storeBigEndian(transaction.producerId, 2)
            $0.storeBigEndian(transaction.firstOffset, 10)
            $0.storeBigEndian(transaction.lastOffset, 18)
            $0.storeBigEndian(transaction.lastStableOffset, 26)
        }
    }

    /// All entries, the oldest end first.
    /// - Throws: ``LogFault/damaged(path:position:reason:)`` for a file that is no such index.
    func entries() throws(LogFault) -> [AbortedTransaction] {
        var all: [AbortedTransaction] = []
        try forEach(endingAtOrAfter: baseOffset) {
            all.append($0)
            return true
        }
        return all
    }

    /// Adds the transactions that have records, or their end, from `offset` on and records below `end`.
    /// - Returns: whether no later segment can have any more of them.
    func collect(
        from offset: Int64, upTo end: Int64, into found: inout [AbortedTransaction]
    ) throws(LogFault) -> Bool {
        var isComplete = false
        try forEach(endingAtOrAfter: offset) { transaction in
            if transaction.firstOffset < end { found.append(transaction) }
            isComplete = transaction.lastStableOffset >= end
            return !isComplete
        }
        return isComplete
    }

    /// Where the last of them ended; nil when there is none.
    func lastEnd() throws(LogFault) -> Int64? {
        let count = try onDisk { () throws(DiskError) in try file.count() }
        var last: Int64?
        try forEach(from: max(0, count - TransactionIndex.mostLookedAt), to: count) {
            last = $0.lastOffset
            return true
        }
        return last
    }

    // Ends only ever come later in the file, so that the beginning can be skipped.
    private func forEach(
        endingAtOrAfter offset: Int64, _ body: (AbortedTransaction) -> Bool
    ) throws(LogFault) {
        let count = try onDisk { () throws(DiskError) in try file.count() }
        guard count > 0 else { return }
        var index = 0
        if count > TransactionIndex.mostLookedAt {
            let skipped = try onDisk { () throws(DiskError) in
                try file.last(where: { read($0).transaction.lastOffset < offset }, { _ in })
            }
            index = skipped.map { $0.index + 1 } ?? 0
        }
        try forEach(from: index, to: count) { $0.lastOffset < offset || body($0) }
    }

    private func forEach(
        from start: Int, to count: Int, _ body: (AbortedTransaction) -> Bool
    ) throws(LogFault) {
        var index = start
        var previous: AbortedTransaction?
        while index < count {
            let end = min(count, index + TransactionIndex.entriesPerRead)
            let portion = try onDisk { () throws(DiskError) in try file.entries(index..<end, read) }
            for entry in portion {
                try check(entry, index: index, after: previous)
                previous = entry.transaction
                index += 1
                if !body(entry.transaction) { return }
            }
            if portion.isEmpty { return }
        }
    }

    // A last stable offset that is too large would hide the entries behind it from readers.
    private func check(_ entry: Entry, index: Int, after previous: AbortedTransaction?) throws(LogFault) {
        let transaction = entry.transaction
        let isSound =
            entry.version == TransactionIndex.version && transaction.producerId >= 0 && transaction.firstOffset >= 0
            && transaction.lastOffset >= transaction.firstOffset && transaction.lastOffset >= baseOffset
            && transaction.lastOffset - baseOffset <= Int64(Int32.max)
            && transaction.lastOffset > previous?.lastOffset ?? .min
            && transaction.lastStableOffset <= transaction.lastOffset + 1
            && transaction.lastStableOffset >= previous?.lastStableOffset ?? 0
        guard !isSound else { return }
        throw .damaged(
            path: file.path, position: Int64(index * TransactionIndex.entrySize),
            reason: "the entry is of no aborted transaction")
    }

    /// Removes the transactions that ended at `offset` or behind.
    func truncate(to offset: Int64) throws(DiskError) {
        let kept = try file.last(where: { read($0).transaction.lastOffset < offset }, { _ in }).map { $0.index + 1 }
        try file.truncate(toCount: kept ?? 0)
    }
}
