/// Reads JSON from memory, strictly (RFC 8259), piece by piece and without building a tree.
struct JSONCursor {
    /// A string's bytes: in the text itself, or, where it had escapes, in ``decoded``.
    struct Slice: Equatable {
        var isDecoded: Bool
        var range: Range<Int>
    }

    struct Problem: Error, Equatable {
        var message: String
        /// Bytes from the beginning of the text.
        var position: Int
    }

    let text: UnsafeRawBufferPointer
    private(set) var position = 0
    /// Bytes of strings that had escapes, one behind the other.
    var decoded: [UInt8]

    /// - Parameter decoded: an array whose memory is used again.
    init(_ text: UnsafeRawBufferPointer, decoded: [UInt8] = []) {
        self.text = text
        self.decoded = decoded
        self.decoded.removeAll(keepingCapacity: true)
    }

    func problem(_ message: String) -> Problem { Problem(message: message, position: position) }

    var peek: UInt8? { position < text.count ? text[position] : nil }

    mutating func skipByte() { position += 1 }

    mutating func skipBlanks() {
        while let byte = peek, byte == 0x20 || byte == 10 || byte == 13 || byte == 9 { position += 1 }
    }

    /// Takes `byte`, after blanks, when it is next.
    mutating func take(_ byte: UInt8) -> Bool {
        skipBlanks()
        guard peek == byte else { return false }
        position += 1
        return true
    }

    mutating func expect(_ byte: UInt8) throws(Problem) {
        guard take(byte) else {
            throw problem(
                "expected \(Character(UnicodeScalar(byte)))\(position >= text.count ? " but the line ends" : "")")
        }
    }

    /// Takes `word`, such as `null`, when it is next.
    mutating func take(word: StaticString) -> Bool {
        skipBlanks()
        let count = word.utf8CodeUnitCount
        guard position + count <= text.count else { return false }
        for index in 0..<count where text[position + index] != word.utf8Start[index] { return false }
        position += count
        return true
    }

    mutating func end() throws(Problem) {
        skipBlanks()
        if position < text.count { throw problem("something stands behind the object") }
    }

    mutating func integer() throws(Problem) -> Int64 {
        skipBlanks()
        let start = position
        let isNegative = peek == UInt8(ascii: "-")
        if isNegative { position += 1 }
        var value: Int64 = 0
        var digits = 0
        while let byte = peek, byte >= 0x30 && byte <= 0x39 {
            let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (sum, tooLarge) = product.subtractingReportingOverflow(Int64(byte - 0x30))
            guard !overflowed && !tooLarge else { throw problem("the number is too large") }
            value = sum
            digits += 1
            position += 1
        }
        let isWhole = peek != UInt8(ascii: ".") && peek != UInt8(ascii: "e") && peek != UInt8(ascii: "E")
        let first = digits > 0 ? text[position - digits] : 0
        guard digits > 0, isWhole, !(digits > 1 && first == 0x30) else {
            position = start
            throw problem("expected a whole number")
        }
        // Summed up below zero, where one more number fits.
        if isNegative { return value }
        guard value != .min else { throw problem("the number is too large") }
        return -value
    }

    mutating func string() throws(Problem) -> Slice {
        try expect(UInt8(ascii: "\""))
        let start = position
        while let byte = peek {
            if byte == UInt8(ascii: "\"") {
                defer { position += 1 }
                return try checked(Slice(isDecoded: false, range: start..<position))
            }
            if byte == UInt8(ascii: "\\") { return try unescaped(from: start) }
            if byte < 0x20 { throw problem("a control character inside a string") }
            position += 1
        }
        throw problem("a string without an end")
    }

    func bytes<R>(_ slice: Slice, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        if slice.isDecoded { return try decoded.withUnsafeBytes { try body(.init(rebasing: $0[slice.range])) } }
        return try body(.init(rebasing: text[slice.range]))
    }

    private func checked(_ slice: Slice) throws(Problem) -> Slice {
        guard bytes(slice, UTF8Check.isValid) else { throw problem("a string that is no UTF-8") }
        return slice
    }

    private mutating func unescaped(from start: Int) throws(Problem) -> Slice {
        let begin = decoded.count
        decoded.append(contentsOf: text[start..<position])
        while let byte = peek {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return try checked(Slice(isDecoded: true, range: begin..<decoded.count))
            case UInt8(ascii: "\\"): try escape()
            case 0..<0x20: throw problem("a control character inside a string")
            default: decoded.append(byte)
            }
        }
        throw problem("a string without an end")
    }

    private mutating func escape() throws(Problem) {
        guard let letter = peek else { throw problem("a string without an end") }
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded.append(letter)
        case UInt8(ascii: "n"): decoded.append(10)
        case UInt8(ascii: "t"): decoded.append(9)
        case UInt8(ascii: "r"): decoded.append(13)
        case UInt8(ascii: "b"): decoded.append(8)
        case UInt8(ascii: "f"): decoded.append(12)
        case UInt8(ascii: "u"):
            var code = try fourDigits()
            if code & 0xFC00 == 0xD800, peek == UInt8(ascii: "\\"), position + 1 < text.count,
                text[position + 1] == UInt8(ascii: "u")
            {
                position += 2
                let low = try fourDigits()
                guard low & 0xFC00 == 0xDC00 else { throw problem("half of a surrogate pair") }
                code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
            }
            guard let scalar = UnicodeScalar(code) else { throw problem("half of a surrogate pair") }
            decoded.append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? [])
        default: throw problem("an escape that JSON does not have")
        }
    }

    private mutating func fourDigits() throws(Problem) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = EscapedText.hex(peek) else { throw problem("\\u needs four hexadecimal digits") }
            code = code << 4 | UInt32(digit)
            position += 1
        }
        return code
    }
}
