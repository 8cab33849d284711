import Testing

@testable import KCore

@Suite struct ConfigChangeTests {
    private func bench() throws -> ClusterBench {
        var bench = try ClusterBench(properties: ["log.retention.hours": "2"])
        bench.create("a", configs: ["segment.bytes": "100", "cleanup.policy": "delete"])
        return bench
    }

    private typealias Change = IncrementalAlterConfigsRequest.Change

    private func alter(
        _ bench: inout ClusterBench, _ type: ConfigResourceType, _ name: String, _ changes: [Change]
    ) -> ErrorCode {
        let response = bench.perform(IncrementalAlterConfigsRequest.of(type, name, changes)).responses[0]
        #expect((response.errorMessage == nil) == (response.errorCode == .none))
        if response.errorCode != .none { #expect(bench.records.isEmpty) }
        return response.errorCode
    }

    @Test func `single settings are set, deleted, appended to and taken from`() throws {
        var bench = try bench()
        let changes: [Change] = [
            ("segment.bytes", .delete, nil), ("retention.ms", .set, "5"), ("cleanup.policy", .append, "compact,delete"),
        ]
        #expect(alter(&bench, .topic, "a", changes) == .none)
        #expect(
            bench.image.configs(of: .topic("a")) == ["retention.ms": "5", "cleanup.policy": "delete,compact"])
        #expect(bench.delta.changedConfigs == [.topic("a")])
        #expect(alter(&bench, .topic, "a", [("cleanup.policy", .subtract, "delete")]) == .none)
        #expect(bench.image.configs(of: .topic("a"))["cleanup.policy"] == "compact")
    }

    @Test func `appending to what is not set begins with what is inherited`() throws {
        var bench = try bench()
        bench.create("b")
        #expect(alter(&bench, .topic, "b", [("cleanup.policy", .append, "compact")]) == .none)
        #expect(bench.image.configs(of: .topic("b")) == ["cleanup.policy": "delete,compact"])
    }

    @Test func `a change that changes nothing writes nothing`() throws {
        var bench = try bench()
        #expect(alter(&bench, .topic, "a", [("segment.bytes", .set, "100"), ("flush.ms", .delete, nil)]) == .none)
        #expect(bench.records.isEmpty)
    }

    @Test func `a change that is wrong in one place changes nothing`() throws {
        var bench = try bench()
        let good: Change = ("segment.bytes", .set, "200")
        #expect(alter(&bench, .topic, "a", [good, ("segment.ms", .set, "0")]) == .invalidConfig)
        #expect(alter(&bench, .topic, "a", [good, ("segment.ns", .set, "1")]) == .invalidConfig)
        #expect(alter(&bench, .topic, "a", [good, ("segment.ms", .set, nil)]) == .invalidRequest)
        #expect(alter(&bench, .topic, "a", [good, good]) == .invalidRequest)
        #expect(alter(&bench, .topic, "a", [("segment.bytes", .append, "1")]) == .invalidConfig)
        #expect(alter(&bench, .topic, "a", [("segment.bytes", .init(rawValue: 9), "1")]) == .invalidRequest)
        #expect(bench.image.configs(of: .topic("a"))["segment.bytes"] == "100")
    }

    @Test func `resources that there are not have errors of their own`() throws {
        var bench = try bench()
        #expect(alter(&bench, .topic, "x", []) == .unknownTopicOrPartition)
        #expect(alter(&bench, .topic, "x/", []) == .invalidTopicException)
        #expect(alter(&bench, .broker, "9", []) == .brokerIdNotRegistered)
        #expect(alter(&bench, .broker, "x", []) == .invalidRequest)
        #expect(alter(&bench, .brokerLogger, "1", []) == .invalidRequest)
        #expect(alter(&bench, .unknown, "1", []) == .invalidRequest)
        var twice = IncrementalAlterConfigsRequest.of(.topic, "a", [("segment.bytes", .set, "200")])
        twice.resources.append(twice.resources[0])
        #expect(bench.perform(twice).responses.map { $0.errorCode } == [.invalidRequest])
    }

