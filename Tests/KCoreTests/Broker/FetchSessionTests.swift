import Synchronization
import Testing

@testable import KCore

/// KIP-227: what a client fetches is remembered, and only changes travel.
@Suite struct FetchSessionTests {
    private let cache = FetchSessionCache(maxSessions: 2, evictionMs: 1000)

    private func request(session: Int32 = 0, epoch: Int32, partitions: [Int32] = [], forget: [Int32] = [])
        -> FetchRequest
    {
        var request = FetchRequest()
        request.sessionId = session
        request.sessionEpoch = epoch
        if !partitions.isEmpty {
            var topic = FetchRequest.FetchTopic()
            topic.topic = "orders"
            topic.partitions = partitions.map { index in
                var partition = FetchRequest.FetchPartition()
                partition.partition = index
                return partition
            }
            request.topics = [topic]
        }
        if !forget.isEmpty {
            var topic = FetchRequest.ForgottenTopic()
            topic.topic = "orders"
            topic.partitions = forget
            request.forgottenTopicsData = [topic]
        }
        return request
    }

    private func create(_ partitions: [Int32] = [0], nowMs: Int64 = 0) -> FetchSession? {
        guard
            case .created(let session) = cache.open(
                request(epoch: 0, partitions: partitions), usesTopicIds: false, nowMs: nowMs)
        else { return nil }
        cache.close(session)
        return session
    }

    private func error(_ opening: FetchSessionCache.Opening) -> ErrorCode? {
        if case .failed(let code) = opening { code } else { nil }
    }

    @Test func `epoch -1 is answered without a session`() {
        guard case .sessionless = cache.open(request(epoch: -1, partitions: [0]), usesTopicIds: false, nowMs: 0) else {
            Issue.record("a session was made")
            return
        }
        #expect(cache.count == 0)
    }

    @Test func `the second request names only what changed`() throws {
        let session = try #require(create([0, 1, 2]))
        let next = cache.open(
            request(session: session.id, epoch: 1, partitions: [3], forget: [1]), usesTopicIds: false, nowMs: 1)
        guard case .incremental(let changed) = next else {
            Issue.record("not incremental: \(next)")
            return
        }
        #expect(changed.partitions.map(\.request.partition) == [0, 2, 3])
    }

    @Test func `a wrong epoch is refused and leaves the session usable`() throws {
        let session = try #require(create())
        #expect(
            error(cache.open(request(session: session.id, epoch: 5), usesTopicIds: false, nowMs: 1))
                == .invalidFetchSessionEpoch)
        #expect(error(cache.open(request(session: session.id, epoch: 1), usesTopicIds: false, nowMs: 1)) == nil)
    }

    @Test func `an unknown session is not found`() throws {
        #expect(
            error(cache.open(request(session: 77, epoch: 1), usesTopicIds: false, nowMs: 0)) == .fetchSessionIdNotFound)
    }

    @Test func `requests sent ahead find the session as the one before leaves it`() throws {
        let session = try #require(create())
        let retried = Mutex<[Int32]>([])
        func open(_ epoch: Int32) -> FetchSessionCache.Opening {
            cache.open(request(session: session.id, epoch: epoch), usesTopicIds: false, nowMs: 0) {
                retried.withLock { $0.append(epoch) }
            }
        }
        guard case .incremental(let first) = open(1), case .waiting = open(2), case .waiting = open(3) else {
            Issue.record("served out of turn")
            return
        }
        #expect(retried.withLock { $0 }.isEmpty)
        cache.close(first)
        #expect(retried.withLock { $0 } == [2, 3])
        guard case .incremental(let second) = open(2), case .waiting = open(3) else {
            Issue.record("the second has no turn")
            return
        }
        cache.close(second)
        #expect(error(open(4)) == .invalidFetchSessionEpoch, "the third was not opened again, so this is one too many")
        #expect(error(open(3)) == nil)
    }

    @Test func `who waits for a session that is ended learns that it is gone`() throws {
        let session = try #require(create())
        let retries = Mutex(0)
        func open(_ epoch: Int32) -> FetchSessionCache.Opening {
            cache.open(request(session: session.id, epoch: epoch), usesTopicIds: false, nowMs: 0) {
                retries.withLock { $0 += 1 }
            }
        }
        _ = open(1)
        _ = open(2)
        _ = open(-1)
        #expect(retries.withLock { $0 } == 1)
        #expect(error(open(2)) == .fetchSessionIdNotFound)
    }

    @Test func `topic names cannot follow topic ids in one session`() throws {
        let session = try #require(create())
        #expect(
            error(cache.open(request(session: session.id, epoch: 1), usesTopicIds: true, nowMs: 0))
                == .fetchSessionTopicIdError)
    }

    @Test func `a full cache makes room only by what has long been unused`() throws {
        _ = try #require(create(nowMs: 0))
        _ = try #require(create(nowMs: 500))
        #expect(create(nowMs: 900) == nil)
        #expect(create(nowMs: 1100) != nil)
        #expect(cache.count == 2)
    }

    @Test func `epoch -1 ends a session`() throws {
        let session = try #require(create())
        _ = cache.open(request(session: session.id, epoch: -1), usesTopicIds: false, nowMs: 0)
        #expect(cache.count == 0)
    }

    @Test func `a session ended while in use is not kept when it is given back`() throws {
        let session = try #require(create())
        guard
            case .incremental(let used) = cache.open(
                request(session: session.id, epoch: 1), usesTopicIds: false, nowMs: 0)
        else {
            Issue.record("not incremental")
            return
        }
        _ = cache.open(request(session: session.id, epoch: -1), usesTopicIds: false, nowMs: 0)
        cache.close(used)
        #expect(cache.count == 0)
    }

    @Test func `an unchanged partition is told only once`() throws {
        var session = try #require(create())
        var answer = FetchResponse.PartitionData()
        func isTold() -> Bool { session.note(answer, at: 0) }
        answer.highWatermark = 10
        answer.logStartOffset = 0
        #expect(isTold())
        #expect(!isTold())
        answer.highWatermark = 11
        #expect(isTold())
        answer.errorCode = .notLeaderOrFollower
        #expect(isTold())
        answer.errorCode = .none
        #expect(isTold(), "the end of an error is news too")
        #expect(!isTold())
    }

    @Test func `the epoch wraps to one`() {
        #expect(FetchSession.epoch(after: .max) == 1)
        #expect(FetchSession.epoch(after: 1) == 2)
    }
}
