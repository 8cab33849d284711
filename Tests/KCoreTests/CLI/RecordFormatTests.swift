@testable import KCore
import Testing

@Suite struct RecordFormatTests {
    @Test func `a format becomes steps with the text between them joined`() throws {
        #expect(
            try RecordFormat("%t/%p@%o: %k=%s%%\\n").steps == [
                .topic, .literal(Array("/".utf8)), .partition, .literal(Array("@".utf8)), .offset,
                .literal(Array(": ".utf8)),
                .key(.raw), .literal(Array("=".utf8)), .value(.raw), .literal(Array("%\n".utf8)),
            ])
        #expect(try RecordFormat("%S%K%h%T%e").steps == [.valueLength, .keyLength, .headers, .timestamp, .leaderEpoch])
        #expect(try RecordFormat("%v\\n") == .valueLine)
        #expect(try RecordFormat("%v{hex}%k{base64}").steps == [.value(.hex), .key(.base64)])
        #expect(try RecordFormat("").steps.isEmpty)
    }

    @Test(arguments: ["%", "%x", "\\", "\\q", "\\x4", "\\xzz", "%v{rot13}", "abc%é"])
    func `what the language does not have is refused`(text: String) {
        #expect(throws: ToolError.self) { try RecordFormat(text) }
    }

    @Test func `escapes stand for bytes`() throws {
        #expect(try EscapedText.bytes("a\\n\\t\\r\\0\\\\\\x1F\\xff") == [97, 10, 9, 13, 0, 92, 0x1F, 0xFF])
    }
}