    @Test func `a broker takes what is dynamic, for itself or for all, and topics follow`() throws {
        var bench = try bench()
        func segmentBytes() -> Int {
            LogConfig(topic: "b", broker: bench.controller.config, nodeId: 1, image: bench.image).segmentBytes
        }
        bench.create("b")
        #expect(alter(&bench, .broker, "", [("log.segment.bytes", .set, "500")]) == .none)
        #expect(bench.delta.changedConfigs == [.allBrokers])
        #expect(segmentBytes() == 500)
        #expect(alter(&bench, .broker, "1", [("log.segment.bytes", .set, "600")]) == .none)
        #expect(segmentBytes() == 600)
        #expect(alter(&bench, .broker, "1", [("listeners", .set, "PLAINTEXT://:1")]) == .invalidRequest)
        #expect(alter(&bench, .broker, "1", [("log.segment.byte", .set, "1")]) == .invalidRequest)
        #expect(alter(&bench, .broker, "1", [("log.segment.bytes", .set, "1")]) == .invalidRequest)
    }

    @Test func `a group takes what the broker's limits allow, whether or not it is there`() throws {
        var bench = try bench()
        let (heartbeat, session) = ("consumer.heartbeat.interval.ms", "consumer.session.timeout.ms")
        #expect(alter(&bench, .group, "g", [(heartbeat, .set, "6000"), (session, .set, "50000")]) == .none)
        #expect(bench.image.configs(of: .group("g")) == [heartbeat: "6000", session: "50000"])
        #expect(bench.delta.changedConfigs == [.group("g")])
        for (name, value) in [
            (heartbeat, "4999"), (heartbeat, "15001"), (heartbeat, "x"), (session, "44999"), (session, "60001"),
            ("consumer.heartbeat.interval", "1"), ("retention.ms", "1"),
        ] {
            #expect(alter(&bench, .group, "g", [(name, .set, value)]) == .invalidConfig, "\(name)=\(value)")
        }
        #expect(alter(&bench, .group, "g", [(session, .append, "1")]) == .invalidConfig)
        #expect(alter(&bench, .group, "", [(session, .set, "50000")]) == .invalidRequest)
        #expect(alter(&bench, .group, "g", [(heartbeat, .delete, nil)]) == .none)
        #expect(bench.image.configs(of: .group("g")) == [session: "50000"])
        // What only other kinds of groups have is kept, and has no effect.
        #expect(alter(&bench, .group, "g", [("share.session.timeout.ms", .set, "50000")]) == .none)
        #expect(
            ConfigWarnings.withoutEffect(bench.image, [.group("g")], .group).map(\.name)
                == ["share.session.timeout.ms"])
    }

    @Test func `a group's session is longer than the time between its heartbeats`() throws {
        let properties = ["group.consumer.min.session.timeout.ms": "1"]
        var bench = try ClusterBench(properties: properties)
        #expect(alter(&bench, .group, "g", [("consumer.session.timeout.ms", .set, "5000")]) == .invalidConfig)
        #expect(alter(&bench, .group, "g", [("consumer.session.timeout.ms", .set, "5001")]) == .none)
    }

    @Test func `no age at which everything is deleted is taken for all topics of a broker that runs`() throws {
        var bench = try bench()
        #expect(alter(&bench, .broker, "", [("log.retention.ms", .set, "0")]) == .invalidRequest)
        #expect(alter(&bench, .broker, "", [("log.retention.ms", .set, "-1")]) == .none)
    }

    @Test func `the cleaner's settings are those that were set while the broker ran, and then those of its file`()
        throws
    {
        var bench = try ClusterBench(properties: ["log.cleaner.threads": "2", "log.cleaner.backoff.ms": "7"])
        func options() -> CleanerOptions {
            CleanerOptions(ConfigResolver(broker: bench.controller.config, nodeId: 1, image: bench.image))
        }
        #expect(options().threads == 2 && options().backoffMs == 7)
        let changes: [Change] = [
            ("log.cleaner.io.max.bytes.per.second", .set, "1000000.5"), ("log.cleaner.threads", .set, "4"),
            ("log.cleaner.dedupe.buffer.size", .set, "2097152"), ("log.cleaner.io.buffer.size", .set, "65536"),
            ("log.cleaner.io.buffer.load.factor", .set, "0.5"), ("log.cleaner.backoff.ms", .set, "8"),
        ]
        #expect(alter(&bench, .broker, "", changes) == .none)
        #expect(alter(&bench, .broker, "1", [("log.cleaner.backoff.ms", .set, "9")]) == .none)
        let set = options()
        #expect(set.threads == 4 && set.dedupeBufferBytes == 2_097_152 && set.ioBufferBytes == 65536)
        #expect(set.maxBytesPerSecond == 1_000_000.5 && set.loadFactor == 0.5 && set.backoffMs == 9)
        for threads in ["0", "1", "9", "2000000000"] {
            #expect(alter(&bench, .broker, "", [("log.cleaner.threads", .set, threads)]) == .invalidRequest)
        }
        #expect(alter(&bench, .broker, "", [("log.cleaner.enable", .set, "false")]) == .invalidRequest)
    }

    @Test func `a number of threads is changed to half of it or twice of it at a time, also when it is taken back`()
        throws
    {
        for name in ["num.recovery.threads.per.data.dir", "log.cleaner.threads"] {
            var bench = try ClusterBench(properties: [name: "2"])
            func present() -> String? {
                ConfigResolver(broker: bench.controller.config, nodeId: 1, image: bench.image).brokerValue(name)
            }
            for threads in ["0", "5", "2147483647"] {
                #expect(alter(&bench, .broker, "", [(name, .set, threads)]) == .invalidRequest)
                #expect(alter(&bench, .broker, "1", [(name, .set, threads)]) == .invalidRequest)
            }
            #expect(present() == "2")
            #expect(alter(&bench, .broker, "", [(name, .set, "4")]) == .none)
            #expect(alter(&bench, .broker, "", [(name, .set, "8")]) == .none)
            #expect(alter(&bench, .broker, "", [(name, .set, "3")]) == .invalidRequest)
            #expect(alter(&bench, .broker, "", [(name, .delete, nil)]) == .invalidRequest)
            #expect(present() == "8")
            // What is set for the broker itself counts, whatever others have.
            #expect(alter(&bench, .broker, "1", [(name, .set, "16")]) == .none)
            #expect(alter(&bench, .broker, "", [(name, .delete, nil)]) == .none)
            #expect(present() == "16")
            #expect(alter(&bench, .broker, "1", [(name, .delete, nil)]) == .invalidRequest)
            for threads in ["8", "4"] { #expect(alter(&bench, .broker, "1", [(name, .set, threads)]) == .none) }
            #expect(alter(&bench, .broker, "1", [(name, .delete, nil)]) == .none)
            #expect(present() == "2")
        }
    }

    @Test func `internal topics have no delay, whatever their data says`() throws {
        var bench = try bench()
        let name = "__consumer_offsets"
        #expect(bench.create(name, configs: ["delivery.delay.ms": "3000"]).errorCode == .invalidConfig)
        #expect(bench.create(name, configs: ["delivery.delay.ms": "0"]).errorCode == .none)
        #expect(alter(&bench, .topic, name, [("delivery.delay.ms", .set, "3000")]) == .invalidConfig)
        #expect(alter(&bench, .topic, "a", [("delivery.delay.ms", .set, "3000")]) == .none)
        var record = ConfigRecord()
        record.resourceType = .topic
        record.resourceName = name
        record.name = "delivery.delay.ms"
        record.value = "3000"
        let image = try bench.image.applying([.config(record)]).image
        func delay(_ topic: String) -> Int64 {
            LogConfig(topic: topic, broker: bench.controller.config, nodeId: 1, image: image).deliveryDelayMs
        }
        #expect(delay(name) == 0 && delay("a") == 3000)
    }

    @Test func `the older request replaces all that was set`() throws {
        var bench = try bench()
        var resource = AlterConfigsRequest.AlterConfigsResource()
        resource.resourceType = .topic
        resource.resourceName = "a"
        var config = AlterConfigsRequest.AlterableConfig()
        config.name = "retention.ms"
        config.value = "7"
        resource.configs = [config]
        var request = AlterConfigsRequest()
        request.resources = [resource]
        request.validateOnly = true
        #expect(bench.perform(request).responses[0].errorCode == .none)
        #expect(bench.records.isEmpty)
        request.validateOnly = false
        #expect(bench.perform(request).responses[0].errorCode == .none)
        #expect(bench.image.configs(of: .topic("a")) == ["retention.ms": "7"])
        request.resources[0].configs[0].value = nil
        #expect(bench.perform(request).responses[0].errorCode == .invalidRequest)
        request.resources[0].configs = []
        #expect(bench.perform(request).responses[0].errorCode == .none)
        #expect(bench.image.configs(of: .topic("a")).isEmpty)
    }
}

