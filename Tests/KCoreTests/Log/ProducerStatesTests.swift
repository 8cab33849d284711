import Synchronization
import Testing

@testable import KCore

@Suite struct ProducerStatesTests {
    let bench = LogBench()

    private func code(_ body: () throws -> Void) -> ErrorCode? {
        do {
            try body()
            return nil
        } catch let error as LogError {
            return error.code
        } catch {
            return .unknownServerError
        }
    }

    @Test func `a batch sent again is answered with the offset that it has`() throws {
        let log = try bench.open()
        for sequence in 0..<5 {
            _ = try log.append(Batches.idempotent(["v"], sequence: Int32(sequence)), leaderEpoch: 0)
        }
        for sequence in [4, 0, 2] {
            let result = try log.append(Batches.idempotent(["v"], sequence: Int32(sequence)), leaderEpoch: 0)
            #expect(result.isDuplicate)
            #expect(result.baseOffset == Int64(sequence))
        }
        #expect(log.logEndOffset == 5)
    }

    @Test func `a gap in the sequence is refused`() throws {
        let log = try bench.open()
        _ = try log.append(Batches.idempotent(["a", "b"], sequence: 0), leaderEpoch: 0)
        #expect(
            code { _ = try log.append(Batches.idempotent(["c"], sequence: 3), leaderEpoch: 0) }
                == .outOfOrderSequenceNumber)
        #expect(
            code { _ = try log.append(Batches.idempotent(["c"], sequence: 1), leaderEpoch: 0) }
                == .outOfOrderSequenceNumber)
        #expect(code { _ = try log.append(Batches.idempotent(["c"], sequence: 2), leaderEpoch: 0) } == nil)
        #expect(log.logEndOffset == 3)
    }

    @Test func `a duplicate older than the last five is out of order`() throws {
        let log = try bench.open()
        for sequence in 0..<6 {
            _ = try log.append(Batches.idempotent(["v"], sequence: Int32(sequence)), leaderEpoch: 0)
        }
        #expect(
            code { _ = try log.append(Batches.idempotent(["v"], sequence: 0), leaderEpoch: 0) }
                == .outOfOrderSequenceNumber)
    }

    @Test func `an unknown producer may begin anywhere`() throws {
        let log = try bench.open()
        #expect(try log.append(Batches.idempotent(["v"], sequence: 17), leaderEpoch: 0).baseOffset == 0)
        #expect(try log.append(Batches.idempotent(["w"], sequence: 18), leaderEpoch: 0).baseOffset == 1)
    }

    @Test func `an old epoch is fenced and a new one begins at 0`() throws {
        let log = try bench.open()
        _ = try log.append(Batches.idempotent(["v"], epoch: 3, sequence: 0), leaderEpoch: 0)
        #expect(
            code { _ = try log.append(Batches.idempotent(["v"], epoch: 2, sequence: 1), leaderEpoch: 0) }
                == .invalidProducerEpoch)
        #expect(
            code { _ = try log.append(Batches.idempotent(["v"], epoch: 4, sequence: 1), leaderEpoch: 0) }
                == .outOfOrderSequenceNumber)
        #expect(code { _ = try log.append(Batches.idempotent(["v"], epoch: 4, sequence: 0), leaderEpoch: 0) } == nil)
    }

    @Test func `sequence numbers wrap to 0 after the largest`() throws {
        let log = try bench.open()
        _ = try log.append(Batches.idempotent(["a", "b"], sequence: Int32.max - 2), leaderEpoch: 0)
        // Int32.max, 0, 1
        let wrapping = try log.append(Batches.idempotent(["c", "d", "e"], sequence: Int32.max), leaderEpoch: 0)
        #expect(wrapping.baseOffset == 2)
        #expect(try log.append(Batches.idempotent(["f"], sequence: 2), leaderEpoch: 0).baseOffset == 5)
        let again = try log.append(Batches.idempotent(["c", "d", "e"], sequence: Int32.max), leaderEpoch: 0)
        #expect(again.isDuplicate && again.baseOffset == 2)
    }

    @Test(arguments: [true, false]) func `producers are known again after a restart`(clean: Bool) throws {
        let log = try bench.open()
        for sequence in 0..<3 {
            _ = try log.append(Batches.idempotent(["v"], sequence: Int32(sequence)), leaderEpoch: 0)
        }
        if clean { try log.close() } else { try log.flush() }
        let again = try LogBench(disk: bench.disk).open(clean: clean)
        let repeated = try again.append(Batches.idempotent(["v"], sequence: 2), leaderEpoch: 0)
        #expect(repeated.isDuplicate && repeated.baseOffset == 2)
        #expect(
            code { _ = try again.append(Batches.idempotent(["v"], sequence: 9), leaderEpoch: 0) }
                == .outOfOrderSequenceNumber)
    }

    @Test func `a producer that has been silent for long is forgotten`() throws {
        let log = try bench.open()
        _ = try log.append(Batches.idempotent(["v"], sequence: 0), leaderEpoch: 0)
        log.expireProducers(nowMs: bench.clock.wallMs + bench.environment.producerIdExpirationMs - 1)
        #expect(log.writer.withLock { $0.producers.count } == 1)
        log.expireProducers(nowMs: bench.clock.wallMs + bench.environment.producerIdExpirationMs + 1)
        #expect(log.writer.withLock { $0.producers.count } == 0)
    }

    @Test func `a snapshot reads back, and a damaged one is none`() throws {
        var producers = ProducerStates()
        var header = RecordBatchHeader()
        header.producerId = 12
        header.producerEpoch = 3
        header.baseSequence = 40
        header.lastOffsetDelta = 4
        header.baseOffset = 100
        header.maxTimestamp = 99
        header.attributes = BatchAttributes(isTransactional: true)
        producers.apply(header, timeMs: 99)
        let bytes = ProducerSnapshot.write(producers)
        #expect(bytes.count == 56)
        #expect(ProducerSnapshot.read(bytes, endOffset: 105) == producers)
        for index in 0..<bytes.count {
            var damaged = bytes.array
            damaged[index] ^= 0x10
            #expect(ProducerSnapshot.read(Bytes(damaged), endOffset: 105) == nil, "byte \(index)")
            #expect(ProducerSnapshot.read(Bytes(Array(damaged[..<index])), endOffset: 105) == nil)
        }
    }
}
