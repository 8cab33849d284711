import Glibc
import Testing

@testable import KCore

@Suite struct AbsolutePathTests {
    @Test func `a relative path is one of the process's directory`() throws {
        let directory = try #require(getcwd(nil, 0))
        defer { free(directory) }
        let here = String(cString: directory)
        #expect(AbsolutePath.of("./data") == here + "/data")
        #expect(AbsolutePath.of("data//x/") == here + "/data/x")
        #expect(AbsolutePath.of(".") == here)
    }

    @Test func `a path from the root keeps what it names`() {
        #expect(AbsolutePath.of("/a/./b//../c") == "/a/b/../c")
        #expect(AbsolutePath.of("/") == "/")
    }
}
