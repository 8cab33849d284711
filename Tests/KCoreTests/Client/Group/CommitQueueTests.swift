import Testing

@testable import KCore

@Suite struct CommitQueueTests {
    /// What completions were told.
    private final class Told {
        var errors: [String: ClientError?] = [:]
    }

    private let queue = CommitQueue(action: "commit")
    private let told = Told()
    private let a = TopicPartition(topic: "t", partition: 0)
    private let b = TopicPartition(topic: "t", partition: 1)
    private let broken = ClientError(.connection, "broken")

    private func add(
        _ name: String, _ offsets: [TopicPartition: Int64], share: Int = 1, deadlineMs: Int64 = 60_000
    ) {
        queue.add(
            offsets.mapValues { CommitQueue.Entry(offset: GroupOffset($0), share: share) }, deadlineMs: deadlineMs
        ) { [told] error in told.errors[name] = .some(error) }
    }

    private func next(_ nowMs: Int64 = 0, shares: [TopicPartition: Int]? = nil) -> [TopicPartition: Int64]? {
        queue.next(nowMs: nowMs, shares: shares ?? [a: 1, b: 1])?.mapValues(\.offset)
    }

    private func answer(
        refused: Set<TopicPartition> = [], mayTryAgain: Bool = true, nowMs: Int64 = 0
    ) {
        queue.answered(refused, broken, mayTryAgain: mayTryAgain, nowMs: nowMs, delayMs: 100)
    }

    @Test func `somebody waits until the last of the deadlines, or until all is answered`() {
        #expect(queue.deadlineMs == nil)
        add("first", [a: 1], deadlineMs: 5000)
        #expect(next() == [a: 1] && queue.deadlineMs == 5000)
        add("second", [b: 1], deadlineMs: 7000)
        #expect(queue.deadlineMs == 7000)
        answer()
        #expect(queue.deadlineMs == 7000, "the second waits to be sent")
        #expect(next() == [b: 1] && queue.deadlineMs == 7000)
        answer(refused: [b])
        #expect(queue.deadlineMs == 7000, "it waits to be sent again")
        #expect(next(100) == [b: 1])
        answer()
        #expect(queue.deadlineMs == nil && isStored("second"))
    }

    private func isStored(_ name: String) -> Bool {
        if case .some(.none) = told.errors[name] { true } else { false }
    }

    private func failure(_ name: String) -> ClientError? { told.errors[name] ?? nil }

    @Test func `a commit that failed does not come again once a newer one waits`() {
        add("old", [a: 10, b: 5])
        #expect(next() == [a: 10, b: 5])
        add("new", [a: 20])
        #expect(next() == nil, "one at a time")
        answer(refused: [a, b])
        #expect(next(50) == nil, "not before the delay")
        #expect(next(100) == [a: 20, b: 5])
        answer()
        #expect(isStored("old") && isStored("new"))
        #expect(next(1000) == nil)
    }

    @Test func `of what waits only the newest is sent, however much is asked for`() {
        add("first", [a: 1])
        #expect(next() == [a: 1])
        for offset in 2...50 as ClosedRange<Int64> { add("\(offset)", [a: offset]) }
        answer()
        #expect(next() == [a: 50])
        answer()
        #expect((2...50).allSatisfy { isStored("\($0)") })
    }

    @Test func `a partition that was lost and came back is not set back by a commit of before`() {
        add("old", [a: 10])
        #expect(next() == [a: 10])
        answer(refused: [a])
        add("both", [a: 11, b: 5])
        #expect(next(100, shares: [a: 2, b: 1]) == [b: 5])
        #expect(failure("old")?.errorCode == .unknownMemberId)
        answer(nowMs: 100)
        #expect(failure("both")?.errorCode == .unknownMemberId, "part of it was not stored")
        add("its own", [a: 30], share: 2)
        #expect(next(200, shares: [a: 2]) == [a: 30])
    }

    @Test func `what the reader has not been given is refused at once, also while a commit is on its way`() {
        add("mine", [a: 1])
        #expect(next() == [a: 1])
        add("not mine", [b: 1], share: 0)
        #expect(next() == nil)
        #expect(failure("not mine")?.errorCode == .unknownMemberId && told.errors["mine"] == nil)
    }

    @Test func `who has no more time is told, and the others' offsets go on`() {
        add("short", [a: 1], deadlineMs: 50)
        add("long", [b: 2])
        #expect(next() == [a: 1, b: 2])
        answer(refused: [a, b])
        #expect(failure("short") == broken && told.errors["long"] == nil)
        #expect(next(100)?[b] == 2)
        answer(nowMs: 100)
        #expect(isStored("long"))
    }

    @Test func `what was stored of a commit is not sent again, and what is refused for good ends it`() {
        add("one", [a: 1, b: 1])
        #expect(next() == [a: 1, b: 1])
        answer(refused: [b])
        #expect(next(100) == [b: 1])
        answer(refused: [b], mayTryAgain: false, nowMs: 100)
        #expect(failure("one") == broken)
        #expect(next(1000) == nil)
        // Nobody waits for the delay of what was given up.
        add("two", [a: 2])
        #expect(next(1000) == [a: 2])
    }

    @Test func `nobody is left without an answer when the member leaves`() {
        add("sent", [a: 1])
        #expect(next() == [a: 1])
        add("waits", [b: 1])
        queue.close(broken)
        #expect(failure("sent") == broken && failure("waits") == broken)
        answer()
        #expect(next() == nil)
    }
}
