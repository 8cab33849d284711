import Testing

@testable import KCore

/// How long a member is certain to be one that was asked to give up what it has.
@Suite final class OwnershipCheckerTests {
    private let (zero, one) = (TopicPartition(topic: "t", partition: 0), TopicPartition(topic: "t", partition: 1))
    private var checker = OwnershipChecker(isClassic: false, isMixed: false)

    /// `x` has both partitions, `y` has none.
    init() {
        for id in ["x", "y"] {
            let member = OwnershipChecker.Member(
                name: id, isClassic: false, sessionMs: 100_000, rebalanceMs: 20_000, heardMs: 0)
            checker.joined(member, id, takenMs: 0)
        }
        #expect(checker.given([zero, one], to: "x", epoch: 1, owned: [], takenMs: 0, 0) == nil)
        checker.confirmed("x", epoch: 1, 0)
    }

    /// A heartbeat of `x`, whose answer comes 500 ms later.
    private func beat(_ partitions: Set<TopicPartition>, owned: Set<TopicPartition>?, _ takenMs: Int64) {
        checker.isTaken("x", takenMs)
        if let owned { checker.released("x", to: owned, takenMs) }
        checker.isSeen("x", takenMs: takenMs)
        #expect(
            checker.given(partitions, to: "x", epoch: 1, owned: owned, takenMs: takenMs, takenMs + 500) == nil)
        checker.confirmed("x", epoch: 1, takenMs)
    }

    /// Whether `y` may be given what `x` was told to keep.
    private func mayHave(_ partition: TopicPartition, _ nowMs: Int64) -> Bool {
        var checker = checker
        return checker.given([partition], to: "y", epoch: 2, takenMs: nowMs, nowMs) == nil
    }

    @Test func `its time begins when the coordinator takes the request, not when it answers`() {
        beat([zero], owned: nil, 1000)
        beat([zero], owned: nil, 10_000)
        #expect(!mayHave(zero, 20_900) && mayHave(zero, 21_000))
    }

    @Test
    func `it begins with a request that a crash kept from being answered, or with the coordinator after`() {
        checker.isTaken("x", 1000)
        checker.reloads(2000)
        beat([zero], owned: [zero, one], 10_000)
        #expect(!mayHave(zero, 21_900) && mayHave(zero, 22_000))
    }

    @Test
    func `it does not begin anew when the same is told again, also when the group may have been another`() {
        beat([zero], owned: [zero, one], 1000)
        checker.mayGo()
        #expect(checker.given([], to: "y", epoch: 1, takenMs: 2000, 2000) == nil)
        beat([zero], owned: [zero, one], 10_000)
        #expect(!mayHave(zero, 20_900) && mayHave(zero, 21_000))
    }

    @Test func `it ends when the member says that it has nothing else`() {
        checker.isTaken("x", 1000)
        checker.reloads(1000)
        beat([zero], owned: nil, 2000)
        beat([zero], owned: [zero], 10_000)
        #expect(!mayHave(zero, 29_900) && mayHave(one, 10_600))
    }

    // MARK: Classic members

    /// `x` joins a group of this kind, says that it still has everything, and is given nothing.
    private func rejoin(isMixed: Bool, _ takenMs: Int64) {
        checker = OwnershipChecker(isClassic: !isMixed, isMixed: isMixed)
        for (epoch, joinedMs) in [(Int32(1), Int64(0)), (2, takenMs)] {
            for id in ["x", "y"] {
                let member = OwnershipChecker.Member(
                    name: id, isClassic: true, sessionMs: 10_000, rebalanceMs: 20_000, heardMs: joinedMs)
                checker.joined(member, id, takenMs: joinedMs)
            }
            #expect(checker.given(epoch == 1 ? [zero] : [], to: "x", epoch: epoch, takenMs: joinedMs, joinedMs) == nil)
            checker.confirmed("x", epoch: epoch, joinedMs)
        }
    }

    @Test func `a consumer group may have put a member out that joins again under its id, after its session`() {
        rejoin(isMixed: true, 9900)
        #expect(!mayHave(zero, 10_500))
        rejoin(isMixed: true, 10_000)
        #expect(mayHave(zero, 10_500))
    }

    @Test func `a classic group would not let it join`() {
        rejoin(isMixed: false, 10_000)
        #expect(!mayHave(zero, 10_500))
    }
}
