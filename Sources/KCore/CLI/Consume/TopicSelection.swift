/// `kconsume -t`: names, or with `^` in front a regular expression over all topics, in RE2's syntax as brokers take it from
/// consumers of the new protocol (KIP-848).
public struct TopicSelection: Sendable, Equatable {
    public var names: [String] = []
    public var patterns: [String] = []

    /// - Parameter texts: what each `-t` says.
    public init(_ texts: [String]) throws(ToolError) {
        for text in texts { try add(text) }
    }

    public init(_ text: String) throws(ToolError) { try self.init([text]) }

    private mutating func add(_ text: String) throws(ToolError) {
        // A pattern may have commas in it, so it goes on to the end.
        var rest = text[...]
        while true {
            if rest.hasPrefix("^") {
                try TopicSelection.check(String(rest))
                patterns.append(String(rest))
                break
            }
            let name = rest.prefix { $0 != "," }
            guard !name.isEmpty else { throw .usage("-t '\(text)': a topic without a name") }
            if let problem = TopicName.problem(with: String(name)) {
                throw .usage("-t: \(problem); a regular expression begins with ^")
            }
            if !names.contains(String(name)) { names.append(String(name)) }
            rest = rest.dropFirst(name.count)
            guard !rest.isEmpty else { break }
            rest = rest.dropFirst()
        }
    }

    /// Of `topics`, those that a pattern fits.
    public func matching(_ topics: [String]) -> [String] {
        let patterns = patterns.compactMap { try? TopicPattern(anywhere: $0) }
        return topics.filter { topic in patterns.contains { $0.matches(topic) } }
    }

    private static func check(_ pattern: String) throws(ToolError) {
        do throws(TopicPatternError) {
            _ = try TopicPattern(anywhere: pattern)
        } catch {
            throw .usage("-t '\(pattern)': not a regular expression: \(error.reason)")
        }
    }
}
