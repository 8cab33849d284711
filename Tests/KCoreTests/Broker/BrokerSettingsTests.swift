import Testing

@testable import KCore

@Suite struct BrokerSettingsTests {
    private func settings(_ directories: String) throws -> BrokerSettings {
        try BrokerSettings(BrokerConfig(["log.dirs": directories, "listeners": "PLAINTEXT://127.0.0.1:0"]))
    }

    @Test(arguments: ["/a,/a", "d,./d", "/a/b,/a//b/", "d,e,d"])
    func `a log directory that is named twice is told of`(directories: String) throws {
        #expect { try settings(directories) } throws: { error in
            (error as? ConfigError)?.description.hasSuffix(" twice") == true
        }
    }

    @Test(arguments: [("/a,/b,", ["/a", "/b"]), (",d,,./e", ["d", "./e"]), ("/a,a,/a/a", ["/a", "a", "/a/a"])])
    func `a comma too many names no log directory`(directories: String, expected: [String]) throws {
        let settings = try settings(directories)
        #expect(settings.logDirectories == expected)
        #expect(settings.config.logDirectories == expected)
    }
}
