internal import Synchronization

/// Which records were not delivered, and why; written by the client's thread, read by the tool's.
final class FailureLog: Sendable {
    private struct Reason: Hashable {
        var topic: String
        var message: String
    }

    private struct Waiting {
        var records: [Int64] = []
        var partitions: Set<Int32> = []
    }

    private struct State {
        var count: Int64 = 0
        var waiting: [Reason: Waiting] = [:]
        var order: [Reason] = []
        // Serial numbers that the client would have given to input that it never got, in order.
        var skippedAt: [Int64] = []
    }

    private let state = Mutex(State())

    /// Records that failed so far.
    var count: Int64 { state.withLock { $0.count } }

    /// The client's record `serial` has failed.
    func failed(serial: Int64, topic: String, partition: Int32?, message: String) {
        state.withLock { state in
            FailureLog.add(
                FailureLog.number(of: serial, state.skippedAt), topic: topic, partition: partition, message, to: &state)
        }
    }

    /// A piece of input never came to the client, whose next serial number is `nextSerial`. `message` nil: it was no
    /// record, such as an empty line between envelopes.
    func skipped(nextSerial: Int64, topic: String, message: String?) {
        state.withLock { state in
            if let message {
                let number = nextSerial + Int64(state.skippedAt.count) + 1
                FailureLog.add(number, topic: topic, partition: nil, message, to: &state)
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
            let ranges = FailureLog.ranges(failed.records)
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
        _ number: Int64, topic: String, partition: Int32?, _ message: String, to state: inout State
    ) {
        let reason = Reason(topic: topic, message: message)
        state.count += 1
        if state.waiting[reason] == nil { state.order.append(reason) }
        state.waiting[reason, default: Waiting()].records.append(number)
        if let partition, partition >= 0 { state.waiting[reason]?.partitions.insert(partition) }
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

    static func ranges(_ numbers: [Int64]) -> [ClosedRange<Int64>] {
        var result: [ClosedRange<Int64>] = []
        for number in numbers.sorted() {
            if let last = result.last, number <= last.upperBound + 1 {
                result[result.count - 1] = last.lowerBound...max(last.upperBound, number)
            } else {
                result.append(number...number)
            }
        }
        return result
    }
}
