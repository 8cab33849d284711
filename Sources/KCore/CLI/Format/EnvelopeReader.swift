/// Reads what ``EnvelopeWriter`` prints: a record as a line of JSON.
///
/// All fields may be missing: a key or value that is not there is null. A name that no envelope has is an error, since a
/// misspelt `value` would silently delete what a compacted topic holds for the key. Parsing allocates nothing for a
/// record once the reader is warm, but for headers.
struct EnvelopeReader {
    typealias Buffer = UnsafeRawBufferPointer
    typealias Problem = JSONCursor.Problem

    private static let names = [
        "topic", "partition", "offset", "timestamp", "key", "keyEncoding", "value", "valueEncoding", "headers",
    ]

    /// What a line says; the slices are into the line or the reader.
    private struct Field {
        var slice: JSONCursor.Slice?
        var isBase64 = false
    }

    private var scratch: [UInt8] = []

    /// A record as its envelope has it. Pointers are valid inside the call that was given it.
    struct Envelope {
        var topic: String?
        var partition: Int32?
        var timestampMs: Int64?
        var key: Buffer?
        var value: Buffer?
        var headers: [RecordHeader]
    }

    /// Parses `line` and calls `body` with what it says.
    mutating func read<R>(_ line: Buffer, _ body: (borrowing Envelope) throws -> R) throws -> R {
        var cursor = JSONCursor(line, decoded: scratch)
        scratch = []
        defer { scratch = cursor.decoded }
        var (key, value) = (Field(), Field())
        var envelope = Envelope(headers: [])
        var seen: UInt32 = 0
        try cursor.object { (name, cursor) throws(Problem) in
            guard let index = EnvelopeReader.names.firstIndex(of: name) else {
                let near = NearestName.of(name, among: EnvelopeReader.names)
                throw cursor.problem("an envelope has no '\(name)'" + NearestName.question(near))
            }
            guard seen & (1 << UInt32(index)) == 0 else { throw cursor.problem("'\(name)' stands there twice") }
            seen |= 1 << UInt32(index)
            switch name {
            case "topic":
                if !cursor.take(word: "null") {
                    let slice = try cursor.string()
                    envelope.topic = cursor.bytes(slice) { String(decoding: $0, as: UTF8.self) }
                }
            case "partition":
                guard let number = Int32(exactly: try cursor.integer()) else {
                    throw cursor.problem("no such partition")
                }
                envelope.partition = number < 0 ? nil : number
            case "offset": _ = try cursor.integer()
            case "timestamp":
                let time = try cursor.integer()
                envelope.timestampMs = time < 0 ? nil : time
            case "key": key.slice = try EnvelopeReader.nullableString(&cursor)
            case "value": value.slice = try EnvelopeReader.nullableString(&cursor)
            case "keyEncoding": key.isBase64 = try EnvelopeReader.encoding(&cursor)
            case "valueEncoding": value.isBase64 = try EnvelopeReader.encoding(&cursor)
            default: envelope.headers = try EnvelopeReader.headers(&cursor)
            }
        }
        try cursor.end()
        try EnvelopeReader.decode(&key, &cursor)
        try EnvelopeReader.decode(&value, &cursor)
        return try cursor.decoded.withUnsafeBytes { decoded in
            func resolve(_ slice: JSONCursor.Slice?) -> Buffer? {
                slice.map { Buffer(rebasing: ($0.isDecoded ? decoded : line)[$0.range]) }
            }
            envelope.key = resolve(key.slice)
            envelope.value = resolve(value.slice)
            return try body(envelope)
        }
    }

    private static func nullableString(_ cursor: inout JSONCursor) throws(Problem) -> JSONCursor.Slice? {
        if cursor.take(word: "null") { return nil }
        guard cursor.peek == UInt8(ascii: "\"") else { throw cursor.problem("expected a string or null") }
        return try cursor.string()
    }

    private static func encoding(_ cursor: inout JSONCursor) throws(Problem) -> Bool {
        let slice = try cursor.string()
        switch cursor.bytes(slice, { String(decoding: $0, as: UTF8.self) }) {
        case "base64": return true
        case "utf8", "utf-8": return false
        default: throw cursor.problem("an encoding that is neither base64 nor utf8")
        }
    }

    private static func decode(_ field: inout Field, _ cursor: inout JSONCursor) throws(Problem) {
        guard field.isBase64, let slice = field.slice else { return }
        let begin = cursor.decoded.count
        // The text may itself lie in the array that grows.
        let text = slice.isDecoded ? Array(cursor.decoded[slice.range]) : []
        let isGood =
            slice.isDecoded
            ? text.withUnsafeBytes { Base64.decode($0, into: &cursor.decoded) }
            : Base64.decode(Buffer(rebasing: cursor.text[slice.range]), into: &cursor.decoded)
        guard isGood else { throw cursor.problem("a string that is no base64") }
        field.slice = JSONCursor.Slice(isDecoded: true, range: begin..<cursor.decoded.count)
    }

    private static func headers(_ cursor: inout JSONCursor) throws(Problem) -> [RecordHeader] {
        var result: [RecordHeader] = []
        if cursor.take(word: "null") { return result }
        try cursor.expect(UInt8(ascii: "["))
        if cursor.take(UInt8(ascii: "]")) { return result }
        repeat {
            var (name, value) = (Field(), Field())
            try cursor.object { (member, cursor) throws(Problem) in
                switch member {
                case "key": name.slice = try cursor.string()
                case "value": value.slice = try nullableString(&cursor)
                case "keyEncoding": name.isBase64 = try encoding(&cursor)
                case "valueEncoding": value.isBase64 = try encoding(&cursor)
                default: throw cursor.problem("a header has no '\(member)'")
                }
            }
            try decode(&name, &cursor)
            try decode(&value, &cursor)
            guard let slice = name.slice else { throw cursor.problem("a header without a key") }
            result.append(
                RecordHeader(
                    key: cursor.bytes(slice) { String(decoding: $0, as: UTF8.self) },
                    value: value.slice.map { cursor.bytes($0) { Bytes(copying: $0) } }))
        } while cursor.take(UInt8(ascii: ","))
        try cursor.expect(UInt8(ascii: "]"))
        return result
    }
}
