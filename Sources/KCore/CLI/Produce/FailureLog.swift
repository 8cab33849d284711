internal import Synchronization

/// Which records were not delivered, and why; written by the client's thread, read by the tool's.
final class FailureLog: Sendable {
    private struct Reason: Hashable {
        var topic: String
        var message: String
    }

    private struct Waiting {
        // In the order in which they came; neighbours are one range.
        var records: [ClosedRange<Int64>] = []
        var partitions: Set<Int32> = []

        mutating func add(_ numbers: ClosedRange<Int64>) {
            if let last = records.last, last.upperBound + 1 == numbers.lowerBound {
                records[records.count - 1] = last.lowerBound...numbers.upperBound
            } else {
                records.append(numbers)
            }
        }
    }

    private struct State {
        var count: Int64 = 0
        var waiting: [Reason: Waiting] = [:]
        var order: [Reason] = []
        // Serial numbers that the client would have given to input that it never got, in order.
        var skippedAt: [Int64] = []
        // Serial numbers of what the client had and could not deliver, since the open transaction began.
        var failedInTransaction: [Int64] = []
        // The number of the first record that the client never got, of those that belong to the open transaction.
        var skippedInTransaction: Int64?
    }

    private let state = Mutex(State())
    private let isTransactional: Bool

    /// - Parameter isTransactional: ``transactionBegan()`` and ``aborted(_:message:)`` will be called.
    init(isTransactional: Bool = false) { self.isTransactional = isTransactional }

    /// Records that failed so far.
    var count: Int64 { state.withLock { $0.count } }

    /// Whether the open transaction has a record that failed, so that it can only be aborted.
    var isTransactionLost: Bool {
        state.withLock { !$0.failedInTransaction.isEmpty || $0.skippedInTransaction != nil }
    }

    /// The number, from 1, of the first record of the open transaction that the client never got, of which the producer
    /// does not know that it is missing.
    var skippedInTransaction: Int64? { state.withLock { $0.skippedInTransaction } }

    /// The client's record `serial` has failed.
    func failed(serial: Int64, topic: String, partition: Int32?, message: String) {
        state.withLock { state in
            if isTransactional { state.failedInTransaction.append(serial) }
            let number = FailureLog.number(of: serial, state.skippedAt)
            FailureLog.add(number...number, topic: topic, partition: partition, message, to: &state)
        }
    }

    /// What comes from now on belongs to another transaction.
    func transactionBegan() {
        state.withLock { ($0.failedInTransaction, $0.skippedInTransaction) = ([], nil) }
    }

    /// The open transaction was aborted: all of the client's records in it have failed, also those that brokers took.
    func aborted(_ serials: Range<Int64>, message: String) {
        state.withLock { state in
            var next = serials.lowerBound
            for failed in state.failedInTransaction.sorted() + [serials.upperBound] where failed >= next {
                FailureLog.add(serials: next..<failed, message, to: &state)
                next = failed + 1
            }
        }
    }

    /// A piece of input never came to the client, whose next serial number is `nextSerial`. `message` nil: it was no
    /// record, such as an empty line between envelopes. A record that is missing makes the open transaction lost.
    func skipped(nextSerial: Int64, topic: String, message: String?) {
        state.withLock { state in
            if let message {
                let number = nextSerial + Int64(state.skippedAt.count) + 1
                FailureLog.add(number...number, topic: topic, partition: nil, message, to: &state)
                if isTransactional, state.skippedInTransaction == nil { state.skippedInTransaction = number }
            }
            state.skippedAt.append(nextSerial)
        }
    }

    /// What has failed since the last call, a line for each reason and at most twenty ranges of records.
    func takeLines() -> [String] {
        let (order, waiting) = state.withLock { state in
            defer { (state.order, state.waiting) = ([], [:]) }
            return (state.order, state.waiting)
        }
        return order.flatMap { reason in
            let failed = waiting[reason] ?? Waiting()
            let partitions = failed.partitions.sorted().map { String($0) }
            let place =
                switch partitions.count {
                case 0: reason.topic.isEmpty ? "" : " for \(reason.topic)"
                case 1: " for \(reason.topic), partition \(partitions[0])"
                default: " for \(reason.topic), partitions \(partitions.joined(separator: ","))"
                }
            let ranges = FailureLog.merged(failed.records)
            return stride(from: 0, to: ranges.count, by: 20).map { first in
                let part = ranges[first..<min(first + 20, ranges.count)]
                let isOne = part.count == 1 && part[part.startIndex].count == 1
                let names = part.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
                return
                    "record\(isOne ? "" : "s") \(names.joined(separator: ", "))\(place) not delivered: \(reason.message)"
            }
        }
    }

    private static func add(
        _ numbers: ClosedRange<Int64>, topic: String, partition: Int32?, _ message: String, to state: inout State
    ) {
        let reason = Reason(topic: topic, message: message)
        state.count += Int64(numbers.count)
        if state.waiting[reason] == nil { state.order.append(reason) }
        state.waiting[reason, default: Waiting()].add(numbers)
        if let partition, partition >= 0 { state.waiting[reason]?.partitions.insert(partition) }
    }

    // What was skipped among them has a number too, which is not theirs.
    private static func add(serials: Range<Int64>, _ message: String, to state: inout State) {
        var start = serials.lowerBound
        let cuts = state.skippedAt.filter { $0 > serials.lowerBound && $0 < serials.upperBound }
        for end in cuts + [serials.upperBound] where end > start {
            let first = number(of: start, state.skippedAt)
            add(first...(first + end - start - 1), topic: "", partition: nil, message, to: &state)
            start = end
        }
    }

    /// The number, from 1, of the client's record `serial` in the input.
    func number(of serial: Int64) -> Int64 { state.withLock { FailureLog.number(of: serial, $0.skippedAt) } }

    // The number, from 1, that somebody who counts the input gives to the record.
    private static func number(of serial: Int64, _ skippedAt: [Int64]) -> Int64 {
        var (low, high) = (0, skippedAt.count)
        while low < high {
            let middle = (low + high) / 2
            if skippedAt[middle] <= serial { low = middle + 1 } else { high = middle }
        }
        return serial + 1 + Int64(low)
    }

    private static func merged(_ ranges: [ClosedRange<Int64>]) -> [ClosedRange<Int64>] {
        var result: [ClosedRange<Int64>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = result.last, range.lowerBound <= last.upperBound + 1 {
                result[result.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                result.append(range)
            }
        }
        return result
    }
}
