import Testing

@testable import KCore

@Suite struct ConsumerAssignorTests {
    private let a = Uuid(high: 0, low: 1)
    private let b = Uuid(high: 0, low: 2)

    private func member(_ id: String, _ topics: Set<Uuid>, _ current: TopicShares = TopicShares())
        -> ConsumerAssignor.Member
    { .init(id: id, name: id, topics: topics, before: current) }

    @Test func `a range of each topic goes to each reader, so that the same numbers go together`() {
        let shares = ConsumerAssignor.range.assign(
            [member("y", [a, b]), member("x", [a, b]), member("z", [b])], partitionCounts: [a: 5, b: 3])
        #expect(shares["x"]?[a] == [0, 1, 2] && shares["y"]?[a] == [3, 4])
        #expect(shares["x"]?[b] == [0] && shares["y"]?[b] == [1] && shares["z"]?[b] == [2])
    }

    @Test(arguments: 1...200) func `uniform shares are whole, as equal as can be, and stay where they are`(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let topics = (0..<Int.random(in: 1...4, using: &random)).map { Uuid(high: 1, low: UInt64($0)) }
        let isSame = Bool.random(using: &random)
        func wanted() -> Set<Uuid> {
            isSame ? Set(topics) : Set(topics.filter { _ in Bool.random(using: &random) })
        }
        var counts: [Uuid: Int32] = [:]
        for topic in topics { counts[topic] = Int32.random(in: 0...9, using: &random) }
        var members = (0..<Int.random(in: 1...8, using: &random)).map { member("m\($0)", wanted()) }
        for round in 0..<4 {
            let shares = ConsumerAssignor.uniform.assign(members, partitionCounts: counts)
            check(shares, members, counts, isSame)
            let again = ConsumerAssignor.uniform.assign(
                members.map { member($0.id, $0.topics, shares[$0.id] ?? TopicShares()) }, partitionCounts: counts)
            #expect(again == shares, "nothing has changed")
            members = members.map { member($0.id, $0.topics, shares[$0.id] ?? TopicShares()) }
            if Bool.random(using: &random), members.count > 1 { members.removeFirst() }
            if Bool.random(using: &random) { members.append(member("n\(random.next() % 9)-\(round)", wanted())) }
        }
    }

    @Test func `no more moves than it takes`() {
        var members = [member("m0", [a])]
        for count in 1...40 {
            let before = ConsumerAssignor.uniform.assign(members, partitionCounts: [a: 400])
            members =
                members.map { member($0.id, $0.topics, before[$0.id] ?? TopicShares()) } + [member("m\(count)", [a])]
            let after = ConsumerAssignor.uniform.assign(members, partitionCounts: [a: 400])
            let moved = before.reduce(0) { $0 + $1.value.subtracting(after[$1.name] ?? TopicShares()).count }
            #expect(moved == 400 / members.count, "what the new one gets")
            // Whoever goes leaves its own to others, who keep all that they have.
            let left = members.filter { $0.id != "m0" }.map { member($0.id, [a], after[$0.id] ?? TopicShares()) }
            let without = ConsumerAssignor.uniform.assign(left, partitionCounts: [a: 400])
            for other in left { #expect(other.before.isSubset(of: without[other.id] ?? TopicShares())) }
            members = members.map { member($0.id, $0.topics, after[$0.id] ?? TopicShares()) }
        }
    }

    private func check(
        _ shares: NameMap<TopicShares>, _ members: [ConsumerAssignor.Member], _ counts: [Uuid: Int32], _ isSame: Bool
    ) {
        for (topic, count) in counts {
            let given = shares.values.flatMap { $0[topic] }
            let isRead = members.contains { $0.topics.contains(topic) }
            #expect(given.sorted() == (isRead ? Array(0..<count) : []), "each partition once")
        }
        for member in members {
            #expect(Set((shares[member.id] ?? TopicShares()).topics.keys).isSubset(of: member.topics))
        }
        for from in members {
            for to in members where (shares[from.id]?.count ?? 0) - (shares[to.id]?.count ?? 0) >= 2 {
                let movable = Set((shares[from.id] ?? TopicShares()).topics.keys).intersection(to.topics)
                #expect(movable.isEmpty, "\(to.id) could have one of \(from.id)'s")
            }
        }
        guard isSame else { return }
        let sizes = members.map { shares[$0.id]?.count ?? 0 }
        #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
    }
}
