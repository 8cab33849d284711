internal import Glibc

/// `kconsume -t`: names, or with `^` in front an extended regular expression over all topics.
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
            if !names.contains(String(name)) { names.append(String(name)) }
            rest = rest.dropFirst(name.count)
            guard !rest.isEmpty else { break }
            rest = rest.dropFirst()
        }
    }

    /// Of `topics`, those that a pattern fits.
    public func matching(_ topics: [String]) -> [String] {
        topics.filter { topic in patterns.contains { TopicSelection.fits(topic, $0) } }
    }

    private static func check(_ pattern: String) throws(ToolError) {
        var compiled = regex_t()
        let code = regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB)
        if code == 0 { return regfree(&compiled) }
        var message = [CChar](repeating: 0, count: 200)
        regerror(code, &compiled, &message, message.count)
        let text = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        throw .usage("-t '\(pattern)': not a regular expression: \(text)")
    }

    private static func fits(_ topic: String, _ pattern: String) -> Bool {
        var compiled = regex_t()
        guard regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) == 0 else { return false }
        defer { regfree(&compiled) }
        return regexec(&compiled, topic, 0, nil, 0) == 0
    }
}
