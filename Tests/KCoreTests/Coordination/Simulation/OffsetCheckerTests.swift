import Testing

@testable import KCore

/// What is newer: a transaction's offset, or a plain commit that nobody was told of.
@Suite final class OffsetCheckerTests {
    private let key = OffsetChecker.Key(group: "g", partition: TopicPartition(topic: "t", partition: 0))
    private var checker = OffsetChecker()

    /// Offset 17 is committed.
    init() { accept(17) }

    private func accept(_ offset: Int64) {
        checker.taken(offset, key)
        checker.accepted(offset, key, 0)
    }

    /// Nobody is told what became of it.
    private func lose(_ offset: Int64) {
        checker.taken(offset, key)
        checker.crash()
    }

    /// Offset 19 waits for its transaction's marker.
    private func add() {
        checker.takenInTransaction(19, key, of: 1)
        checker.addedInTransaction(19, key, of: 1, isCertain: true, 0)
    }

    private func end() { checker.ended(1, isCommit: true, isCertain: true) }

    /// Those of the offsets that may be told now.
    private func told() -> [Int64] {
        [OffsetChecker.nothing, 17, 19, 22].filter { offset in
            var checker = checker
            return checker.fetched(offset, key) == nil
        }
    }

    @Test func `an offset is unstable from a transaction's commit on until its marker`() {
        #expect(checker.toldStable(true, key) == nil)
        #expect(checker.toldStable(false, key) != nil)
        add()
        #expect(checker.toldStable(true, key) != nil)
        #expect(checker.toldStable(false, key) == nil)
        end()
        #expect(checker.toldStable(true, key) == nil)
        #expect(checker.toldStable(false, key) != nil)
    }

    @Test func `what nobody can know of a transaction allows both`() {
        checker.takenInTransaction(19, key, of: 1)
        #expect(checker.toldStable(false, key) == nil)
        checker.crash()
        #expect(checker.toldStable(true, key) == nil)
        #expect(checker.toldStable(false, key) == nil)
        add()
        checker.ended(1, isCommit: false, isCertain: false)
        #expect(checker.toldStable(true, key) == nil)
        #expect(checker.toldStable(false, key) == nil)
        checker.ended(1, isCommit: false, isCertain: true)
        #expect(checker.toldStable(false, key) != nil)
    }

    @Test func `a deletion takes along what a transaction may yet commit`() {
        add()
        checker.taken(OffsetChecker.nothing, key)
        checker.deleted(key, withGroup: false, isCertain: true)
        #expect(checker.toldStable(false, key) != nil)
        end()
        #expect(told() == [OffsetChecker.nothing])
    }

    @Test func `a lost deletion may have taken along what a transaction may yet commit`() {
        add()
        lose(OffsetChecker.nothing)
        #expect(checker.toldStable(true, key) == nil)
        #expect(checker.toldStable(false, key) == nil)
    }

    @Test func `a lost commit that was seen stays when a transaction commits that wrote before it`() {
        add()
        lose(22)
        #expect(checker.fetched(22, key) == nil)
        end()
        #expect(told() == [22])
    }

    @Test func `a lost commit that was seen goes when a transaction commits that wrote after it`() {
        lose(22)
        #expect(checker.fetched(22, key) == nil)
        add()
        end()
        #expect(told() == [19])
    }

    @Test func `a lost commit that nobody has seen leaves it open, but for what is older than the transaction's`() {
        add()
        lose(22)
        #expect(told() == [17, 22])
        end()
        #expect(told() == [19, 22])
    }

    @Test func `what was written before the transaction leaves nothing open`() {
        lose(22)
        add()
        end()
        #expect(told() == [19])
    }

    @Test func `a commit that comes twice may be the newer one the second time`() {
        accept(22)
        add()
        lose(22)
        #expect(checker.fetched(22, key) == nil)
        end()
        #expect(told() == [19, 22])
    }

    @Test func `one of two repetitions is answered, and the other one may be there`() {
        checker.taken(22, key)
        checker.taken(22, key)
        checker.accepted(22, key, 0)
        add()
        checker.crash()
        end()
        #expect(told() == [19, 22])
    }

    @Test func `a lost deletion may have left the transaction something to commit`() {
        add()
        lose(OffsetChecker.nothing)
        end()
        #expect(told() == [OffsetChecker.nothing, 19])
    }
}