@Suite struct DescribeConfigsTests {
    @Test func `a topic is described with where each value comes from`() throws {
        var bench = try ClusterBench(properties: ["log.retention.hours": "2"])
        bench.create("a", configs: ["segment.bytes": "100"])
        let result = bench.describe(.topic, "a")
        #expect(result.errorCode == .none)
        let configs = Dictionary(result.configs.map { ($0.name, $0) }) { first, _ in first }
        let own = try #require(configs["segment.bytes"])
        #expect(own.value == "100" && own.configSource == .dynamicTopic && !own.isDefault && !own.readOnly)
        #expect(own.configType == .int && own.documentation?.isEmpty == false)
        #expect(own.synonyms.map { $0.name } == ["segment.bytes", "log.segment.bytes"])
        let retention = try #require(configs["retention.ms"])
        #expect(retention.value == "7200000" && retention.configSource == .staticBroker)
        #expect(retention.synonyms.first?.name == "log.retention.hours" && retention.synonyms.first?.value == "2")
        let policy = try #require(configs["cleanup.policy"])
        #expect(policy.value == "delete" && policy.configSource == .default && policy.isDefault)
        #expect(policy.configType == .list)
    }

    @Test func `a resource that is asked for again and again is described once`() throws {
        var bench = try ClusterBench()
        bench.create("a")
        var request = DescribeConfigsRequest()
        var resource = DescribeConfigsRequest.DescribeConfigsResource()
        resource.resourceType = .topic
        resource.resourceName = "a"
        request.resources = Array(repeating: resource, count: 100)
        let answer = request.answer(
            config: bench.controller.config, nodeId: bench.controller.nodeId, image: bench.image)
        #expect(answer.results.map(\.resourceName) == ["a"])
    }

