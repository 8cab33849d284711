import Synchronization
import Testing

@testable import KCore

/// What is set for one group instead of what the broker's file says for all.
@Suite struct GroupConfigTests {
    let bench = GroupBench()

    private func set(heartbeatMs: Int? = nil, sessionMs: Int? = nil) {
        var values: [String: String] = [:]
        if let heartbeatMs { values[GroupConfigs.heartbeatIntervalMs] = "\(heartbeatMs)" }
        if let sessionMs { values[GroupConfigs.sessionTimeoutMs] = "\(sessionMs)" }
        bench.configs["g"] = values
    }

    private var members: Int { bench.consumerGroup?.members.count ?? -1 }

    @Test func `a group's heartbeat interval holds from the next heartbeat on, for that group`() {
        let (a, b) = (NewConsumer("a"), NewConsumer("b"))
        #expect(bench.beat(a).heartbeatIntervalMs == 5000)
        set(heartbeatMs: 9000)
        #expect(bench.beat(a).heartbeatIntervalMs == 9000)
        #expect(bench.beat(b, group: "other").heartbeatIntervalMs == 5000)
        set()
        #expect(bench.beat(a).heartbeatIntervalMs == 5000)
    }

    @Test func `a group's session timeout decides who is out, also after a restart`() throws {
        let a = NewConsumer("a")
        set(sessionMs: 60_000)
        bench.beat(a)
        bench.advance(ms: 59_999)
        #expect(members == 1)
        bench.advance(ms: 1)
        #expect(members == 0)
        a.epoch = 0
        bench.beat(a)
        try bench.restart()
        bench.advance(ms: 59_999)
        #expect(members == 1)
        set()
        bench.beat(a)
        bench.advance(ms: 45_000)
        #expect(members == 0)
    }

    @Test func `what the broker's limits no longer allow counts as the nearest that they do`() throws {
        let config = try BrokerConfig([
            "group.consumer.min.session.timeout.ms": "1000", "group.consumer.max.session.timeout.ms": "50000",
            "group.consumer.min.heartbeat.interval.ms": "1000",
        ])
        let settings = GroupSettings(config)
        func times(_ heartbeatMs: Int, _ sessionMs: Int) -> [Int64] {
            let times = settings.consumerTimes([
                GroupConfigs.heartbeatIntervalMs: "\(heartbeatMs)", GroupConfigs.sessionTimeoutMs: "\(sessionMs)",
            ])
            return [times.heartbeatIntervalMs, times.sessionTimeoutMs]
        }
        #expect(times(2000, 9000) == [2000, 9000])
        #expect(times(20_000, 60_000) == [15_000, 50_000])
        #expect(times(10, 9000) == [1000, 9000])
        #expect(times(10, 20) == [5000, 45_000], "a session that ends with each heartbeat is none")
    }

    @Test func `patterns are evaluated again now and then, even if nothing says that topics have changed`() {
        let a = NewConsumer("a", topics: [], pattern: ".*")
        let others = TopicsForGroups(["t": 6, "v": 2])
        #expect(others.image.lastOffset == bench.topics.image.lastOffset)
        bench.beat(a)
        func sees(_ topic: String) -> Bool { bench.consumerGroup?.topics.contains { $0.name == topic } ?? false }
        #expect(sees("u"))
        bench.image = others.image
        for _ in 0..<20 {
            bench.advance(ms: 29_999)
            bench.beat(a)
        }
        #expect(sees("u") && !sees("v"))
        bench.advance(ms: 20)
        bench.beat(a)
        #expect(sees("v") && !sees("u"))
    }
}
