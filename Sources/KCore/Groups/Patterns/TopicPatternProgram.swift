/// What a pattern says, part by part.
indirect enum TopicPatternNode {
    case character(NameCharacters)
    case assertion(TopicPattern.Assertion)
    case sequence([TopicPatternNode])
    case either([TopicPatternNode])
    /// - Parameter most: nil for any number.
    case repeated(TopicPatternNode, least: Int, most: Int?)
}

/// Makes the states of a pattern. Their number is bounded, which bounds the memory of a pattern and the time of a match.
struct TopicPatternProgram {
    static let maxSteps = 10_000
    /// How often a part may be repeated, the repetitions around it included.
    static let maxCopies = 1000

    private(set) var steps: [TopicPattern.Step] = []

    /// - Parameter copies: how often the node is in the pattern because of the repetitions around it.
    mutating func append(_ node: TopicPatternNode, copies: Int = 1) throws(TopicPatternError) {
        switch node {
        case .character(let set): try append(.character(set))
        case .assertion(let assertion): try append(.assertion(assertion))
        case .sequence(let parts): for part in parts { try append(part, copies: copies) }
        case .either(let parts): try append(either: parts, copies)
        case .repeated(let part, let least, let most): try append(part, least, most, copies)
        }
    }

    private mutating func append(_ step: TopicPattern.Step) throws(TopicPatternError) {
        guard steps.count < Self.maxSteps else { throw TopicPatternError(reason: "it is too large") }
        steps.append(step)
    }

    private mutating func append(either parts: [TopicPatternNode], _ copies: Int) throws(TopicPatternError) {
        var jumps: [Int] = []
        for (number, part) in parts.enumerated() {
            let isLast = number == parts.count - 1
            let split = steps.count
            if !isLast { try append(.jump(0)) }
            try append(part, copies: copies)
            guard !isLast else { break }
            jumps.append(steps.count)
            try append(.jump(0))
            steps[split] = .split(split + 1, steps.count)
        }
        for jump in jumps { steps[jump] = .jump(steps.count) }
    }

    private mutating func append(
        _ part: TopicPatternNode, _ least: Int, _ most: Int?, _ copies: Int
    ) throws(TopicPatternError) {
        let copies = copies * max(least, most ?? 1, 1)
        guard copies <= Self.maxCopies else { throw TopicPatternError(reason: "it repeats too often") }
        guard let most else { return try append(part, atLeast: least, copies) }
        for _ in 0..<least { try append(part, copies: copies) }
        for _ in least..<most {
            let split = steps.count
            try append(.jump(0))
            try append(part, copies: copies)
            steps[split] = .split(split + 1, steps.count)
        }
    }

    private mutating func append(
        _ part: TopicPatternNode, atLeast least: Int, _ copies: Int
    ) throws(TopicPatternError) {
        for _ in 1..<max(least, 1) { try append(part, copies: copies) }
        let start = steps.count
        if least == 0 { try append(.jump(0)) }
        try append(part, copies: copies)
        if least == 0 {
            try append(.jump(start))
            steps[start] = .split(start + 1, steps.count)
        } else {
            try append(.split(start, steps.count + 1))
        }
    }
}