    @Test func `only the keys that are asked for are described`() throws {
        var bench = try ClusterBench()
        bench.create("a")
        #expect(bench.describe(.topic, "a", keys: ["flush.ms", "nonsense"]).configs.map { $0.name } == ["flush.ms"])
        #expect(bench.describe(.topic, "a", keys: []).configs.count == ConfigTable.topics.definitions.count)
    }

    @Test func `a broker is described by itself, secrets excepted`() throws {
        let properties = ["num.partitions": "4", "ssl.key.password": "hush", "log.retention.hours": "2"]
        var bench = try ClusterBench(properties: properties)
        bench.perform(IncrementalAlterConfigsRequest.of(.broker, "", [("log.retention.ms", .set, "9")]))
        let result = bench.describe(.broker, "1")
        let configs = Dictionary(result.configs.map { ($0.name, $0) }) { first, _ in first }
        #expect(configs["num.partitions"]?.value == "4" && configs["num.partitions"]?.readOnly == true)
        #expect(configs["num.partitions"]?.configSource == .staticBroker)
        let secret = try #require(configs["ssl.key.password"])
        #expect(secret.value == nil && secret.isSensitive && secret.synonyms.allSatisfy { $0.value == nil })
        let retention = try #require(configs["log.retention.ms"])
        #expect(retention.value == "9" && retention.configSource == .dynamicDefaultBroker && !retention.readOnly)
        #expect(configs["zookeeper.connect"] == nil)
        #expect(bench.describe(.broker, "1", keys: ["zookeeper.connect"]).configs.count == 1)
        #expect(bench.describe(.broker, "").configs.map { $0.name } == ["log.retention.ms"])
    }

    @Test func `a group is described with its own values and what it inherits`() throws {
        var bench = try ClusterBench(properties: ["group.consumer.heartbeat.interval.ms": "7000"])
        bench.perform(
            IncrementalAlterConfigsRequest.of(.group, "g", [("consumer.session.timeout.ms", .set, "50000")]))
        let result = bench.describe(.group, "g")
        #expect(result.errorCode == .none)
        #expect(result.configs.map(\.name) == ["consumer.heartbeat.interval.ms", "consumer.session.timeout.ms"])
        #expect(result.configs.map(\.value) == ["7000", "50000"])
        #expect(result.configs.map(\.configSource) == [.staticBroker, .dynamicGroup])
        #expect(result.configs.allSatisfy { !$0.readOnly && $0.configType == .int })
        #expect(
            result.configs[1].synonyms.map(\.name)
                == ["consumer.session.timeout.ms", "group.consumer.session.timeout.ms"])
        #expect(bench.describe(.group, "not there").configs.map(\.value) == ["7000", "45000"])
        #expect(bench.describe(.group, "g", keys: ["share.session.timeout.ms"]).configs.map(\.value) == ["45000"])
        #expect(bench.describe(.group, "").errorCode == .invalidRequest)
    }

    @Test func `what is not here is refused`() throws {
        let bench = try ClusterBench()
        #expect(bench.describe(.topic, "x").errorCode == .unknownTopicOrPartition)
        #expect(bench.describe(.topic, "x/").errorCode == .invalidTopicException)
        #expect(bench.describe(.broker, "2").errorCode == .invalidRequest)
        #expect(bench.describe(.broker, "x").errorCode == .invalidRequest)
        #expect(bench.describe(.brokerLogger, "1").errorCode == .invalidRequest)
    }
}
