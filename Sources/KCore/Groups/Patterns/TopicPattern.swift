/// Why a text is no pattern of topic names.
struct TopicPatternError: Error, Equatable {
    var reason: String
}

/// A regular expression for whole topic names, in RE2's syntax as Kafka's brokers take it: literals, `.`, classes, groups,
/// alternatives, repetitions, `^ $ \A \z \b \B`, the flags `i m s U`. Names are ASCII, so nothing else is ever matched.
///
/// It comes from clients, so matching takes time in proportion to pattern and name, and never goes back: all ways to match
/// are followed at once.
struct TopicPattern: Sendable {
    enum Step: Sendable {
        /// Goes on at the next behind one of these characters.
        case character(NameCharacters)
        /// Goes on at both.
        case split(Int, Int)
        case jump(Int)
        /// Goes on at the next where this holds.
        case assertion(Assertion)
        case match
    }

    /// What can be asked of a place between characters.
    enum Assertion: Sendable {
        case begin, end, wordBoundary, noWordBoundary

        func holds(between before: UInt8?, and after: UInt8?) -> Bool {
            switch self {
            case .begin: before == nil
            case .end: after == nil
            case .wordBoundary: Self.isWord(before) != Self.isWord(after)
            case .noWordBoundary: Self.isWord(before) == Self.isWord(after)
            }
        }

        private static func isWord(_ byte: UInt8?) -> Bool { byte.map { NameCharacters.word.contains($0) } ?? false }
    }

    private let steps: [Step]

    init(_ text: String) throws(TopicPatternError) {
        var parser = TopicPatternParser(text)
        var program = TopicPatternProgram()
        try program.append(try parser.parse())
        steps = program.steps + [.match]
    }

    /// How many states the pattern has.
    var stepCount: Int { steps.count }

    /// Whether all of `name` matches.
    func matches(_ name: String) -> Bool {
        var visits = 0
        return matches(name, visits: &visits)
    }

    /// - Parameter visits: is raised by the number of states that were looked at, which is at most one of each for each place
    ///   of the name.
    func matches(_ name: String, visits: inout Int) -> Bool {
        let bytes = Array(name.utf8)
        var states = States(count: steps.count)
        follow(from: [0], at: 0, bytes, &states)
        for (place, byte) in bytes.enumerated() {
            let next = states.active.compactMap { index in
                if case .character(let set) = steps[index], set.contains(byte) { index + 1 } else { nil }
            }
            visits += states.active.count
            if next.isEmpty { return false }
            follow(from: next, at: place + 1, bytes, &states)
        }
        visits += states.active.count
        return states.active.contains(steps.count - 1)
    }

    /// Which states a name is in.
    private struct States {
        var active: [Int] = []
        /// The place at which a state was reached last.
        var places: [Int]

        init(count: Int) { places = Array(repeating: -1, count: count) }
    }

    /// Replaces the states by those that are reached at `place` without another character.
    private func follow(from starts: [Int], at place: Int, _ name: [UInt8], _ states: inout States) {
        let before = place > 0 ? name[place - 1] : nil
        let after = place < name.count ? name[place] : nil
        states.active.removeAll(keepingCapacity: true)
        var open = starts
        while let index = open.popLast() {
            guard states.places[index] != place else { continue }
            states.places[index] = place
            states.active.append(index)
            switch steps[index] {
            case .split(let a, let b): open += [a, b]
            case .jump(let target): open.append(target)
            case .assertion(let assertion): if assertion.holds(between: before, and: after) { open.append(index + 1) }
            case .character, .match: break
            }
        }
    }
}
