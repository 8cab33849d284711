extension JSONCursor {
    private static let maxDepth = 64

    /// The members of an object that are whole numbers; the others are read and left out.
    static func integers(in text: Bytes) throws(Problem) -> [String: Int64] {
        try text.withUnsafeBytes { bytes throws(Problem) in
            var cursor = JSONCursor(bytes)
            var members: [String: Int64] = [:]
            try cursor.object { (name, cursor) throws(Problem) in
                let start = cursor
                do throws(Problem) {
                    members[name] = try cursor.integer()
                } catch {
                    cursor = start
                    try cursor.skipValue()
                }
            }
            try cursor.end()
            return members
        }
    }

    /// Reads an object; `member` reads the value behind each name.
    mutating func object(_ member: (String, inout JSONCursor) throws(Problem) -> Void) throws(Problem) {
        try expect(UInt8(ascii: "{"))
        if take(UInt8(ascii: "}")) { return }
        repeat {
            let name = try string()
            let text = bytes(name) { String(decoding: $0, as: UTF8.self) }
            try expect(UInt8(ascii: ":"))
            try member(text, &self)
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"))
    }

    /// Goes behind the value that is next, whatever it is.
    mutating func skipValue(depth: Int = 0) throws(Problem) {
        guard depth < Self.maxDepth else { throw problem("something that is nested too deeply") }
        skipBlanks()
        switch peek {
        case UInt8(ascii: "{"):
            try object { (_, cursor) throws(Problem) in try cursor.skipValue(depth: depth + 1) }
        case UInt8(ascii: "["):
            try expect(UInt8(ascii: "["))
            if take(UInt8(ascii: "]")) { return }
            repeat { try skipValue(depth: depth + 1) } while take(UInt8(ascii: ","))
            try expect(UInt8(ascii: "]"))
        case UInt8(ascii: "\""): _ = try string()
        default:
            if take(word: "null") || take(word: "true") || take(word: "false") { return }
            try skipNumber()
        }
    }

    // Only the signs that numbers are made of: nothing here uses their value.
    private mutating func skipNumber() throws(Problem) {
        let start = position
        while let byte = peek, (byte >= 0x30 && byte <= 0x39) || "+-.eE".utf8.contains(byte) { skipByte() }
        if position == start { throw problem("expected a value") }
    }
}
