@testable import KCore
import Testing

@Suite struct EnvelopeTests {
    struct Record: Equatable {
        var topic: String? = "t"
        var partition: Int32? = 3
        var timestampMs: Int64? = 1_763_717_524_117
        var key: [UInt8]?
        var value: [UInt8]?
        var headerNames: [String] = []
        var headerValues: [[UInt8]?] = []
    }

    func print(_ record: Record) -> String {
        let capture = PipeCapture()
        let output = OutputBuffer(descriptor: capture.descriptor)
        func with(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) -> Void) {
            if let bytes { bytes.withUnsafeBytes { body($0) } } else { body(nil) }
        }
        let prefix = EnvelopeWriter.prefix(topic: record.topic ?? "", partition: record.partition ?? -1)
        EnvelopeWriter.begin(prefix, offset: 7, timestampMs: record.timestampMs ?? -1, to: output)
        with(record.key) { key in with(record.value) { EnvelopeWriter.keyAndValue(key, $0, to: output) } }
        for (index, name) in record.headerNames.enumerated() {
            with(Array(name.utf8)) { name in
                with(record.headerValues[index]) {
                    EnvelopeWriter.header(name ?? .init(start: nil, count: 0), $0, isFirst: index == 0, to: output)
                }
            }
        }
        EnvelopeWriter.end(hasHeaders: !record.headerNames.isEmpty, to: output)
        output.flush()
        return capture.text
    }

    func read(_ line: String) throws -> Record {
        var reader = EnvelopeReader()
        return try Array(line.utf8).withUnsafeBytes { line in
            try reader.read(line) { envelope in
                Record(
                    topic: envelope.topic, partition: envelope.partition, timestampMs: envelope.timestampMs,
                    key: envelope.key.map { Array($0) }, value: envelope.value.map { Array($0) },
                    headerNames: envelope.headers.map(\.key), headerValues: envelope.headers.map { $0.value?.array })
            }
        }
    }

    @Test func `an envelope is a line of JSON with the fields in a fixed order`() {
        let record = Record(key: Array("k".utf8), value: Array("a\"b\n".utf8), headerNames: ["h"], headerValues: [nil])
        #expect(
            print(record) == """
                {"topic":"t","partition":3,"offset":7,"timestamp":1763717524117,"key":"k","value":"a\\"b\\n",\
                "headers":[{"key":"h","value":null}]}\n
                """)
    }

    @Test func `bytes that are no text come as base 64 and say so`() {
        #expect(
            print(Record(value: [0xFF, 0x00])).hasSuffix(
                "\"key\":null,\"value\":\"/wA=\",\"valueEncoding\":\"base64\"}\n"))
    }

    @Test func `what is printed is read back, whatever the bytes`() throws {
        var state: UInt64 = 42
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        func bytes() -> [UInt8]? {
            switch random(4) {
            case 0: nil
            case 1: (0..<random(20)).map { _ in UInt8(random(256)) }
            case 2: (0..<random(20)).map { _ in UInt8(random(128)) }
            default: Array(["é", "😀\u{0}", "\\u00", "\"}", "\u{7F}"][random(5)].utf8)
            }
        }
        for _ in 0..<500 {
            var record = Record(key: bytes(), value: bytes())
            for index in 0..<random(3) {
                record.headerNames.append("h\(index)")
                record.headerValues.append(bytes())
            }
            #expect(try read(print(record)) == record)
        }
    }

    @Test func `escapes, surrogate pairs and blanks of other writers are understood`() throws {
        let record = try read(#" { "value" : "\u0041\ud83d\ude00\/\b" , "headers": null, "key":null } "#)
        #expect(record == Record(topic: nil, partition: nil, timestampMs: nil, key: nil, value: Array("A😀/\u{8}".utf8)))
    }

    @Test(arguments: [
        "", "{", "[]", "{}x", #"{"value":1}"#, #"{"vlaue":"x"}"#, #"{"value":"x","value":"y"}"#, #"{"value":"\ud83d"}"#,
        #"{"value":"\ude00"}"#, #"{"value":"x"#, #"{"value":"\q"}"#, "{\"value\":\"a\nb\"}", #"{"partition":1.5}"#,
        #"{"partition":99999999999}"#, #"{"offset":99999999999999999999}"#, #"{"timestamp":01}"#,
        #"{"value":"a","valueEncoding":"base64"}"#, #"{"value":"YR==","valueEncoding":"base64"}"#,
        #"{"valueEncoding":"rot13"}"#, #"{"headers":[{}]}"#, #"{"headers":[{"key":"a"},]}"#, #"{"key":"a",}"#,
    ])
    func `a line that is no envelope is refused`(line: String) {
        #expect(throws: JSONCursor.Problem.self) { try read(line) }
    }

    @Test func `text that is no UTF-8 is refused`() {
        var reader = EnvelopeReader()
        let line = Array(#"{"value":""#.utf8) + [0xC0, 0xAF] + Array("\"}".utf8)
        #expect(throws: JSONCursor.Problem.self) { try line.withUnsafeBytes { try reader.read($0) { _ in } } }
    }

    @Test func `UTF-8 is told from other bytes at every length`() {
        let good: [[UInt8]] = [
            [], [0x41], [0xC2, 0x80], [0xE0, 0xA0, 0x80], [0xED, 0x9F, 0xBF], [0xF4, 0x8F, 0xBF, 0xBF],
        ]
        let bad: [[UInt8]] = [
            [0x80], [0xC1, 0x80], [0xC2], [0xE0, 0x9F, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x8F, 0x80, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE1, 0x80],
        ]
        for padding in 0..<12 {
            let front = [UInt8](repeating: 0x61, count: padding)
            for bytes in good { #expect((front + bytes).withUnsafeBytes { UTF8Check.isValid($0) }) }
            for bytes in bad { #expect(!(front + bytes).withUnsafeBytes { UTF8Check.isValid($0) }) }
        }
    }
}
