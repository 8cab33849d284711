/// When a transaction of `kproduce` ends.
enum CommitInterval: Equatable, Sendable {
    case records(Int64)
    case milliseconds(Int64)

    /// - Parameter text: a number of records, or a duration with a unit.
    init?(_ text: String) {
        if let count = Int64(text), count > 0 {
            self = .records(count)
        } else if let ms = TimeExpression.duration(text), ms > 0 {
            self = .milliseconds(ms)
        } else {
            return nil
        }
    }
}

/// The transactions of one run of `kproduce`: one after the other, each ended when it is time. Records of one that was
/// aborted have failed.
final class ProduceTransactions {
    private let producer: Producer
    private let failures: FailureLog
    private let interval: CommitInterval?
    private let clock: any Clock
    private let maxOpenMs: Int64?
    private var begunRecords: Int64 = 0
    // When the open transaction was seen to have a record; nil before.
    private var firstRecordMs: Int64?
    private var isOpen = false
    // The coordinator was asked to commit, and nobody said what came of it.
    private var mayBeCommitted = false
    /// Records of transactions that were committed.
    private(set) var committedRecords: Int64 = 0
    /// Records of transactions that were not.
    private(set) var abortedRecords: Int64 = 0

    /// - Parameter timeoutMs: after which the broker aborts a transaction. One of a number of records is committed when half
    ///   of that is over, though it has fewer: input may come slowly.
    init(
        _ producer: Producer, _ failures: FailureLog, _ interval: CommitInterval?, _ clock: any Clock, timeoutMs: Int
    ) {
        self.producer = producer
        self.failures = failures
        self.interval = interval
        self.clock = clock
        maxOpenMs =
            switch interval {
            case nil: nil
            case .milliseconds(let ms): ms
            case .records: max(Int64(timeoutMs) / 2, 1)
            }
    }

    /// Takes over the transactional id, and begins the first transaction.
    func start() throws(ClientError) {
        try producer.initTransactions()
        try begin()
    }

    private func begin() throws(ClientError) {
        failures.transactionBegan()
        try producer.beginTransaction()
        begunRecords = producer.acceptedRecords
        firstRecordMs = nil
        isOpen = true
    }

    /// Records that the open transaction has.
    private var openRecords: Int64 { producer.acceptedRecords - begunRecords }

    /// How many more records the open transaction takes; nil for any number.
    var room: Int? {
        guard case .records(let count) = interval else { return nil }
        return Int(clamping: max(count - openRecords, 0))
    }

    /// Until the open transaction has to end; nil when only records can end it, or it has none yet.
    var dueInMs: Int64? {
        guard let maxOpenMs, let firstRecordMs else { return nil }
        return firstRecordMs + maxOpenMs - clock.monotonicMs
    }

    /// Ends the open transaction and begins another one, if it is time.
    /// - Throws: also when there is no use in going on, because a record has failed.
    func commitIfDue() throws(ClientError) {
        if failures.isTransactionLost { return try commit() }
        guard interval != nil else { return }
        if firstRecordMs == nil, openRecords > 0 { firstRecordMs = clock.monotonicMs }
        guard room == 0 || dueInMs ?? 1 <= 0 else { return }
        try commit()
        try begin()
    }

    /// Ends the last transaction.
    /// - Throws: also when a record is missing in it: a transaction is there as a whole or not at all.
    func commit() throws(ClientError) {
        guard isOpen else { return }
        if let number = failures.skippedInTransaction {
            let why = "record \(number) cannot be sent; what comes behind it was not"
            throw ClientError(.badData, "the transaction can only be aborted: \(why)")
        }
        let records = openRecords
        do throws(ClientError) {
            try producer.commitTransaction()
        } catch {
            mayBeCommitted = !failures.isTransactionLost && (error.errorCode == nil || error.isRetriable)
            throw error
        }
        isOpen = false
        committedRecords += records
    }

    /// Gives up the open transaction.
    func abort() throws(ClientError) {
        guard isOpen else { return }
        isOpen = false
        let serials = begunRecords..<producer.acceptedRecords
        defer { abortedRecords += Int64(serials.count) }
        do throws(ClientError) {
            try producer.abortTransaction()
        } catch {
            let outcome =
                mayBeCommitted ? "it is not known whether the transaction was committed" : "the transaction was aborted"
            failures.aborted(serials, message: outcome)
            throw error
        }
        failures.aborted(serials, message: "the transaction was aborted")
    }
}
