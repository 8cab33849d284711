/// What is wrong with a `.properties` text.
struct PropertiesError: Error, Equatable, CustomStringConvertible {
    /// From 1.
    var line: Int
    var reason: String

    init(line: Int, _ reason: String) {
        self.line = line
        self.reason = reason
    }

    var description: String { "line \(line): \(reason)" }
}

/// Reads text in the syntax of Java's `.properties` files, which Kafka's configuration files have:
/// `key=value`, `key: value` or `key value`; lines that begin with `#` or `!` are comments; a backslash at the end goes
/// on with the next line, elsewhere it takes the next character's meaning away or gives it one (`\n \t \r \f \uXXXX`).
enum PropertiesFile {
    struct Property: Equatable, Sendable {
        var key: String
        var value: String
        /// From 1, where the property begins.
        var line: Int
    }

    /// Every property in the file's order. Where a key comes twice the last counts.
    /// - Throws: ``PropertiesError`` with the line of a `\u` that is not followed by four hexadecimal digits.
    static func parse(_ text: String) throws(PropertiesError) -> [Property] {
        var scanner = Scanner(text: Array(text.unicodeScalars))
        var properties: [Property] = []
        while let property = try scanner.next() { properties.append(property) }
        return properties
    }

    /// The properties as a dictionary.
    static func dictionary(_ text: String) throws(PropertiesError) -> [String: String] {
        Dictionary(try parse(text).map { ($0.key, $0.value) }) { _, last in last }
    }

    private struct Scanner {
        let text: [Unicode.Scalar]
        var position = 0
        var line = 1

        private static func isBlank(_ character: Unicode.Scalar) -> Bool {
            character == " " || character == "\t" || character == "\u{0C}"
        }
        private static func isLineEnd(_ character: Unicode.Scalar) -> Bool { character == "\n" || character == "\r" }

        init(text: [Unicode.Scalar]) { self.text = text }

        private var current: Unicode.Scalar? { position < text.count ? text[position] : nil }

        mutating func next() throws(PropertiesError) -> Property? {
            while let character = current {
                if Self.isBlank(character) {
                    position += 1
                } else if Self.isLineEnd(character) {
                    endLine()
                } else if character == "#" || character == "!" {
                    while let character = current, !Self.isLineEnd(character) { position += 1 }
                } else {
                    return try property()
                }
            }
            return nil
        }

        private mutating func property() throws(PropertiesError) -> Property {
            let start = line
            let key = try word { $0 == "=" || $0 == ":" || Self.isBlank($0) }
            skipBlanks()
            if current == "=" || current == ":" {
                position += 1
                skipBlanks()
            }
            return Property(key: key, value: try word { _ in false }, line: start)
        }

        /// Up to a character that `ends` it or the end of the logical line.
        private mutating func word(ends: (Unicode.Scalar) -> Bool) throws(PropertiesError) -> String {
            var word = String.UnicodeScalarView()
            while let character = current, !Self.isLineEnd(character), !ends(character) {
                position += 1
                guard character == "\\" else {
                    word.append(character)
                    continue
                }
                guard let escaped = current else { break }
                if Self.isLineEnd(escaped) {
                    endLine()
                    while let blank = current, Self.isBlank(blank) { position += 1 }
                } else {
                    position += 1
                    try append(escaped: escaped, to: &word)
                }
            }
            return String(word)
        }

        private mutating func append(
            escaped: Unicode.Scalar, to word: inout String.UnicodeScalarView
        ) throws(PropertiesError) {
            switch escaped {
            case "n": word.append("\n")
            case "t": word.append("\t")
            case "r": word.append("\r")
            case "f": word.append("\u{0C}")
            case "u":
                var unit = try codeUnit()
                // Java writes what lies beyond 16 bits as two of these.
                if (0xD800..<0xDC00).contains(unit), position + 1 < text.count, text[position] == "\\",
                    text[position + 1] == "u"
                {
                    position += 2
                    let low = try codeUnit()
                    unit = 0x10000 + (unit - 0xD800) << 10 + (low &- 0xDC00) & 0x3FF
                }
                word.append(Unicode.Scalar(unit) ?? "\u{FFFD}")
            default: word.append(escaped)
            }
        }

        private mutating func codeUnit() throws(PropertiesError) -> UInt32 {
            let end = position + 4
            var digits = ""
            if end <= text.count { digits.unicodeScalars.append(contentsOf: text[position..<end]) }
            guard digits.unicodeScalars.allSatisfy({ $0.properties.isASCIIHexDigit }),
                let unit = UInt32(digits, radix: 16)
            else { throw PropertiesError(line: line, "\\u must be followed by four hexadecimal digits") }
            position = end
            return unit
        }

        private mutating func skipBlanks() {
            while let character = current {
                if Self.isBlank(character) {
                    position += 1
                } else if character == "\\", position + 1 < text.count, Self.isLineEnd(text[position + 1]) {
                    position += 1
                    endLine()
                } else {
                    return
                }
            }
        }

        private mutating func endLine() {
            if current == "\r", position + 1 < text.count, text[position + 1] == "\n" { position += 1 }
            position += 1
            line += 1
        }
    }
}
