/// Why a text is no pattern of topic names.
struct TopicPatternError: Error, Equatable {
    var reason: String
}

/// A regular expression for whole topic names, in the part of RE2's syntax that names can make use of: literals, `.`,
/// classes, `\d \w \s` and their opposites, groups, alternatives, `* + ? {n,m}`, `^` and `$`.
///
/// It comes from clients, so matching takes time in proportion to pattern and name, and never goes back: all ways to match
/// are followed at once.
struct TopicPattern: Sendable {
    fileprivate enum Step: Sendable {
        case byte(ByteSet)
        /// Goes on at both.
        case split(Int, Int)
        case jump(Int)
        /// Goes on at the next where the name begins.
        case begin
        /// Goes on at the next where the name ends.
        case end
        case match
    }

    /// States that a pattern may have, counted repetitions included.
    static let maxSteps = 2000
    private let steps: [Step]

    init(_ text: String) throws(TopicPatternError) {
        var parser = TopicPatternParser(text)
        var steps = try parser.parse()
        steps.append(.match)
        self.steps = steps
    }

    /// Whether all of `name` matches.
    func matches(_ name: String) -> Bool {
        var current: Set<Int> = []
        let count = name.utf8.count
        follow(0, &current, isBegin: true, isEnd: count == 0)
        for (position, byte) in name.utf8.enumerated() {
            var next: Set<Int> = []
            for index in current {
                guard case .byte(let set) = steps[index], set.contains(byte) else { continue }
                follow(index + 1, &next, isBegin: false, isEnd: position + 1 == count)
            }
            if next.isEmpty { return false }
            current = next
        }
        return current.contains(steps.count - 1)
    }

    private func follow(_ start: Int, _ states: inout Set<Int>, isBegin: Bool, isEnd: Bool) {
        var open = [start]
        while let index = open.popLast() {
            guard states.insert(index).inserted else { continue }
            switch steps[index] {
            case .split(let a, let b): open += [a, b]
            case .jump(let target): open.append(target)
            case .begin: if isBegin { open.append(index + 1) }
            case .end: if isEnd { open.append(index + 1) }
            case .byte, .match: break
            }
        }
    }
}

/// Some of the 256 bytes.
struct ByteSet: Sendable {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    static let all = ByteSet().inverted

    func contains(_ byte: UInt8) -> Bool {
        let bit = UInt64(1) << UInt64(byte & 63)
        return switch byte >> 6 {
        case 0: words.0 & bit != 0
        case 1: words.1 & bit != 0
        case 2: words.2 & bit != 0
        default: words.3 & bit != 0
        }
    }

    mutating func insert(_ range: ClosedRange<UInt8>) {
        for byte in range {
            let bit = UInt64(1) << UInt64(byte & 63)
            switch byte >> 6 {
            case 0: words.0 |= bit
            case 1: words.1 |= bit
            case 2: words.2 |= bit
            default: words.3 |= bit
            }
        }
    }

    mutating func formUnion(_ other: ByteSet) {
        words.0 |= other.words.0
        words.1 |= other.words.1
        words.2 |= other.words.2
        words.3 |= other.words.3
    }

    var inverted: ByteSet {
        var result = self
        result.words = (~words.0, ~words.1, ~words.2, ~words.3)
        return result
    }
}

/// Makes steps of a pattern's text.
private struct TopicPatternParser {
    private let text: [UInt8]
    private var position = 0
    private var depth = 0

    init(_ text: String) { self.text = Array(text.utf8) }

    mutating func parse() throws(TopicPatternError) -> [TopicPattern.Step] {
        let steps = try alternatives()
        if position < text.count { throw TopicPatternError(reason: "a parenthesis is closed that is not open") }
        return steps
    }

    private var next: UInt8? { position < text.count ? text[position] : nil }

    private mutating func take(_ byte: Character) -> Bool {
        guard let next, next == byte.asciiValue else { return false }
        position += 1
        return true
    }

    private func limited(_ steps: [TopicPattern.Step]) throws(TopicPatternError) -> [TopicPattern.Step] {
        guard steps.count <= TopicPattern.maxSteps else { throw TopicPatternError(reason: "it is too large") }
        return steps
    }

    private mutating func alternatives() throws(TopicPatternError) -> [TopicPattern.Step] {
        var result = try sequence()
        while take("|") {
            let other = try sequence()
            // The first, then over the other; or the other.
            let head: [TopicPattern.Step] = [.split(1, result.count + 2)]
            let first = head + shifted(result, by: 1) + [.jump(result.count + 2 + other.count)]
            result = try limited(first + shifted(other, by: first.count))
        }
        return result
    }

