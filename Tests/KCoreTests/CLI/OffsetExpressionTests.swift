import KCore
import Testing

@Suite struct OffsetExpressionTests {
    let now: Int64 = 1_763_717_524_117

    func parse(_ text: String) throws -> OffsetExpression { try OffsetExpression(text, nowMs: now) }

    @Test func `single points`() throws {
        #expect(try parse("beginning") == OffsetExpression(start: .beginning))
        #expect(try parse("latest") == OffsetExpression(start: .end))
        #expect(try parse("1000") == OffsetExpression(start: .offset(1000)))
        #expect(try parse("-10") == OffsetExpression(start: .last(10)))
        #expect(try parse("@1763717524117") == OffsetExpression(start: .time(1_763_717_524_117)))
        #expect(try parse("@-2h") == OffsetExpression(start: .time(now - 7_200_000)))
    }

    @Test func `ranges, with either side left out`() throws {
        #expect(try parse("10:20") == OffsetExpression(start: .offset(10), stop: .offset(20)))
        #expect(try parse(":20") == OffsetExpression(start: .beginning, stop: .offset(20)))
        #expect(try parse("10:") == OffsetExpression(start: .offset(10)))
        #expect(try parse("-5:end") == OffsetExpression(start: .last(5), stop: .end))
        #expect(try parse("@-2h:@-1h") == OffsetExpression(start: .time(now - 7_200_000), stop: .time(now - 3_600_000)))
    }

    @Test func `the colons of a time do not make it a range`() throws {
        #expect(try parse("@2026-11-21T09:30:04Z") == OffsetExpression(start: .time(1_795_253_404_000)))
        #expect(
            try parse("@2026-11-21T09:30Z:@2026-11-21T09:31Z")
                == OffsetExpression(start: .time(1_795_253_400_000), stop: .time(1_795_253_460_000)))
        #expect(
            try parse("@2026-11-21T09:30:00:end")
                == OffsetExpression(start: .time(1_795_253_400_000), stop: .end))
    }

    @Test(arguments: [
        "", "begining", "1x", "--5", "@", "@yesterday", "20:10", "10:-5", "10:beginning", "@-1h:@-2h", "stored",
    ])
    func `what is no place is refused`(text: String) {
        #expect(throws: ToolError.self) { try parse(text) }
    }

    @Test func `partitions are single ones and ranges`() throws {
        let list = try PartitionList("0,2-4")
        #expect((0...5).filter { list.contains($0) } == [0, 2, 3, 4])
        for wrong in ["", "a", "3-1", "1-2-3", "-1", "1,,2"] {
            #expect(throws: ToolError.self) { try PartitionList(wrong) }
        }
    }

    @Test func `topics are names, and a pattern may have commas`() throws {
        let names = try TopicSelection("a,b,a")
        #expect(names.names == ["a", "b"])
        let pattern = try TopicSelection("a,^x{1,2}$")
        #expect(pattern.names == ["a"])
        #expect(pattern.matching(["a", "x", "xx", "xxx"]) == ["x", "xx"])
        let several = try TopicSelection(["^x,y", "a", "b,a"])
        #expect(several.names == ["a", "b"] && several.patterns == ["^x,y"])
        #expect(throws: ToolError.self) { try TopicSelection("^[") }
        #expect(throws: ToolError.self) { try TopicSelection("^a)(b") }
        #expect(throws: ToolError.self) { try TopicSelection("a,,b") }
    }
}

@Suite struct TopicPatternOptionTests {
    // As brokers and the clients of other languages understand it.
    @Test(arguments: [
        ("^rx\\d", ["rx1", "rx9-old"]), ("^rx(?:1|9)$", ["rx1"]), ("^(?i)RX[[:alpha:]]$", ["rxd"]),
        ("^rx", ["rx1", "rxd", "rx9-old"]),
        ("^z|old$", ["rx9-old"]), ("^.*-", ["rx9-old"]), ("^\\Qrx9-", ["rx9-old"]), ("^\\Qrx\\E\\d$", ["rx1"]),
    ])
    func `a pattern is found anywhere in a name, in RE2's syntax`(pattern: String, fits: [String]) throws {
        #expect(try TopicSelection(pattern).matching(["rx1", "rxd", "rx9-old"]) == fits)
    }

    @Test func `a pattern without its mark is told from a name`() {
        #expect { try TopicSelection("rx.*") } throws: { "\($0)".hasSuffix("a regular expression begins with ^") }
    }
}

@Suite struct TimeExpressionTests {
    @Test(
        arguments: [
            ("0", 0), ("1763717524117", 1_763_717_524_117), ("1970-01-01", 0), ("2026-11-21T09:30", 1_795_253_400_000),
            ("2026-11-21T09:30:04.117Z", 1_795_253_404_117), ("2026-11-21T11:30+02:00", 1_795_253_400_000),
            ("2026-11-21T04:00-0530", 1_795_253_400_000), ("2024-02-29", 1_709_164_800_000),
            ("1969-12-31T23:59:59.5Z", -500), ("-90m", 1_000_000_000 - 5_400_000),
            ("-1h30m", 1_000_000_000 - 5_400_000),
            ("-250ms", 1_000_000_000 - 250),
        ] as [(String, Int64)])
    func `times people type`(text: String, ms: Int64) {
        #expect(TimeExpression.parse(text, nowMs: 1_000_000_000) == ms)
    }

    @Test(arguments: [
        "", "-", "-5", "-5x", "2026-13-01", "2025-02-29", "2026-11-21T", "2026-11-21T25:00",
        "2026-11-21T09:30X", "2026-11-21T09:30:00.", "99999999999999999999", "-99999999999999w",
    ])
    func `what is no time`(text: String) {
        #expect(TimeExpression.parse(text, nowMs: 0) == nil)
    }

    @Test func `reading is the inverse of printing`() {
        for ms in stride(from: Int64(-3_000_000_000_000), through: 5_000_000_000_000, by: 123_456_789_123) {
            #expect(TimeExpression.parse(Timestamp.iso8601(ms), nowMs: 0) == ms)
        }
    }
}
