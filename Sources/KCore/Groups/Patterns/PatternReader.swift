/// The text of a pattern, character by character, and the parts of it that have no parts.
struct PatternReader {
    /// Of one part.
    private static let maxRepetitions = 1000

    private let text: [Unicode.Scalar]
    private var position = 0

    init(_ text: String) { self.text = Array(text.unicodeScalars) }

    var isAtEnd: Bool { position == text.count }
    var next: Unicode.Scalar? { position < text.count ? text[position] : nil }

    mutating func takeOne() -> Unicode.Scalar? {
        guard let next else { return nil }
        position += 1
        return next
    }

    mutating func take(_ word: String) -> Bool {
        guard text[position...].starts(with: word.unicodeScalars) else { return false }
        position += word.unicodeScalars.count
        return true
    }

    /// Takes what is in front of `end`, and `end`; nil when it does not come.
    mutating func take(upTo end: Unicode.Scalar) -> String? {
        guard let stop = text[position...].firstIndex(of: end) else { return nil }
        defer { position = stop + 1 }
        return String(String.UnicodeScalarView(text[position..<stop]))
    }

    /// Takes what is literal up to `\E`, or to the end.
    mutating func quoted() -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        while !take("\\E"), let scalar = takeOne() { result.append(scalar) }
        return result
    }

    // MARK: Repetitions

    /// Takes `*`, `+`, `?` or `{n,m}`, with the `?` behind it that would say which match to prefer. A brace that is none of these
    /// is a character like others.
    mutating func repetition() throws(TopicPatternError) -> (least: Int, most: Int?)? {
        let count: (least: Int, most: Int?)
        switch next {
        case "*": count = (0, nil)
        case "+": count = (1, nil)
        case "?": count = (0, 1)
        case "{":
            guard let braced = try braces() else { return nil }
            _ = take("?")
            return braced
        default: return nil
        }
        position += 1
        _ = take("?")
        return count
    }

    private mutating func braces() throws(TopicPatternError) -> (least: Int, most: Int?)? {
        let start = position
        position += 1
        guard let least = number() else {
            position = start
            return nil
        }
        var most: Int? = least
        if take(",") { most = next == "}" ? nil : number() ?? -1 }
        guard most != -1, take("}") else {
            position = start
            return nil
        }
        guard max(least, most ?? 0) <= Self.maxRepetitions else {
            throw TopicPatternError(reason: "it repeats too often")
        }
        if let most, most < least { throw TopicPatternError(reason: "a repetition ends before it begins") }
        return (least, most)
    }

    /// A number without zeros in front; one that is too large for anything is the largest.
    private mutating func number() -> Int? {
        let start = position
        while let next, ("0"..."9").contains(next) { position += 1 }
        let digits = text[start..<position]
        guard let first = digits.first, first != "0" || digits.count == 1 else { return nil }
        return digits.count > 9 ? .max : digits.reduce(0) { $0 * 10 + Int($1.value - 48) }
    }

    // MARK: Sets

    /// What is behind `[`, its bracket included.
    mutating func characterClass(foldsCase: Bool) throws(TopicPatternError) -> NameCharacters {
        let isInverted = take("^")
        var result = NameCharacters()
        var isFirst = true
        while isFirst || next != "]" {
            isFirst = false
            guard next != nil else { throw TopicPatternError(reason: "a bracket is not closed") }
            var set = try posixSet()
            if set == nil { set = try namedSet(foldsCase: foldsCase) }
            if let set {
                result.formUnion(set)
                continue
            }
            let first = try classCharacter()
            var last = first
            if next == "-", position + 1 < text.count, text[position + 1] != "]" {
                position += 1
                last = try classCharacter()
            }
            guard first <= last else { throw TopicPatternError(reason: "a range ends before it begins") }
            result.insert(first.value...last.value)
        }
        position += 1
        if foldsCase { result = result.foldingCase }
        return isInverted ? result.inverted : result
    }

    private mutating func classCharacter() throws(TopicPatternError) -> Unicode.Scalar {
        if next == "\\" { return try escapedCharacter() }
        guard let scalar = takeOne() else { throw TopicPatternError(reason: "a bracket is not closed") }
        return scalar
    }

    private mutating func posixSet() throws(TopicPatternError) -> NameCharacters? {
        let start = position
        guard take("[:") else { return nil }
        let isInverted = take("^")
        guard let name = take(upTo: ":"), take("]") else {
            position = start
            return nil
        }
        guard let set = NameCharacters.posix(name) else {
            throw TopicPatternError(reason: "[:\(name):] is no class")
        }
        return isInverted ? set.inverted : set
    }

    /// `\d`, `\D` and their like, `\pN`, `\p{Lu}`, `\P{^Lu}`; nil when something else comes.
    mutating func namedSet(foldsCase: Bool) throws(TopicPatternError) -> NameCharacters? {
        guard next == "\\", position + 1 < text.count else { return nil }
        let letter = text[position + 1]
        let isCapital = ("A"..."Z").contains(letter)
        let small = Unicode.Scalar(letter.value | 0x20) ?? letter
        if let set = NameCharacters.perl(small), letter.isASCII {
            position += 2
            return isCapital ? set.inverted : set
        }
        guard letter == "p" || letter == "P" else { return nil }
        position += 2
        let name = take("{") ? take(upTo: "}") : takeOne().map { String($0) }
        let isInverted = name?.hasPrefix("^") ?? false
        guard let name, let set = NameCharacters.unicode(isInverted ? String(name.dropFirst()) : name) else {
            throw TopicPatternError(reason: "\\\(letter) is not followed by a class that is known")
        }
        let folded = foldsCase ? set.foldingCase : set
        return isCapital != isInverted ? folded.inverted : folded
    }

    // MARK: Escapes

    /// The character that a backslash and what follows it mean.
    mutating func escapedCharacter() throws(TopicPatternError) -> Unicode.Scalar {
        _ = take("\\")
        guard let scalar = takeOne() else { throw TopicPatternError(reason: "it ends with a backslash") }
        switch scalar {
        case "a": return "\u{7}"
        case "f": return "\u{C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{B}"
        case "x": return try hexadecimal()
        case "0"..."7":
            if let value = octal(after: scalar) { return value }
        default:
            let isPunctuation = scalar.isASCII && NameCharacters.posix("alnum")?.contains(UInt8(scalar.value)) == false
            if isPunctuation { return scalar }
        }
        throw TopicPatternError(reason: "\\\(scalar) is not supported")
    }

    /// - Returns: nil for what would be a reference to a group.
    private mutating func octal(after first: Unicode.Scalar) -> Unicode.Scalar? {
        func isDigit(_ scalar: Unicode.Scalar?) -> Bool { scalar.map { ("0"..."7").contains($0) } ?? false }
        guard first == "0" || isDigit(next) else { return nil }
        var value = first.value - 48
        for _ in 0..<2 where isDigit(next) { value = value * 8 + (takeOne()?.value ?? 48) - 48 }
        return Unicode.Scalar(value)
    }

    private mutating func hexadecimal() throws(TopicPatternError) -> Unicode.Scalar {
        let isBraced = take("{")
        var digits = ""
        while let next, next.properties.isASCIIHexDigit, isBraced || digits.count < 2 {
            digits.unicodeScalars.append(next)
            position += 1
        }
        let isWhole = isBraced ? take("}") && !digits.isEmpty : digits.count == 2
        guard isWhole, let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value) else {
            throw TopicPatternError(reason: "\\x is not followed by a character's number")
        }
        return scalar
    }
}
