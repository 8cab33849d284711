import Testing

@testable import KCore

@Suite struct PropertiesFileTests {
    private func read(_ text: String) throws -> [String] {
        try PropertiesFile.parse(text).map { "\($0.key)|\($0.value)|\($0.line)" }
    }

    @Test func `equals sign, colon and blanks all separate a key from its value`() throws {
        #expect(try read("a=1\nb : 2\nc 3\n  d\t=\t4\ne") == ["a|1|1", "b|2|2", "c|3|3", "d|4|4", "e||5"])
    }

    @Test func `only the first separator counts, and blanks at the end stay`() throws {
        #expect(try read("a=b=c\nb==x \nc : : d") == ["a|b=c|1", "b|=x |2", "c|: d|3"])
    }

    @Test func `comments and empty lines are nothing, but only at the start of a line`() throws {
        #expect(try read("# one\n! two\n\n   # three\na=1 # no comment\n") == ["a|1 # no comment|5"])
    }

    @Test func `a backslash at the end goes on with the next line without its indentation`() throws {
        #expect(try read("a=1,\\\n    2,\\\r\n\t3\nb=4") == ["a|1,2,3|1", "b|4|4"])
        #expect(try read("a=1\\\\\nb=2") == [#"a|1\|1"#, "b|2|2"])
        #expect(try read("a=1\\") == ["a|1|1"])
        #expect(try read("a\\\n  =1") == ["a|1|1"])
        #expect(try read("a \\\n  = 1") == ["a|1|1"])
    }

    @Test func `escapes give special characters and take meaning away`() throws {
        #expect(try read(#"a\=b\:c\ d=\t\n\r\f\q\\"#) == ["a=b:c d|\t\n\r\u{0C}q\\|1"])
        #expect(try read(#"a=\u00fc\u20AC\uD83D\uDE00x"#) == ["a|ü€😀x|1"])
        #expect(try read(#"a=\ud83dx"#) == ["a|\u{FFFD}x|1"])
        #expect(throws: PropertiesError(line: 2, "\\u must be followed by four hexadecimal digits")) {
            try PropertiesFile.parse("a=1\nb=\\u12g4")
        }
        #expect(throws: PropertiesError.self) { try PropertiesFile.parse("b=\\u12") }
        #expect(throws: PropertiesError.self) { try PropertiesFile.parse("b=\\u+123") }
    }

    @Test func `the last of two properties of the same name counts`() throws {
        #expect(try PropertiesFile.dictionary("a=1\na=2\r\n") == ["a": "2"])
        #expect(try PropertiesFile.dictionary("") == [:])
    }
}
