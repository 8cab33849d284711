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
        try self.init(try parser.parse())
    }

    /// What matches a name that has it anywhere in it, as other tools read a pattern: it says itself where it begins and ends.
    init(anywhere text: String) throws(TopicPatternError) {
        var parser = TopicPatternParser(text)
        let anything = TopicPatternNode.repeated(.character(NameCharacters(0...127)), least: 0, most: nil)
        try self.init(.sequence([anything, try parser.parse(), anything]))
    }

    private init(_ node: TopicPatternNode) throws(TopicPatternError) {
        var program = TopicPatternProgram()
        try program.append(node)
        steps = program.steps + [.match]
    }

    /// How many states the pattern has.
    var stepCount: Int { steps.count }

    /// Whether all of `name` matches.
    func matches(_ name: String) -> Bool {
        var states = makeStates()
        return matches(name, &states)
    }

    /// What it takes to match names, one after the other.
    func makeStates() -> States { States(count: steps.count) }

    func matches(_ name: String, _ states: inout States) -> Bool { matches(name, &states, upTo: .max) ?? false }

    /// The same in parts, all with the same name and states.
    /// - Parameter count: when as many states have been looked at, it is enough for now.
    /// - Returns: nil when the name has not come to its end.
    func matches(_ name: String, _ states: inout States, upTo count: Int) -> Bool? {
        let bytes = Array(name.utf8)
        var place = states.place ?? 0
        if states.place == nil {
            states.next = [0]
            follow(at: 0, bytes, &states)
        }
        while place < bytes.count {
            states.place = place
            guard states.count < count else { return nil }
            for index in states.active {
                if case .character(let set) = steps[index], set.contains(bytes[place]) { states.next.append(index + 1) }
            }
            states.place = nil
            if states.next.isEmpty { return false }
            place += 1
            follow(at: place, bytes, &states)
        }
        states.place = nil
        return states.active.contains(steps.count - 1)
    }

    /// Which states a name is in.
    struct States {
        fileprivate var active: [Int] = []
        /// Where a name was left; nil when the next one begins.
        fileprivate var place: Int?
        /// Where the next place begins.
        fileprivate var next: [Int] = []
        /// The visit at which a state was reached last.
        fileprivate var visits: [Int]
        fileprivate var visit = 0
        /// How many states were looked at, for all names: at most one of each for each place of a name.
        private(set) var count = 0

        fileprivate init(count: Int) { visits = Array(repeating: 0, count: count) }

        /// - Returns: whether this is the first time at this place.
        fileprivate mutating func reach(_ index: Int) -> Bool {
            guard visits[index] != visit else { return false }
            visits[index] = visit
            active.append(index)
            count += 1
            return true
        }
    }

    /// Replaces the states by those that are reached at `place` without another character.
    private func follow(at place: Int, _ name: [UInt8], _ states: inout States) {
        let before = place > 0 ? name[place - 1] : nil
        let after = place < name.count ? name[place] : nil
        states.active.removeAll(keepingCapacity: true)
        states.visit += 1
        while let index = states.next.popLast() {
            guard states.reach(index) else { continue }
            switch steps[index] {
            case .split(let a, let b):
                states.next.append(a)
                states.next.append(b)
            case .jump(let target): states.next.append(target)
            case .assertion(let assertion):
                if assertion.holds(between: before, and: after) { states.next.append(index + 1) }
            case .character, .match: break
            }
        }
    }
}
