import Testing

@testable import KCore

/// Configurations of topics that the broker itself looks at.
@Suite struct TopicConfigTests {
    @Test func `a topic says for itself whether old clients are served`() throws {
        func config(_ topic: [String: String], _ broker: [String: String] = [:]) throws -> LogConfig {
            LogConfig(topic: topic, ConfigResolver(broker: try BrokerConfig(broker)))
        }
        let off = ["message.downconversion.enable": "false"]
        #expect(throws: Never.self) { try FetchDownConversion.check(config([:]), fetchVersion: 3) }
        #expect(throws: LogError.self) { try FetchDownConversion.check(config(off), fetchVersion: 3) }
        #expect(throws: Never.self) { try FetchDownConversion.check(config(off), fetchVersion: 4) }
        let all = ["log.message.downconversion.enable": "false"]
        #expect(throws: LogError.self) { try FetchDownConversion.check(config([:], all), fetchVersion: 3) }
        #expect(throws: Never.self) {
            try FetchDownConversion.check(config(["message.downconversion.enable": "true"], all), fetchVersion: 3)
        }
    }

    @Test func `what has no effect is known, with the topics that set it`() throws {
        var bench = try ClusterBench()
        bench.create("a", configs: ["compression.zstd.level": "5", "retention.ms": "1"])
        #expect(bench.delta.changedConfigs == [.topic("a")])
        bench.create("b", configs: ["compression.zstd.level": "6"])
        bench.create("c", configs: ["message.downconversion.enable": "false"])
        let found = ConfigWarnings.withoutEffect(bench.image, bench.image.configuredResources, .topic)
        #expect(found.map(\.name) == ["compression.zstd.level"])
        #expect(found.map(\.owners) == [["a", "b"]])
    }
}
