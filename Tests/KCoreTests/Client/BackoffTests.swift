import Testing

@testable import KCore

struct BackoffTests {
    @Test func `waits double up to the longest, a fifth more or less`() {
        let backoff = Backoff(firstMs: 100, maxMs: 1000)
        var generator = SplitMix64(state: 1)
        for (failures, base) in [(1, 100), (2, 200), (3, 400), (4, 800), (5, 1000), (90, 1000)] {
            for _ in 0..<50 {
                let delay = backoff.delayMs(failures: failures, using: &generator)
                #expect(delay >= Int64(base * 8 / 10) && delay <= Int64(base * 12 / 10))
            }
        }
        #expect(Backoff(firstMs: 0, maxMs: 0).delayMs(failures: 3) == 0)
    }
}

struct RetryPatienceTests {
    private let unreachable = ClientError(.connection, "nobody is there")
    private let busy = ClientError(.broker(.concurrentTransactions), "not yet")

    @Test func `who finds nobody tries until three seconds are over, and then no more`() {
        var patience = RetryPatience(startMs: 1000, limitMs: 60_000)
        var now: Int64 = 1000
        for delay: Int64 in [100, 200, 400, 800, 1000] {
            #expect(patience.pauseMs(after: unreachable, delayMs: delay, nowMs: now) == delay)
            now += delay
        }
        #expect(patience.pauseMs(after: unreachable, delayMs: 1000, nowMs: now) == 500)
        #expect(patience.pauseMs(after: unreachable, delayMs: 1000, nowMs: 4000) == nil)
    }

    @Test func `a broker that was there is waited for from when it went`() {
        var patience = RetryPatience(startMs: 0, limitMs: 60_000)
        #expect(patience.pauseMs(after: busy, delayMs: 100, nowMs: 9100) == 100)
        #expect(patience.pauseMs(after: unreachable, delayMs: 100, nowMs: 9200) == 100)
        #expect(patience.pauseMs(after: busy, delayMs: 100, nowMs: 9400) == 100)
        // It was waiting for its answer all the time.
        #expect(patience.pauseMs(after: unreachable, delayMs: 100, nowMs: 12_300) == 100)
    }

    @Test func `no call takes longer than it may, and none is tried again for nothing`() {
        var patience = RetryPatience(startMs: 0, limitMs: 1000)
        #expect(patience.pauseMs(after: busy, delayMs: 200, nowMs: 700) == 200)
        #expect(patience.pauseMs(after: busy, delayMs: 100, nowMs: 900) == nil)
        #expect(patience.pauseMs(after: unreachable, delayMs: 100, nowMs: 900) == nil)
        let lasting = ClientError(.unsupported, "no such API")
        #expect(patience.pauseMs(after: lasting, delayMs: 1, nowMs: 10) == nil)
    }
}

struct MetadataCacheTests {
    private func metadata(leader: Int32, epoch: Int32, id: Uuid = Uuid(high: 1, low: 1)) -> ClusterMetadata {
        var metadata = ClusterMetadata()
        metadata.brokers = (1...3).map { .init(id: $0, host: "b\($0)", port: 9092, rack: nil) }
        metadata.topics = [
            .init(
                name: "t", id: id, error: .none, isInternal: false,
                partitions: [
                    .init(
                        index: 0, error: .none, leader: leader, leaderEpoch: epoch, replicas: [1, 2], isr: [1],
                        offlineReplicas: [])
                ])
        ]
        return metadata
    }

    @Test func `a leader of an older epoch is not believed`() {
        var cache = MetadataCache()
        cache.apply(metadata(leader: 2, epoch: 5))
        cache.apply(metadata(leader: 1, epoch: 4))
        #expect(cache.leader("t", 0)?.broker == 2)
        cache.apply(metadata(leader: 1, epoch: 6))
        #expect(cache.leader("t", 0)?.broker == 1)
    }

    @Test func `a topic that was made anew begins with new epochs`() {
        var cache = MetadataCache()
        cache.apply(metadata(leader: 2, epoch: 5))
        cache.apply(metadata(leader: 1, epoch: 0, id: Uuid(high: 2, low: 2)))
        #expect(cache.leader("t", 0)?.broker == 1)
        #expect(cache.topicName(Uuid(high: 1, low: 1)) == nil)
        #expect(cache.topicName(Uuid(high: 2, low: 2)) == "t")
    }

    @Test func `a leader that came with an error is taken when it is newer and known`() {
        var cache = MetadataCache()
        cache.apply(metadata(leader: 2, epoch: 5))
        let unknown = cache.applyLeader("t", 0, leader: 9, epoch: 6, endpoint: nil)
        let old = cache.applyLeader("t", 0, leader: 3, epoch: 5, endpoint: nil)
        let news = cache.applyLeader("t", 0, leader: 9, epoch: 6, endpoint: HostAndPort(host: "n", port: 1))
        #expect([unknown, old, news] == [false, false, true])
        #expect(cache.leader("t", 0)?.broker == 9)
    }

    @Test func `a broker that is not known leads nothing`() {
        var cache = MetadataCache()
        cache.apply(metadata(leader: 7, epoch: 1))
        #expect(cache.leader("t", 0) == nil)
        #expect(cache.leader("x", 0) == nil)
    }
}
