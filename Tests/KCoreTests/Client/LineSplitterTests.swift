import Testing

@testable import KCore

struct LineSplitterTests {
    private func split(_ text: String, _ delimiter: String) -> (lines: [String], rest: String) {
        Bytes(text).withUnsafeBytes { bytes in
            var splitter = LineSplitter(bytes, delimiter: Bytes(delimiter))
            var lines: [String] = []
            while let line = splitter.next() {
                lines.append(String(decoding: line, as: UTF8.self))
                splitter.accept(line)
            }
            return (lines, String(decoding: splitter.rest, as: UTF8.self))
        }
    }

    @Test func `lines are cut at each delimiter and the rest stays`() {
        #expect(split("a\n\nbc\nd", "\n") == (["a", "", "bc"], "d"))
        #expect(split("", "\n") == ([], ""))
        #expect(split("abc", "\n") == ([], "abc"))
    }

    @Test func `a delimiter may be longer than a byte and begin with what is in a line`() {
        #expect(split("a--b-c--", "--") == (["a", "b-c"], ""))
        #expect(split("a-", "--") == ([], "a-"))
        #expect(split("ab", "abc") == ([], "ab"))
    }

    @Test func `a pattern is found where it begins first`() {
        Bytes("a:b::c").withUnsafeBytes { bytes in
            #expect(bytes.firstRange(of: Bytes("::")) == 3)
            #expect(bytes.firstRange(of: Bytes(":")) == 1)
            #expect(bytes.firstRange(of: Bytes("::c")) == 3)
            #expect(bytes.firstRange(of: Bytes("::d")) == nil)
            #expect(bytes.firstRange(of: Bytes()) == nil)
        }
    }
}
