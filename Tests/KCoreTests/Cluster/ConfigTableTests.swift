import Testing

@testable import KCore

// A table of hundreds of entries would be printed in full with every test that takes one.
extension ConfigTable: CustomTestStringConvertible {
    var testDescription: String { "table of \(definitions.count) configurations" }
}

@Suite struct ConfigTableTests {
    @Test(arguments: [ConfigTable.topics, ConfigTable.groups, ConfigTable.brokers])
    func `every default is a value that may be set`(table: ConfigTable) throws {
        for definition in table.definitions {
            guard let value = definition.defaultValue else { continue }
            #expect(throws: Never.self, "\(definition.name)") { try definition.validate(value) }
        }
    }

    @Test(arguments: [ConfigTable.topics, ConfigTable.groups, ConfigTable.brokers])
    func `every name is there once, with a sentence`(table: ConfigTable) {
        #expect(Set(table.definitions.map { $0.name }).count == table.definitions.count)
        for definition in table.definitions {
            #expect(definition.documentation.hasSuffix("."), "\(definition.name)")
            #expect(table[definition.name]?.name == definition.name)
        }
    }

    @Test func `a topic's settings fall back to a broker's, with the same default`() throws {
        let resolver = ConfigResolver(broker: .defaults)
        for definition in ConfigTable.topics.definitions {
            for synonym in definition.synonyms { #expect(ConfigTable.brokers[synonym.name] != nil, "\(synonym.name)") }
            let inherited = resolver.topicSettings(definition, topic: [:]).first
            #expect(inherited == nil || inherited?.converted == definition.defaultValue, "\(definition.name)")
            #expect(inherited != nil || definition.synonyms.isEmpty, "\(definition.name)")
        }
    }

    @Test func `the names of Kafka 3.9 and 4 are known`() {
        #expect(ConfigTable.topics.definitions.count >= 34)
        #expect(ConfigTable.brokers.definitions.count >= 320)
        for name in [
            "zookeeper.connect", "process.roles", "ssl.keystore.password", "group.share.enable", "super.users",
            "allow.everyone.if.no.acl.found",
        ] {
            #expect(ConfigTable.brokers[name]?.support == .ignored, "\(name)")
        }
        #expect(ConfigTable.brokers["ssl.keystore.password"]?.isSensitive == true)
        #expect(ConfigTable.brokers["listeners"]?.support == .honoured)
    }

    @Test func `nobody is sent to a name without effect when one that has some is near`() {
        #expect(ConfigTable.groups.nearest(to: "session.timeout.ms") == "consumer.session.timeout.ms")
        #expect(ConfigTable.groups.nearest(to: "heartbeat.interval.ms") == "consumer.heartbeat.interval.ms")
        #expect(ConfigTable.groups.nearest(to: "shares.session.timeout.ms") == "share.session.timeout.ms", "a slip")
        #expect(ConfigTable.groups.nearest(to: "share.record.lock.duration") == "share.record.lock.duration.ms")
        #expect(ConfigTable.brokers.nearest(to: "compression.zstd.levl") == "compression.zstd.level")
        #expect(ConfigTable.groups.nearest(to: "xyzzy") == nil)
    }

    @Test func `a value is refused with key, value and what is allowed`() {
        func problem(_ name: String, _ value: String) -> String? {
            do {
                try ConfigTable.topics[name]?.validate(value)
                return nil
            } catch {
                return error.message
            }
        }
        #expect(
            problem("retention.ms", "-2")
                == "Invalid value -2 for configuration retention.ms: Value must be at least -1")
        #expect(
            problem("segment.bytes", "1g")
                == "Invalid value 1g for configuration segment.bytes: Not a number of type INT")
        #expect(problem("segment.bytes", "3000000000")?.hasSuffix("Not a number of type INT") == true)
        #expect(
            problem("cleanup.policy", "compact,drop")
                == "Invalid value compact,drop for configuration cleanup.policy: String must be one of: compact, delete"
        )
        #expect(problem("cleanup.policy", "compact, delete") == nil)
        #expect(problem("preallocate", "yes")?.hasSuffix("Expected value to be either true or false") == true)
        #expect(problem("preallocate", " TRUE ") == nil)
        #expect(problem("min.cleanable.dirty.ratio", "1.1")?.hasSuffix("Value must be no more than 1") == true)
        #expect(problem("compression.gzip.level", "0") != nil)
        #expect(problem("compression.gzip.level", "-1") == nil)
        #expect(problem("leader.replication.throttled.replicas", "0:1,1:2") == nil)
        #expect(problem("leader.replication.throttled.replicas", "*") == nil)
        #expect(problem("leader.replication.throttled.replicas", "0-1") != nil)
    }
}

