@testable import KCore
import Glibc
import Testing

@Suite struct InputBufferTests {
    func pair() -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        _ = pipe(&ends)
        return (ends[0], ends[1])
    }

    func send(_ text: String, to descriptor: Int32) {
        _ = Array(text.utf8).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }

    @Test func `what was not used is still there in front of what comes next`() throws {
        let (read, write) = pair()
        let input = InputBuffer(descriptor: read, capacity: 16)
        defer { close(read) }
        send("abcdef", to: write)
        #expect(try input.fill() == .data)
        input.consume(4)
        send("ghi", to: write)
        #expect(try input.fill() == .data)
        #expect(String(decoding: input.unread, as: UTF8.self) == "efghi")
        #expect(input.newCount == 3)
        close(write)
        #expect(try input.fill() == .end)
        #expect(input.unread.count == 5)
    }

    @Test func `a record longer than the buffer makes it grow, up to a limit`() throws {
        let (read, write) = pair()
        let input = InputBuffer(descriptor: read, capacity: 16, maxCapacity: 64)
        defer {
            close(read)
            close(write)
        }
        for _ in 0..<6 {
            send("0123456789", to: write)
            #expect(try input.fill() == .data)
        }
        #expect(String(decoding: input.unread, as: UTF8.self) == String(repeating: "0123456789", count: 6))
        #expect(throws: ToolError.self) {
            for _ in 0..<6 {
                send("0123456789", to: write)
                _ = try input.fill()
            }
        }
    }

    @Test func `an interruption ends waiting for input`() throws {
        let (read, write) = pair()
        defer {
            close(read)
            close(write)
        }
        let interruption = Interruption()
        interruption.raise(SIGINT)
        #expect(try InputBuffer(descriptor: read, interruption: interruption).fill() == .interrupted)
    }
}

@Suite struct FailureLogTests {
    @Test func `failures are named by their place in the input, in ranges`() {
        let log = FailureLog()
        for serial: Int64 in [0, 1, 2, 7, 9] { log.failed(serial: serial, topic: "t", partition: 1, message: "no") }
        log.failed(serial: 4, topic: "t", partition: 0, message: "no")
        log.failed(serial: 5, topic: "t", partition: 0, message: "too large")
        #expect(log.count == 7)
        #expect(
            log.takeLines() == [
                "records 1-3, 5, 8, 10 for t, partitions 0,1 not delivered: no",
                "record 6 for t, partition 0 not delivered: too large",
            ])
        #expect(log.takeLines().isEmpty)
    }

    @Test func `input that never became a record shifts the numbers of what follows`() {
        let log = FailureLog()
        log.skipped(nextSerial: 0, topic: "", message: "bad")
        log.skipped(nextSerial: 2, topic: "", message: nil)
        log.failed(serial: 0, topic: "t", partition: nil, message: "no")
        log.failed(serial: 2, topic: "t", partition: nil, message: "no")
        #expect(log.takeLines() == ["record 1 not delivered: bad", "records 2, 5 for t not delivered: no"])
        #expect(log.count == 3)
    }

    @Test func `a transaction that is aborted fails each of its records once`() {
        let log = FailureLog(isTransactional: true)
        log.failed(serial: 1, topic: "t", partition: 0, message: "earlier")
        log.transactionBegan()
        #expect(!log.isTransactionLost)
        log.skipped(nextSerial: 3, topic: "", message: "bad")
        #expect(log.isTransactionLost)
        log.skipped(nextSerial: 6, topic: "", message: nil)
        log.failed(serial: 5, topic: "t", partition: 0, message: "no")
        log.failed(serial: 4, topic: "t", partition: 0, message: "no")
        #expect(log.isTransactionLost)
        log.aborted(2..<9, message: "aborted")
        #expect(
            log.takeLines() == [
                "record 2 for t, partition 0 not delivered: earlier",
                "record 4 not delivered: bad",
                "records 6-7 for t, partition 0 not delivered: no",
                "records 3, 5, 9-11 not delivered: aborted",
            ])
        #expect(log.count == 9)
        log.aborted(9..<9, message: "aborted")
        #expect(log.count == 9 && log.takeLines().isEmpty)
    }

    @Test func `a record that is missing loses the transaction that it belongs to, and what is no record does not`() {
        let log = FailureLog(isTransactional: true)
        log.skipped(nextSerial: 0, topic: "", message: nil)
        #expect(!log.isTransactionLost && log.skippedInTransaction == nil)
        log.skipped(nextSerial: 3, topic: "", message: "bad")
        log.skipped(nextSerial: 3, topic: "", message: "worse")
        #expect(log.isTransactionLost && log.skippedInTransaction == 5)
        log.transactionBegan()
        #expect(!log.isTransactionLost && log.skippedInTransaction == nil)
    }

    @Test func `long lists go to several lines`() {
        let log = FailureLog()
        for number in 0..<50 { log.failed(serial: Int64(number * 2), topic: "t", partition: 0, message: "no") }
        #expect(log.takeLines().count == 3)
    }
}
