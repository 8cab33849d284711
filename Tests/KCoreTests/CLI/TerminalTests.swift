@testable import KCore
import Glibc
import Testing

@Suite struct TerminalTests {
    @Test func `tables are aligned, numbers to the right, no blanks at the end of lines`() {
        var table = TextTable(["topic", "partitions", "in_sync"])
        table.add([.text("a"), .number(12), .list([1, 2])])
        table.add([.text("longer"), .number(3)])
        #expect(
            table.text() == """
                TOPIC   PARTITIONS  IN-SYNC
                a               12  1,2
                longer           3  -\n
                """)
    }

    @Test func `the same table as JSON and for awk`() {
        var table = TextTable(["name", "count"])
        table.add([.text("a\"b"), .number(1)])
        table.add([.none, .bool(true)])
        #expect(table.text(.json) == "[\n{\"name\":\"a\\\"b\",\"count\":1},\n{\"name\":null,\"count\":true}\n]\n")
        #expect(table.text(.awk) == "a\"b\t1\n\ttrue\n")
    }

    @Test func `a text with control characters cannot forge a row`() {
        var table = TextTable(["name"])
        table.add([.text("a\n\u{1B}[2J")])
        #expect(table.text() == "NAME\n\"a\\n\\u001b[2J\"\n")
    }

    @Test func `quantities`() {
        #expect(Quantity.grouped(-1_234_567) == "-1,234,567")
        #expect(Quantity.grouped(999) == "999")
        #expect(Quantity.decimal(9.996, digits: 2) == "10.00")
        #expect(Quantity.duration(seconds: 0.408) == "0.41 s")
        #expect(Quantity.duration(seconds: 247) == "4 min 07 s")
        #expect(Quantity.duration(seconds: 7_500) == "2 h 05 min")
        #expect(ByteSize.text(812) == "812 B")
        #expect(ByteSize.text(9_440) == "9.4 KB")
        #expect(ByteSize.text(999_900) == "1.0 MB")
        #expect(Quantity.count(1, "record") == "1 record")
    }

    @Test func `progress says count, rate, percentage and what is left`() {
        let state = ProgressLine.State(records: 1_000, bytes: 50_000, fraction: 0.25, failures: 2)
        #expect(
            ProgressLine.text(state, seconds: 2)
                == "1,000 records · 50 KB · 500/s · 25 KB/s · 25% · 6.00 s left · 2 failed")
    }

    @Test func `what a buffer cannot hold is written at once and in order`() {
        let capture = PipeCapture()
        let output = OutputBuffer(descriptor: capture.descriptor, capacity: 8)
        for part in ["abc", "defghij", "", "a long text that no buffer holds", "z"] { output.append(part) }
        output.append(Int64.min)
        output.append(-120)
        output.flush()
        #expect(capture.text == "abcdefghija long text that no buffer holdsz-9223372036854775808-120")
        #expect(output.total == Int64(capture.text.utf8.count))
    }

    @Test func `a reader that has gone is noticed and what follows is dropped`() {
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [0, 0]
        pipe(&ends)
        close(ends[0])
        let output = OutputBuffer(descriptor: ends[1], capacity: 16)
        output.append("x")
        output.flush()
        #expect(output.isClosedByReader)
        output.append("a long text that no buffer holds")
        output.flush()
        close(ends[1])
    }

    @Test func `the first interruption wins and handlers run once, late ones at once`() {
        let interruption = Interruption()
        let count = Counter()
        interruption.onInterrupt { count.add() }
        #expect(interruption.signal == nil)
        interruption.raise(SIGTERM)
        interruption.raise(SIGINT)
        interruption.onInterrupt { count.add() }
        #expect(interruption.wait() == SIGTERM)
        #expect(count.value == 2)
    }

    @Test func `signals right behind the first say the same, a later one that somebody has lost patience`() {
        var patience = SignalPatience()
        let firstNs: Int64 = 5_000_000_000
        let answers = [0, 1000, 999_999_999, 1_000_000_000].map { patience.isExhausted(nowNs: firstNs + $0) }
        #expect(answers == [false, false, false, true])
    }
}

import Synchronization

final class Counter: Sendable {
    private let count = Mutex(0)
    func add() { count.withLock { $0 += 1 } }
    var value: Int { count.withLock { $0 } }
}
