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
    private var begunRecords: Int64 = 0
    private var begunMs: Int64 = 0
    private var isOpen = false
    // The coordinator was asked to commit, and nobody said what came of it.
    private var mayBeCommitted = false
    /// Records of transactions that were committed.
    private(set) var committedRecords: Int64 = 0
    /// Records of transactions that were not.
    private(set) var abortedRecords: Int64 = 0

    init(_ producer: Producer, _ failures: FailureLog, _ interval: CommitInterval?, _ clock: any Clock) {
        self.producer = producer
        self.failures = failures
        self.interval = interval
        self.clock = clock
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
        begunMs = clock.monotonicMs
        isOpen = true
    }

    /// Records that the open transaction has.
    private var openRecords: Int64 { producer.acceptedRecords - begunRecords }

    /// How many more records the open transaction takes; nil for any number.
    var room: Int? {
        guard case .records(let count) = interval else { return nil }
        return Int(clamping: max(count - openRecords, 0))
    }

    /// Until the open transaction has to end; nil when only records can end it.
    var dueInMs: Int64? {
        guard case .milliseconds(let ms) = interval, openRecords > 0 else { return nil }
        return begunMs + ms - clock.monotonicMs
    }

    /// Ends the open transaction and begins another one, if it is time.
    /// - Throws: also when there is no use in going on, because a record has failed.
    func commitIfDue() throws(ClientError) {
        if failures.isTransactionLost { return try commit() }
        switch interval {
        case nil: return
        case .records: if room ?? 1 > 0 { return }
        case .milliseconds:
            // Time begins to run with the first record.
            if openRecords == 0 { return begunMs = clock.monotonicMs }
            if dueInMs ?? 1 > 0 { return }
        }
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
