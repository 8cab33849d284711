import Testing

@testable import KCore

@Suite struct TopicPatternTests {
    private func matches(_ pattern: String, _ name: String) throws -> Bool { try TopicPattern(pattern).matches(name) }

    @Test func `patterns match whole names as RE2's do`() throws {
        for (pattern, yes, no) in [
            ("orders", ["orders"], ["orders1", "xorders", "order"]),
            ("^orders.*$", ["orders", "orders-eu"], ["my-orders"]),
            ("a|bc|d+", ["a", "bc", "ddd"], ["b", "ab", ""]),
            ("(a|b)*c", ["c", "abbac"], ["ab", "cc"]),
            ("x{2}y{1,2}z{0,}", ["xxy", "xxyyzzz"], ["xy", "xxyyy"]),
            ("[a-c_]+[^0-9]", ["ab_x", "ca"], ["a1", "a"]),
            (#"\d+\.\w*\-\S"#, ["12.a_9-x"], ["x.a-x", "12a-x"]),
            ("(?:ab)?(?P<n>c)(?<m>d)", ["abcd", "cd"], ["acd"]),
            ("t.p", ["top", "t.p"], ["tp", "toop"]),
            ("[]x]+[a-]", ["]x-", "xa"], ["xb"]),
            ("a*?b+?", ["b", "aab"], ["a"]),
            ("()|a", ["", "a"], ["b"]),
            ("^a.*|^b$", ["a", "ax", "b"], ["bx", "xa"]),
            ("(^|x)a($|y)", ["a", "xa", "ay", "xay"], ["b", "xay$"]),
            ("^$", [""], ["a"]), ("a^b", [], ["ab", "a^b"]), ("a$b", [], ["ab", "a$b"]),
        ] {
            for name in yes { #expect(try matches(pattern, name), "\(pattern) should match \(name)") }
            for name in no { #expect(try !matches(pattern, name), "\(pattern) should not match \(name)") }
        }
    }

    @Test func `what is no pattern is refused`() {
        for pattern in [
            "(", ")", "[a", "a{2", "a{3,2}", "a{x}", "*a", "+", #"a\"#, "(?=a)", "(?i)a", #"\b"#, "[b-a]",
            "a{1001}", "(a{100}){100}", String(repeating: "(", count: 60), "(?P<n",
        ] { #expect(throws: TopicPatternError.self, "\(pattern)") { try TopicPattern(pattern) } }
    }

    @Test func `a pattern that makes others try for ever takes no time`() throws {
        let pattern = try TopicPattern("(a+)+(a*)*(a|a)*b")
        #expect(!pattern.matches(String(repeating: "a", count: 249)))
        #expect(pattern.matches(String(repeating: "a", count: 248) + "b"))
    }
}