    private mutating func sequence() throws(TopicPatternError) -> [TopicPattern.Step] {
        var result: [TopicPattern.Step] = []
        while let byte = next, byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
            let part = try repeated(try atom())
            result = try limited(result + shifted(part, by: result.count))
        }
        return result
    }

    private mutating func repeated(_ atom: [TopicPattern.Step]) throws(TopicPatternError) -> [TopicPattern.Step] {
        var result = atom
        while let byte = next {
            let bounds: (least: Int, most: Int?)
            switch byte {
            case UInt8(ascii: "*"): bounds = (0, nil)
            case UInt8(ascii: "+"): bounds = (1, nil)
            case UInt8(ascii: "?"): bounds = (0, 1)
            case UInt8(ascii: "{"):
                guard let count = counts() else {
                    throw TopicPatternError(reason: "a repetition is not {n}, {n,} or {n,m}")
                }
                bounds = count
            default: return result
            }
            if byte != UInt8(ascii: "{") { position += 1 }
            // Whether few or many are tried first makes no difference to whether there is a match.
            _ = take("?")
            result = try repeated(result, bounds.least, bounds.most)
        }
        return result
    }

    private func repeated(
        _ atom: [TopicPattern.Step], _ least: Int, _ most: Int?
    ) throws(TopicPatternError) -> [TopicPattern.Step] {
        guard least <= 1000, most ?? 0 <= 1000, (atom.count + 1) * max(least, most ?? 1) <= TopicPattern.maxSteps else {
            throw TopicPatternError(reason: "it is too large")
        }
        if let most, most < least { throw TopicPatternError(reason: "a repetition ends before it begins") }
        var result: [TopicPattern.Step] = []
        for _ in 0..<least { result += shifted(atom, by: result.count) }
        guard let most else {
            let start = result.count
            let body: [TopicPattern.Step] = [.split(start + 1, start + atom.count + 2)]
            return try limited(result + body + shifted(atom, by: start + 1) + [.jump(start)])
        }
        for _ in 0..<(most - least) {
            let start = result.count
            result += [.split(start + 1, start + 1 + atom.count)] + shifted(atom, by: start + 1)
        }
        return try limited(result)
    }

    private mutating func counts() -> (Int, Int?)? {
        guard let end = text[position...].firstIndex(of: UInt8(ascii: "}")) else { return nil }
        let parts = String(decoding: text[(position + 1)..<end], as: UTF8.self)
            .split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
        position = end + 1
        guard let least = Int(parts[0]), least >= 0 else { return nil }
        if parts.count == 1 { return (least, least) }
        if parts[1].isEmpty { return (least, nil) }
        guard let most = Int(parts[1]), most >= 0 else { return nil }
        return (least, most)
    }

    private func shifted(_ steps: [TopicPattern.Step], by offset: Int) -> [TopicPattern.Step] {
        steps.map { step in
            switch step {
            case .split(let a, let b): .split(a + offset, b + offset)
            case .jump(let target): .jump(target + offset)
            case .byte, .begin, .end, .match: step
            }
        }
    }

    // MARK: Atoms

    private mutating func atom() throws(TopicPatternError) -> [TopicPattern.Step] {
        guard let byte = next else { return [] }
        position += 1
        switch byte {
        case UInt8(ascii: "("): return try group()
        case UInt8(ascii: "["): return [.byte(try set())]
        case UInt8(ascii: "."): return [.byte(.all)]
        case UInt8(ascii: "^"): return [.begin]
        case UInt8(ascii: "$"): return [.end]
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "{"):
            throw TopicPatternError(reason: "there is nothing to repeat")
        case UInt8(ascii: "\\"): return [.byte(try escaped())]
        default:
            var one = ByteSet()
            one.insert(byte...byte)
            return [.byte(one)]
        }
    }

    private mutating func group() throws(TopicPatternError) -> [TopicPattern.Step] {
        depth += 1
        guard depth <= 50 else { throw TopicPatternError(reason: "it is nested too deeply") }
        defer { depth -= 1 }
        if take("?") {
            if take("P") || next == UInt8(ascii: "<") {
                guard let end = text[position...].firstIndex(of: UInt8(ascii: ">")) else {
                    throw TopicPatternError(reason: "a group's name does not end")
                }
                position = end + 1
            } else if !take(":") {
                throw TopicPatternError(reason: "flags and looking around are not supported")
            }
        }
        let steps = try alternatives()
        guard take(")") else { throw TopicPatternError(reason: "a parenthesis is not closed") }
        return steps
    }

    private mutating func escaped() throws(TopicPatternError) -> ByteSet {
        guard let byte = next else { throw TopicPatternError(reason: "it ends with a backslash") }
        position += 1
        var set = ByteSet()
        switch byte {
        case UInt8(ascii: "d"), UInt8(ascii: "D"):
            set.insert(UInt8(ascii: "0")...UInt8(ascii: "9"))
        case UInt8(ascii: "w"), UInt8(ascii: "W"):
            set.insert(UInt8(ascii: "0")...UInt8(ascii: "9"))
            set.insert(UInt8(ascii: "a")...UInt8(ascii: "z"))
            set.insert(UInt8(ascii: "A")...UInt8(ascii: "Z"))
            set.insert(UInt8(ascii: "_")...UInt8(ascii: "_"))
        case UInt8(ascii: "s"), UInt8(ascii: "S"):
            set.insert(9...13)
            set.insert(32...32)
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            throw TopicPatternError(reason: "\\\(Character(UnicodeScalar(byte))) is not supported")
        default:
            set.insert(byte...byte)
            return set
        }
        return byte < UInt8(ascii: "a") ? set.inverted : set
    }

    private mutating func set() throws(TopicPatternError) -> ByteSet {
        var result = ByteSet()
        let isInverted = take("^")
        var isFirst = true
        while let byte = next, byte != UInt8(ascii: "]") || isFirst {
            isFirst = false
            position += 1
            if byte == UInt8(ascii: "\\") {
                result.formUnion(try escaped())
                continue
            }
            var last = byte
            if next == UInt8(ascii: "-"), position + 1 < text.count, text[position + 1] != UInt8(ascii: "]") {
                last = text[position + 1]
                position += 2
                guard last >= byte, last != UInt8(ascii: "\\") else {
                    throw TopicPatternError(reason: "a range ends before it begins")
                }
            }
            result.insert(byte...last)
        }
        guard take("]") else { throw TopicPatternError(reason: "a bracket is not closed") }
        return isInverted ? result.inverted : result
    }
}