@Suite struct BrokerConfigTests {
    @Test func `an unknown name is an error that suggests the nearest`() {
        let message = #"Unknown configuration num.partition. Did you mean num.partitions?"#
        #expect(throws: ConfigError(message)) { try BrokerConfig(["num.partition": "3"]) }
        #expect(
            (try? BrokerConfig(["file.delete.delay.ms": "1"]))?.warnings == [
                "file.delete.delay.ms is a configuration of topics and has no effect here; for all topics it is "
                    + "log.segment.delete.delay.ms"
            ])
        #expect(throws: ConfigError("Unknown configuration xyzzy")) { try BrokerConfig(["xyzzy": "3"]) }
    }

    @Test func `every problem is reported at once`() {
        do {
            _ = try BrokerConfig(["num.partitions": "0", "num.io.threads": "x", "log.dri": "/"])
            Issue.record("was accepted")
        } catch {
            #expect(error.message.split(separator: "\n").count == 3)
        }
    }

    @Test func `what has no effect is warned about`() throws {
        let config = try BrokerConfig([
            "zookeeper.session.timeout.ms": "1", "listener.name.internal.ssl.keystore.location": "/x",
            "num.partitions": "2",
        ])
        #expect(config.warnings.count == 2)
        #expect(config.int("num.partitions") == 2)
    }

    @Test func `times of consumer groups that cannot all hold are refused, with the limit's name`() throws {
        func problem(_ properties: [String: String]) -> String {
            do {
                _ = try BrokerConfig(properties)
                return ""
            } catch {
                return error.message
            }
        }
        #expect(
            problem(["group.consumer.heartbeat.interval.ms": "200"])
                == "group.consumer.heartbeat.interval.ms (200) must be greater than or equal to "
                + "group.consumer.min.heartbeat.interval.ms (5000)")
        #expect(
            problem(["group.consumer.session.timeout.ms": "60001"])
                == "group.consumer.session.timeout.ms (60001) must be less than or equal to "
                + "group.consumer.max.session.timeout.ms (60000)")
        #expect(problem(["group.consumer.max.heartbeat.interval.ms": "4000"]).contains("less than or equal"))
        let short = ["group.consumer.min.session.timeout.ms": "1", "group.consumer.session.timeout.ms": "5000"]
        #expect(problem(short).contains("must be greater than group.consumer.heartbeat.interval.ms (5000)"))
        #expect(problem(["group.consumer.min.session.timeout.ms": "1"]).isEmpty)
        #expect(try BrokerConfig(["group.consumer.max.session.timeout.ms": "90000"]).warnings.isEmpty)
    }

    @Test func `what no group could work with is refused`() throws {
        for (name, value) in [
            ("group.consumer.assignors", "uniform,sticky"), ("group.consumer.assignors", ""),
            ("group.consumer.assignors", "com.example.RangeAssignor"),
            ("group.coordinator.rebalance.protocols", "consumer"), ("group.min.session.timeout.ms", "1800001"),
        ] {
            #expect(throws: ConfigError.self, "\(name)=\(value)") { try BrokerConfig([name: value]) }
        }
        let range = "org.apache.kafka.coordinator.group.assignor.RangeAssignor"
        let settings = GroupSettings(try BrokerConfig(["group.consumer.assignors": "\(range),uniform"]))
        #expect(settings.assignors == [.range, .uniform])
        #expect(GroupSettings(.defaults) == GroupSettings(), "the defaults are Kafka's in both places")
    }

    @Test func `a password is not shown`() {
        let definition = ConfigDefinition.password("p", nil, "A password.")
        #expect(definition.isSensitive)
    }

    @Test func `retention in milliseconds goes before minutes, and minutes before hours`() throws {
        func retention(_ properties: [String: String]) throws -> Int64 {
            LogConfig(topic: [:], ConfigResolver(broker: try BrokerConfig(properties))).retentionMs
        }
        #expect(try retention([:]) == 604_800_000)
        #expect(try retention(["log.retention.hours": "2"]) == 7_200_000)
        #expect(try retention(["log.retention.hours": "2", "log.retention.minutes": "3"]) == 180_000)
        #expect(try retention(["log.retention.minutes": "3", "log.retention.ms": "5"]) == 5)
        #expect(try retention(["log.retention.hours": "-1"]) == -1)
        #expect(try retention(["log.retention.hours": "-2"]) == -1)
        #expect(try retention(["log.retention.ms": "-2"]) < 0)
        for name in ["log.retention.ms", "log.retention.minutes", "log.retention.hours"] {
            #expect(throws: ConfigError.self) { try BrokerConfig([name: "0"]) }
        }
    }

    @Test func `a topic's own setting goes before what brokers say`() throws {
        let resolver = ConfigResolver(
            broker: try BrokerConfig(["log.segment.bytes": "100", "log.cleanup.policy": "compact"]),
            dynamicBroker: ["log.segment.bytes": "300"], dynamicDefault: ["log.segment.bytes": "200"])
        #expect(LogConfig(topic: ["segment.bytes": "400"], resolver).segmentBytes == 400)
        let inherited = LogConfig(topic: [:], resolver)
        #expect(inherited.segmentBytes == 300)
        #expect(inherited.cleanupPolicy == .compact)
        let sources = resolver.topicSettings(ConfigTable.topics["segment.bytes"]!, topic: ["segment.bytes": "400"])
        #expect(
            sources.map { $0.source } == [
                .dynamicTopic, .dynamicBroker, .dynamicDefaultBroker, .staticBroker, .default,
            ])
    }

    @Test func `the short way to a topic's setting gives what the long way gives`() throws {
        let broker = try BrokerConfig([
            "log.roll.hours": "3", "log.segment.bytes": "100", "log.cleanup.policy": "compact",
        ])
        let resolver = ConfigResolver(
            broker: broker, dynamicBroker: ["log.roll.ms": "7"], dynamicDefault: ["log.segment.bytes": "200"])
        for definition in ConfigTable.topics.definitions {
            for topic in [[:], [definition.name: "x"]] {
                let settings = resolver.topicSettings(definition, topic: topic)
                let expected = settings.first?.converted ?? definition.defaultValue
                #expect(resolver.topicValue(definition.name, topic: topic) == expected, "\(definition.name)")
            }
        }
    }

    @Test func `logs get Kafka's defaults when nobody says anything`() {
        var expected = LogConfig()
        expected.cleanupPolicy = .delete
        #expect(LogConfig(topic: [:], ConfigResolver(broker: .defaults)) == expected)
    }

    @Test func `two numbers for one node are a contradiction`() {
        #expect(throws: ConfigError.self) { try BrokerConfig(["node.id": "1", "broker.id": "2"]) }
    }
}
