import Synchronization
import Testing

@testable import KCore

/// Random histories of keys, tombstones and transactions, cleaned at random moments, against a model of what readers may
/// find.
@Suite struct CleaningHistoryTests {
    private struct Written {
        var offset: Int64
        var key: String
        var value: String?
        /// Nil without a transaction.
        var transaction: Int?
    }

    private struct History {
        var random: SimulatedDisk.Random
        var records: [Written] = []
        /// Of each transaction: whether it was committed; nil while it is open.
        var outcomes: [Bool?] = []
        var open: [Int64: (transaction: Int, sequence: Int32)] = [:]
        var sequences: [Int64: Int32] = [:]
        var serial = 0

        mutating func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &random) }
    }

    private static let codecs: [CompressionCodec] = [.none, .none, .none, .lz4, .gzip]

    private func write(_ history: inout History, _ bench: CleaningBench) throws {
        let codec = CleaningHistoryTests.codecs[history.number(0..<5)]
        var options = BatchOptions(compression: codec)
        var transaction: Int?
        let producer = Int64(history.number(0..<4))
        let count = history.number(1..<6)
        if producer > 0 {
            options.producerId = producer
            options.producerEpoch = 0
            options.baseSequence = history.sequences[producer] ?? 0
            history.sequences[producer] = options.baseSequence + Int32(count)
            if producer > 1 {
                options.isTransactional = true
                let open = history.open[producer] ?? (history.outcomes.count, 0)
                if history.open[producer] == nil { history.outcomes.append(nil) }
                history.open[producer] = open
                transaction = open.transaction
            }
        }
        var batch: [String] = []
        var added: [Written] = []
        for index in 0..<count {
            let key = "k\(history.number(0..<12))"
            let value = history.number(0..<5) == 0 ? nil : "v\(history.serial)"
            history.serial += 1
            batch.append(value.map { key + "=" + $0 } ?? key)
            added.append(Written(offset: Int64(index), key: key, value: value, transaction: transaction))
        }
        let base = try bench.put(batch, options: options).baseOffset
        history.records += added.map { record in
            var record = record
            record.offset += base
            return record
        }
    }

    private func finish(_ history: inout History, _ bench: CleaningBench) throws {
        guard let producer = history.open.keys.sorted().first, let open = history.open.removeValue(forKey: producer)
        else { return }
        let isCommit = history.number(0..<2) == 0
        history.outcomes[open.transaction] = isCommit
        try bench.end(producer, isCommit: isCommit)
    }

    /// The last value of each key, for readers of what is decided.
    private func values(_ history: History, below end: Int64) -> [String: String] {
        var values: [String: String] = [:]
        for record in history.records where record.offset < end {
            if let transaction = record.transaction, history.outcomes[transaction] != true { continue }
            values[record.key] = record.value
        }
        return values
    }

    private func check(_ history: History, _ bench: CleaningBench, cleanedTo: Int64) throws {
        let log = bench.log
        let stable = log.lastStableOffset(highWatermark: log.logEndOffset)
        let aborted = try log.abortedTransactions(from: 0, upTo: stable)
        var found: [String: String] = [:]
        var previous: Int64 = -1
        var seen: Set<Int64> = []
        let byOffset = Dictionary(uniqueKeysWithValues: history.records.map { ($0.offset, $0) })
        for header in try bench.headers() {
            try #require(header.baseOffset > previous)
            previous = header.lastOffset
        }
        var next = log.logStartOffset
        while true {
            let batches = try log.read(from: next, maxBytes: 1 << 20).batches()
            if batches.isEmpty { break }
            for batch in batches {
                let reader = try RecordBatchReader(batch)
                next = reader.header.lastOffset + 1
                if reader.header.isControl { continue }
                let id = reader.header.producerId
                let isAborted =
                    reader.header.isTransactional
                    && aborted.contains {
                        $0.producerId == id && $0.firstOffset <= reader.header.baseOffset
                            && $0.lastOffset >= reader.header.lastOffset
                    }
                for record in try reader.allRecords() {
                    seen.insert(record.offset)
                    let original = try #require(byOffset[record.offset])
                    try #require(original.key == record.key?.utf8String && original.value == record.value?.utf8String)
                    try #require(record.timestamp >= CleaningBench.start)
                    if record.offset >= stable || isAborted { continue }
                    found[original.key] = original.value
                }
            }
        }
        #expect(found == values(history, below: stable))
        // Nothing is missing above, and below each key is there once, its tombstone aside.
        for record in history.records where record.offset >= cleanedTo {
            if let transaction = record.transaction, history.outcomes[transaction] == false { continue }
            try #require(seen.contains(record.offset), "\(record.offset) is gone, cleaned to \(cleanedTo)")
        }
        var below: [String: Int] = [:]
        for offset in seen where offset < cleanedTo { below[byOffset[offset]?.key ?? "", default: 0] += 1 }
        #expect(below.values.allSatisfy { $0 == 1 }, "\(below)")
    }

    private func run(seed: UInt64, steps: Int) throws {
        var history = History(random: SimulatedDisk.Random(seed: seed))
        let bench = try CleaningBench(mapBytes: history.number(0..<3) == 0 ? 24 * 6 : 1 << 20) {
            $0.deleteRetentionMs = 50
        }
        var cleanedTo: Int64 = 0
        for _ in 0..<steps {
            switch history.number(0..<20) {
            case 0..<11: try write(&history, bench)
            case 11..<14: try finish(&history, bench)
            case 14..<16:
                if let result = bench.clean() {
                    // After a restart it begins anew, and need not come as far.
                    cleanedTo = max(cleanedTo, result.endOffset)
                    try check(history, bench, cleanedTo: cleanedTo)
                }
            case 16: try bench.roll()
            case 17: bench.bench.clock.advance(ms: 30)
            case 18: try bench.reopen(clean: true)
            default: try bench.reopen()
            }
        }
        try check(history, bench, cleanedTo: cleanedTo)
    }

    @Test(arguments: 0..<60)
    func `readers find the last value of every key`(seed: Int) throws {
        try run(seed: UInt64(seed), steps: 150)
    }
}
