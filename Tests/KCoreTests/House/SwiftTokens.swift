/// The words and punctuation of a Swift file, without its comments and the text of its string literals. Code inside of
/// an interpolation counts as code. Enough of the language to see who names whom; not a parser.
struct SwiftTokens {
    struct Token {
        /// A word, or one character of punctuation.
        var text: String
        var line: Int
        /// How many braces are open around it.
        var depth: Int
        var isWord: Bool
    }

    private(set) var all: [Token] = []

    private let source: [UInt8]
    private var at = 0
    private var line = 1
    private var depth = 0

    init(_ text: String) {
        source = Array(text.utf8)
        code(until: nil)
    }

    static let declaring: Set = ["class", "struct", "enum", "protocol", "actor", "typealias", "associatedtype"]

    /// The names of the types that are declared, and the line they stand on.
    /// - Parameter fileLevelOnly: leaves out what is declared inside of something else.
    func declaredTypes(fileLevelOnly: Bool) -> [String: Int] {
        var names: [String: Int] = [:]
        for (word, name) in zip(all, all.dropFirst())
        where SwiftTokens.declaring.contains(word.text) && name.isWord && name.text.first?.isUppercase == true {
            if !fileLevelOnly || word.depth == 0 { names[name.text] = name.line }
        }
        return names
    }

    /// The words that may name a type of the module, with the types that they stand in: not those behind a dot, which belong
    /// to what stands before it.
    func uses() -> [(token: Token, enclosing: [String])] {
        let enclosing = enclosingTypes()
        return all.indices.compactMap { index in
            let token = all[index]
            guard token.isWord && token.text.first?.isUppercase == true else { return nil }
            return index > 0 && all[index - 1].text == "." ? nil : (token, enclosing[index])
        }
    }

    private func peek(_ ahead: Int = 0) -> UInt8? { at + ahead < source.count ? source[at + ahead] : nil }

    private func isNext(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { wanted in
            at + wanted.count <= source.count && wanted.elementsEqual(source[at..<at + wanted.count])
        }
    }

    private mutating func step(_ count: Int = 1) {
        for _ in 0..<count where at < source.count {
            if source[at] == UInt8(ascii: "\n") { line += 1 }
            at += 1
        }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...: true
        default: false
        }
    }

    /// Reads code up to the end, or, inside of an interpolation, up to the parenthesis that closes it.
    private mutating func code(until close: UInt8?) {
        var parentheses = 0
        while let byte = peek() {
            if isNext("//") {
                while let byte = peek(), byte != UInt8(ascii: "\n") { step() }
            } else if isNext("/*") {
                comment()
            } else if byte == UInt8(ascii: "\"") || isNext("#\"") || isNext("##\"") {
                string()
            } else if byte == UInt8(ascii: "`") {
                step()
                while let byte = peek(), byte != UInt8(ascii: "`") { step() }
                step()
            } else if SwiftTokens.isWord(byte) {
                let start = at
                while let byte = peek(), SwiftTokens.isWord(byte) { step() }
                add(String(decoding: source[start..<at], as: UTF8.self), isWord: true)
            } else {
                if byte == UInt8(ascii: "(") { parentheses += 1 }
                if byte == UInt8(ascii: ")") {
                    if close != nil && parentheses == 0 { return step() }
                    parentheses -= 1
                }
                if byte == UInt8(ascii: "}") { depth -= 1 }
                if byte > UInt8(ascii: " ") { add(String(UnicodeScalar(byte)), isWord: false) }
                if byte == UInt8(ascii: "{") { depth += 1 }
                step()
            }
        }
    }

    private mutating func add(_ text: String, isWord: Bool) {
        all.append(Token(text: text, line: line, depth: depth, isWord: isWord))
    }

    private mutating func comment() {
        step(2)
        var open = 1
        while open > 0, peek() != nil {
            if isNext("/*") {
                open += 1
                step(2)
            } else if isNext("*/") {
                open -= 1
                step(2)
            } else {
                step()
            }
        }
    }

    private mutating func string() {
        var hashes = 0
        while peek() == UInt8(ascii: "#") {
            hashes += 1
            step()
        }
        let quotes = isNext("\"\"\"") ? 3 : 1
        step(quotes)
        while let byte = peek() {
            if byte == UInt8(ascii: "\\") && hasHashes(hashes, from: 1) {
                step(1 + hashes)
                if peek() == UInt8(ascii: "(") {
                    step()
                    code(until: UInt8(ascii: ")"))
                } else {
                    step()
                }
            } else if isNext(quotes == 1 ? "\"" : "\"\"\""), hasHashes(hashes, from: quotes) {
                return step(quotes + hashes)
            } else if quotes == 1 && byte == UInt8(ascii: "\n") {
                return
            } else {
                step()
            }
        }
    }

    private func hasHashes(_ count: Int, from ahead: Int) -> Bool {
        (0..<count).allSatisfy { peek(ahead + $0) == UInt8(ascii: "#") }
    }
}
