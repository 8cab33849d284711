import Testing

@testable import KCore

struct AccumulatorTests {
    private func state(_ properties: [(name: String, value: String)] = [], partitions: Int32 = 1) throws
        -> AccumulatorState
    {
        let config = try ClientConfig([("batch.size", "1000"), ("buffer.memory", "3000")] + properties)
        var state = AccumulatorState(config: config)
        _ = state.addTopic(
            "t",
            Partitioner(kind: .murmur2, partitionCount: partitions, available: [], stickyBytes: 1000, seed: 3))
        return state
    }

    private func lines(
        _ state: inout AccumulatorState, _ text: String, _ format: LineFormat = LineFormat(), isLast: Bool = true,
        limit: Int = .max
    ) -> (outcome: AccumulatorState.Outcome, used: Int) {
        Bytes(text).withUnsafeBytes { bytes in
            var splitter = LineSplitter(bytes, delimiter: format.delimiter)
            var limit = limit
            let outcome = state.appendLines(
                &splitter, 0, format, isLast: isLast, limit: &limit, timestampMs: 5, nowMs: 1)
            return (outcome, splitter.position)
        }
    }

    private func records(_ batches: [ProducerBatch]) throws -> [Record] {
        try batches.flatMap { batch in
            batch.close()
            return try RecordBatchReader(try #require(batch.bytes)).allRecords()
        }
    }

    // The expectation macro cannot call what changes its operand.
    private func mustNotify(_ state: inout AccumulatorState) -> Bool { state.mustNotify() }

    @Test func `lines become records in order, also the last without a delimiter`() throws {
        var state = try state()
        let (outcome, used) = lines(&state, "a\n\nbc")
        guard case .appended = outcome else { throw ClientError(.badData, "\(outcome)") }
        #expect(used == 5)
        #expect(try records(state.take { _ in true }).map { $0.value?.utf8String } == ["a", "", "bc"])
    }

    @Test func `an unfinished line stays until its end comes`() throws {
        var state = try state()
        #expect(lines(&state, "a\nbc", isLast: false).used == 2)
        #expect(try records(state.take { _ in true }).count == 1)
    }

    @Test func `keys are cut off, empty values become null where that is asked for`() throws {
        var state = try state()
        var format = LineFormat()
        format.keyDelimiter = Bytes("::")
        format.emptyValueIsNull = true
        format.headers = EncodedHeaders([RecordHeader(key: "h", value: Bytes("v"))])
        _ = lines(&state, "k::v\nk2::\nplain\n::x\n", format)
        let read = try records(state.take { _ in true })
        #expect(read.map { $0.key?.utf8String } == ["k", "k2", nil, ""])
        #expect(read.map { $0.value?.utf8String } == ["v", nil, "plain", "x"])
        #expect(read.allSatisfy { $0.headers.map(\.key) == ["h"] })
    }

    @Test func `one key for all lines`() throws {
        var state = try state()
        var format = LineFormat()
        format.key = Bytes("k")
        _ = lines(&state, "a\nb\n", format)
        #expect(try records(state.take { _ in true }).map { $0.key?.utf8String } == ["k", "k"])
    }

    @Test func `a full batch is sealed and the sender comes again with the same line`() throws {
        var state = try state()
        let text = String(repeating: String(repeating: "x", count: 99) + "\n", count: 20)
        let (outcome, used) = lines(&state, text)
        guard case .sealed = outcome else { throw ClientError(.badData, "\(outcome)") }
        #expect(used > 0 && used < text.utf8.count && used % 100 == 0)
        #expect(state.sealed.count == 1)
        #expect(state.sealed[0].recordCount == used / 100)
        #expect(state.nextSerial == Int64(used / 100))
    }

    @Test func `who sends more than the memory holds must wait`() throws {
        var state = try state()
        let value = String(repeating: "x", count: 800)
        var outcomes: [String] = []
        for _ in 0..<10 {
            let (outcome, used) = lines(&state, value)
            outcomes.append("\(outcome)")
            if used == 0, case .needsMemory(let bytes) = outcome {
                #expect(bytes == 1000)
                break
            }
        }
        #expect(state.availableBytes == 0)
        #expect(outcomes.last == "needsMemory(1000)")
        #expect(state.nextSerial == 3)
    }

    @Test func `a record larger than a batch has one of its own`() throws {
        var state = try state([("buffer.memory", "1000")])
        let (outcome, _) = lines(&state, String(repeating: "x", count: 5000))
        guard case .appended = outcome else { throw ClientError(.badData, "\(outcome)") }
        #expect(try records(state.take { _ in true }).first?.value?.count == 5000)
    }

    @Test func `a line larger than a request is rejected by its number and the others go on`() throws {
        var state = try state([("max.request.size", "1000")])
        let (outcome, _) = lines(&state, "a\n" + String(repeating: "x", count: 2000) + "\nb\n")
        guard case .appended = outcome else { throw ClientError(.badData, "\(outcome)") }
        var serials: [Int64] = []
        for batch in state.rejected { batch.serials.visit { _, serial in serials.append(serial) } }
        #expect(serials == [1])
        #expect(try records(state.take { _ in true }).map { $0.value?.utf8String } == ["a", "b"])
        #expect(state.pendingBatches == 2)
    }

    @Test func `no more lines are taken than the limit says`() throws {
        var state = try state()
        #expect(lines(&state, "a\nb\nc\n", limit: 2).used == 4)
    }

    @Test func `a partition that does not exist is refused`() throws {
        var state = try state()
        var format = LineFormat()
        format.partition = 1
        guard case .noSuchPartition = lines(&state, "a\n", format).outcome else { throw ClientError(.badData, "taken") }
        let outcome = state.append(
            0, partition: 7, key: nil, value: nil, headers: EncodedHeaders(), timestampMs: 0, nowMs: 0)
        guard case .noSuchPartition = outcome else { throw ClientError(.badData, "taken") }
    }

    @Test(arguments: [true, false])
    func `round robin passes over no partition when batches or the memory are full`(isLines: Bool) throws {
        // Two records fill a batch, and three batches the memory.
        var state = AccumulatorState(config: try ClientConfig([("batch.size", "250"), ("buffer.memory", "750")]))
        _ = state.addTopic(
            "t", Partitioner(kind: .roundRobin, partitionCount: 3, available: [], stickyBytes: 250, seed: 3))
        let line = String(repeating: "x", count: 60)
        var counts = [0, 0, 0]
        var (sealedOften, waitedOften) = (0, 0)
        while state.nextSerial < 100 {
            let outcome =
                isLines
                ? lines(&state, line, limit: 1).outcome
                : Bytes(line).withUnsafeBytes { value in
                    state.append(
                        0, partition: nil, key: nil, value: value, headers: EncodedHeaders(), timestampMs: 0, nowMs: 0)
                }
            switch outcome {
            case .appended: continue
            case .sealed: sealedOften += 1
            case .needsMemory:
                waitedOften += 1
                for batch in state.take({ _ in false }) + (waitedOften % 5 == 0 ? state.take({ _ in true }) : []) {
                    counts[Int(batch.partition)] += batch.recordCount
                    state.availableBytes += batch.reservedBytes
                    state.pendingBatches -= 1
                }
            default: throw ClientError(.badData, "\(outcome)")
            }
        }
        for batch in state.take({ _ in true }) { counts[Int(batch.partition)] += batch.recordCount }
        #expect(counts.sorted() == [33, 33, 34])
        #expect(waitedOften > 5 && (sealedOften > 5 || !isLines))
    }

    @Test func `the loop is told once until it looks`() throws {
        var state = try state()
        _ = lines(&state, "a\n")
        #expect(mustNotify(&state))
        #expect(!mustNotify(&state))
        state.isNotified = false
        state.isTimed = true
        #expect(!mustNotify(&state))
        state.seal(0, 0)
        #expect(mustNotify(&state))
    }

    @Test func `only what is due is taken, but all when somebody is in a hurry`() throws {
        var state = try state(partitions: 2)
        for partition in [0, 1] as [Int32] {
            var format = LineFormat()
            format.partition = partition
            _ = lines(&state, "a\n", format)
        }
        #expect(state.take { $0.partition == 1 }.map(\.partition) == [1])
        #expect(state.openCount == 1)
        state.urgency = 1
        #expect(state.take { _ in false }.map(\.partition) == [0])
    }
}
