import Testing

@testable import KCore

@Suite struct TopicPatternTests {
    private typealias Case = (pattern: String, yes: [String], no: [String])

    private func check(_ cases: [Case]) throws {
        for (text, yes, no) in cases {
            let pattern = try TopicPattern(text)
            for name in yes { #expect(pattern.matches(name), "\(text) should match \(name)") }
            for name in no { #expect(!pattern.matches(name), "\(text) should not match \(name)") }
        }
    }

    @Test func `patterns match whole names as RE2's do`() throws {
        try check([
            ("orders", ["orders"], ["orders1", "xorders", "order"]),
            ("^orders.*$", ["orders", "orders-eu"], ["my-orders"]),
            ("a|bc|d+", ["a", "bc", "ddd"], ["b", "ab", ""]),
            ("(a|b)*c", ["c", "abbac"], ["ab", "cc"]),
            ("(?:ab)?(?P<n>c)(?<m>d)", ["abcd", "cd"], ["acd"]),
            ("t.p", ["top", "t.p"], ["tp", "toop"]),
            ("a*?b+?c??", ["b", "aab", "bc"], ["a", "bcc"]),
            ("()|a", ["", "a"], ["b"]), ("", [""], ["a"]), ("a||b", ["a", "", "b"], ["ab"]),
        ])
    }

    @Test func `repetitions have bounds, and a brace that is none is a character`() throws {
        try check([
            ("x{2}y{1,2}z{0,}", ["xxy", "xxyyzzz"], ["xy", "xxyyy"]),
            ("a{0}b", ["b"], ["ab"]), ("(ab){2,3}", ["abab", "ababab"], ["ab", "abababab"]),
            ("(a{2,}|b)+", ["aa", "aab", "baaab"], ["a", "ba"]), ("(a*)*", ["", "aaa"], ["b"]),
            ("(a+)+b", ["ab", "aaab"], ["b"]), ("a{1000}", [String(repeating: "a", count: 1000)], ["a"]),
            ("a{,2}|x}", ["a{,2}", "x}"], ["", "a", "aa", "x"]), ("a{2|b{x}|c{01}", ["a{2", "b{x}", "c{01}"], ["a"]),
        ])
    }

    @Test func `anchors and word boundaries are places`() throws {
        try check([
            ("^a.*|^b$", ["a", "ax", "b"], ["bx", "xa"]), ("(^|x)a($|y)", ["a", "xa", "ay", "xay"], ["b", "xay$"]),
            ("^$", [""], ["a"]), ("a^b|a$b", [], ["ab", "a^b", "a$b"]), (#"\Aab\z"#, ["ab"], ["a"]),
            (#".*\bpay\b.*"#, ["pay", "eu-pay", "pay.v1"], ["payments", "repay", "a_pay"]),
            (#".*\Bpay.*"#, ["repay", "a_pay"], ["pay", "eu-pay"]), ("^*a$+", ["a"], ["aa"]),
        ])
    }

    @Test func `classes have ranges, names, escapes and opposites`() throws {
        try check([
            ("[a-c_]+[^0-9]", ["ab_x", "ca"], ["a1", "a"]), ("[]x]+[a-]", ["]x-", "xa"], ["xb"]),
            ("[^]a]", ["b"], ["]", "a"]), (#"[\.\-\]]+"#, [".-]"], ["a", #"\"#]),
            (#"[+--]+[\d-]"#, ["+,-1", "--"], ["."]),
            (#"[\w.]+-[^\W_]"#, ["a_1.b-x"], ["a-_", "-a"]), (#"\d+\.\w*\-\S"#, ["12.a_9-x"], ["x.a-x", "12a-x"]),
            (#"\D\S\W"#, ["ab-", "a--"], ["1b-", "ab_"]),
            ("[[:alpha:]]+[[:^digit:]][[:punct:]]", ["ab.-", "a_."], ["a1.", "1a."]),
            ("[[:upper:][:digit:]_]+", ["A_1"], ["a"]), ("[[:lower]", [":", "l", "["], ["x", "]"]),
            (#"\pL+\p{Nd}\PL\p{^L}[\p{Lu}\p{Pd}]"#, ["ab1--A", "a12--"], ["1b1--A", "a1a-A", "a1--a"]),
            (#"\x61\x{62}\143\056\t?"#, ["abc."], ["abcx"]), (#"\Qa.*\E+b\Qc"#, ["a.*bc", "a.**bc"], ["axxbc"]),
            ("[ä-ö]|é+|[^é]", ["a"], ["", "ä"]),
        ])
    }

    @Test func `flags hold to the end of their group`() throws {
        try check([
            ("(?i)orders-EU", ["orders-eu", "ORDERS-eu"], ["orders"]),
            ("(?i:a)b", ["ab", "Ab"], ["aB"]), ("(a(?i)b|c)d", ["abd", "aBd", "Cd"], ["Abd", "abD"]),
            ("(?i)[a-c]x(?-i)y", ["Bxy", "bXy"], ["bxY"]), ("(?i)[^a]", ["b", "B"], ["a", "A"]),
            (#"(?i)\p{Lu}\Qx\E"#, ["aX", "Ax"], ["1x"]),
            ("(?s)a.b(?m)^?", ["axb"], ["ab"]), ("(?imsU-s)A(?)", ["a"], ["b"]), ("(?U)a+", ["aa"], ["b"]),
        ])
    }

    @Test(arguments: [
        "(", ")", "a)", "(a", "[a", "[", "[^", "[]", "[[:lower:]", "a{3,2}", "a{1001}", "a{99999999999999999999}",
        "(a{100}){100}",
        "*a",
        "+", "a|*", "(*)", "{2}", "a**", "a*+", "a+?*", "a{2}{3}", #"a\"#, "(?=a)", "(?!a)", "(?<=a)", "(?>a)", "(?#a)",
        "(?i", "(?i-)", "(?-)", "(?x)a", "(?P<n", "(?P<>a)", "(?P<a-b>c)", "(?P<a>b)(?<a>c)", "(?P=a)", #"\1"#,
        #"(a)\1"#,
        #"\8"#, #"\e"#, #"\Z"#, #"\C"#, #"\xg1"#, #"\x{110000}"#, #"\x{}"#, #"\pX"#, #"\p{L"#, #"\p{Nonsense}"#,
        "[b-a]",
        #"[a-\d]"#, "[[:nonsense:]]", #"\é"#, String(repeating: "(", count: 300) + String(repeating: ")", count: 300),
        "((((((((((a{2}){2}){2}){2}){2}){2}){2}){2}){2}){2})",
        String(repeating: "(a{1000})", count: 11),
    ])
    func `what is no pattern is refused`(pattern: String) {
        #expect(throws: TopicPatternError.self) { try TopicPattern(pattern) }
    }

    @Test func `a list of hundreds of names is a pattern`() throws {
        let names = (0..<300).map { "tenant-\($0).payments.v1" }
        let pattern = try TopicPattern(names.joined(separator: "|"))
        #expect(names.allSatisfy { pattern.matches($0) } && !pattern.matches("tenant-300.payments.v1"))
    }

    @Test(arguments: [
        "(a+)+(a*)*(a|a)*b", "(a*)*(a*)*(a*)*b", "(a?){249}a{249}", "(.*)(.*)(.*)(.*)(.*)[^a]",
        "((a{0,10}){0,10}){0,10}b",
        "(x|a|aa|aaa)*b", "(?i)(A|a)*?B", "(a|b|ab)*(ba|a)*c",
    ])
    func `no pattern takes more than one look at each of its states for each place of a name`(text: String) throws {
        let pattern = try TopicPattern(text)
        for name in [String(repeating: "a", count: 249), String(repeating: "a", count: 248) + "b", "b", ""] {
            var states = pattern.makeStates()
            let isMatch = pattern.matches(name, &states)
            #expect(states.count <= pattern.stepCount * (name.utf8.count + 1))
            #expect(pattern.matches(name, &states) == isMatch, "what was before makes no difference")
        }
        #expect(pattern.stepCount <= TopicPatternProgram.maxSteps + 1)
    }

    @Test(arguments: [
        "(.*|.?|.){99}", "(a?){300}.*[13579]", ".*", "nothing",
        (0..<250).map { "tenant-\($0)-of-all-kinds" }.joined(separator: "|"),
    ])
    func `a pattern is compared with topics in parts, however small, and means the same in the end`(text: String) throws
    {
        let names =
            (0..<20).map { String(repeating: "a", count: 60) + "-\($0)" } + [
                "tenant-7-of-all-kinds", "__consumer_offsets",
            ]
        let image = TopicsForGroups(Dictionary(uniqueKeysWithValues: names.map { ($0, 1) })).image
        let pattern = try TopicPattern(text)
        var expected = Set(names.filter { pattern.matches($0) })
        expected.remove("__consumer_offsets")
        for most in [500, ResolvedPattern.looksPerStep] {
            var resolved = ResolvedPattern(text)
            resolved.begin(image)
            while resolved.isComparing {
                #expect(!resolved.isKnown && resolved.topics.isEmpty)
                var looks = most
                resolved.compare(&looks)
                #expect(looks < most && looks > -pattern.stepCount - 20, "of \(most)")
            }
            #expect(resolved.topics == expected && resolved.topicNamesOffset == image.topicNamesOffset)
            // While it is compared again it means what it meant.
            resolved.begin(image)
            #expect(resolved.topics == expected && resolved.isKnown && resolved.isComparing)
        }
    }

    @Test func `a name that others would try for ever still matches`() throws {
        let pattern = try TopicPattern("(a+)+(a*)*(a|a)*b")
        #expect(!pattern.matches(String(repeating: "a", count: 249)))
        #expect(pattern.matches(String(repeating: "a", count: 248) + "b"))
        #expect(try TopicPattern("(a?){200}a{200}").matches(String(repeating: "a", count: 200)))
    }
}
