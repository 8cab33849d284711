/// Reads a pattern's text as RE2 does.
struct TopicPatternParser {
    private static let maxDepth = 200

    private var reader: PatternReader
    private var foldsCase = false
    private var depth = 0
    private var groupNames: Set<String> = []

    init(_ text: String) { reader = PatternReader(text) }

    mutating func parse() throws(TopicPatternError) -> TopicPatternNode {
        let node = try alternatives()
        guard reader.isAtEnd else { throw TopicPatternError(reason: "a parenthesis is closed that is not open") }
        return node
    }

    private mutating func alternatives() throws(TopicPatternError) -> TopicPatternNode {
        var parts = [try sequence()]
        while reader.take("|") { parts.append(try sequence()) }
        return parts.count == 1 ? parts[0] : .either(parts)
    }

    private mutating func sequence() throws(TopicPatternError) -> TopicPatternNode {
        var parts: [TopicPatternNode] = []
        while let next = reader.next, next != "|", next != ")" {
            if reader.take("\\Q") {
                parts += reader.quoted().map { literal($0) }
            } else {
                // Flags have no part of their own.
                guard let atom = try atom() else { continue }
                parts.append(atom)
            }
            if let last = parts.popLast() { parts.append(try repeated(last)) }
        }
        return .sequence(parts)
    }

    private mutating func repeated(_ part: TopicPatternNode) throws(TopicPatternError) -> TopicPatternNode {
        guard let count = try reader.repetition() else { return part }
        if try reader.repetition() != nil { throw TopicPatternError(reason: "a repetition follows another") }
        return .repeated(part, least: count.least, most: count.most)
    }

    private mutating func atom() throws(TopicPatternError) -> TopicPatternNode? {
        switch reader.next {
        case "(":
            _ = reader.take("(")
            return try group()
        case "[":
            _ = reader.take("[")
            return .character(try reader.characterClass(foldsCase: foldsCase))
        case "*", "+", "?":
            throw TopicPatternError(reason: "there is nothing to repeat")
        case "\\":
            return try escaped()
        default:
            if try reader.repetition() != nil { throw TopicPatternError(reason: "there is nothing to repeat") }
            guard let scalar = reader.takeOne() else { return nil }
            switch scalar {
            case ".": return .character(NameCharacters(0...127))
            case "^": return .assertion(.begin)
            case "$": return .assertion(.end)
            default: return literal(scalar)
            }
        }
    }

    private func literal(_ scalar: Unicode.Scalar) -> TopicPatternNode {
        let set = NameCharacters(scalar.value...scalar.value)
        return .character(foldsCase ? set.foldingCase : set)
    }

    private mutating func escaped() throws(TopicPatternError) -> TopicPatternNode {
        for (text, assertion) in [
            ("\\A", TopicPattern.Assertion.begin), ("\\z", .end), ("\\b", .wordBoundary), ("\\B", .noWordBoundary),
        ] where reader.take(text) {
            return .assertion(assertion)
        }
        if let set = try reader.namedSet(foldsCase: foldsCase) { return .character(set) }
        return literal(try reader.escapedCharacter())
    }

    // MARK: Groups

    /// - Returns: nil when it only sets flags for what follows.
    private mutating func group() throws(TopicPatternError) -> TopicPatternNode? {
        let outerFolds = foldsCase
        if reader.take("?P<") || reader.take("?<") {
            try takeGroupName()
        } else if reader.take("?") {
            if try takeFlags() { return nil }
        }
        depth += 1
        guard depth <= Self.maxDepth else { throw TopicPatternError(reason: "it is nested too deeply") }
        let node = try alternatives()
        guard reader.take(")") else { throw TopicPatternError(reason: "a parenthesis is not closed") }
        depth -= 1
        foldsCase = outerFolds
        return node
    }

    private mutating func takeGroupName() throws(TopicPatternError) {
        guard let name = reader.take(upTo: ">"), !name.isEmpty,
            name.utf8.allSatisfy({ NameCharacters.word.contains($0) })
        else { throw TopicPatternError(reason: "a group's name does not end, or is none") }
        guard groupNames.insert(name).inserted else { throw TopicPatternError(reason: "two groups are named \(name)") }
    }

    /// Flags behind `(?`, `(?:` without any included. Those beside `i` make no difference for names: they have one line, and it
    /// does not matter which way they match.
    /// - Returns: whether the group ends here, and the flags are for what follows.
    private mutating func takeFlags() throws(TopicPatternError) -> Bool {
        var clears = false
        var hasFlag = true
        while let flag = reader.takeOne() {
            switch flag {
            case "i":
                foldsCase = !clears
                hasFlag = true
            case "m", "s", "U":
                hasFlag = true
            case "-" where !clears:
                (clears, hasFlag) = (true, false)
            case ":" where hasFlag: return false
            case ")" where hasFlag: return true
            default: throw TopicPatternError(reason: "(?\(flag) is not supported")
            }
        }
        throw TopicPatternError(reason: "a group's flags do not end")
    }
}
