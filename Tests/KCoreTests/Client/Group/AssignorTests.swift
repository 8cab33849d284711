import Testing

@testable import KCore

@Suite struct AssignorTests {
    private func member(
        _ id: String, _ topics: Set<String>, owned: [String] = [], generation: Int32 = -1, instance: String? = nil
    ) -> AssignorMember {
        AssignorMember(
            id: id, instanceId: instance, topics: topics, owned: owned.map(partition), generation: generation)
    }

    private func partition(_ text: String) -> TopicPartition {
        let parts = text.split(separator: "-")
        return TopicPartition(topic: String(parts[0]), partition: Int32(parts[1]) ?? -1)
    }

    private func assign(
        _ assignor: Assignor, _ counts: [String: Int32], _ members: [AssignorMember]
    ) -> [String: [String]] {
        // The order of members must not matter.
        let result = assignor.assign(counts, to: members)
        #expect(assignor.assign(counts, to: members.reversed()).mapValues { Set($0) } == result.mapValues { Set($0) })
        return result.mapValues { $0.sorted().map(\.description) }
    }

    // The examples of Kafka's own documentation of its assignors.

    @Test func `range gives neighbours of each topic, and the first ones one more`() {
        let members = [member("C0", ["t0", "t1"]), member("C1", ["t0", "t1"])]
        #expect(
            assign(.range, ["t0": 3, "t1": 3], members) == [
                "C0": ["t0-0", "t0-1", "t1-0", "t1-1"], "C1": ["t0-2", "t1-2"],
            ])
        #expect(assign(.range, ["t0": 1], members) == ["C0": ["t0-0"], "C1": []])
    }

    @Test func `round robin goes on with the next topic where it was`() {
        let both: Set = ["t0", "t1"]
        #expect(
            assign(.roundRobin, ["t0": 3, "t1": 3], [member("C0", both), member("C1", both)]) == [
                "C0": ["t0-0", "t0-2", "t1-1"], "C1": ["t0-1", "t1-0", "t1-2"],
            ])
        let uneven = [member("C0", ["t0"]), member("C1", ["t0", "t1"]), member("C2", ["t0", "t1", "t2"])]
        #expect(
            assign(.roundRobin, ["t0": 1, "t1": 2, "t2": 3], uneven) == [
                "C0": ["t0-0"], "C1": ["t1-0"], "C2": ["t1-1", "t2-0", "t2-1", "t2-2"],
            ])
    }

    @Test(arguments: [Assignor.range, .roundRobin])
    func `static members come first and keep their share under a new id`(assignor: Assignor) {
        func shares(_ ids: [String]) -> [[String]?] {
            let members = [
                member("a", ["t"]), member(ids[0], ["t"], instance: "i1"), member(ids[1], ["t"], instance: "i2"),
            ]
            let result = assign(assignor, ["t": 4], members)
            return ids.map { result[$0] }
        }
        #expect(shares(["z1", "z2"]) == shares(["y2", "y1"]))
        #expect(shares(["z1", "z2"])[0]?.contains("t-0") == true)
    }

    @Test func `sticky begins like round robin and moves no more than it must`() {
        let both: Set = ["t0", "t1"]
        let first = assign(.sticky, ["t0": 3, "t1": 3], [member("C0", both), member("C1", both), member("C2", both)])
        #expect(first == ["C0": ["t0-0", "t1-0"], "C1": ["t0-1", "t1-1"], "C2": ["t0-2", "t1-2"]])
        // C1 is gone.
        let members = ["C0", "C2"].map { member($0, both, owned: first[$0] ?? [], generation: 1) }
        #expect(
            assign(.sticky, ["t0": 3, "t1": 3], members) == [
                "C0": ["t0-0", "t0-1", "t1-0"], "C2": ["t0-2", "t1-1", "t1-2"],
            ])
    }

    @Test func `sticky keeps what different topics allow`() {
        // Of KIP-54: C0 wants one topic, C1 two, C2 three.
        let wants: [String: Set<String>] = ["C0": ["t0"], "C1": ["t0", "t1"], "C2": ["t0", "t1", "t2"]]
        let counts: [String: Int32] = ["t0": 1, "t1": 2, "t2": 3]
        let first = assign(.sticky, counts, wants.map { member($0, $1) })
        #expect(first == ["C0": ["t0-0"], "C1": ["t1-0", "t1-1"], "C2": ["t2-0", "t2-1", "t2-2"]])
        let left = ["C1", "C2"].map { member($0, wants[$0] ?? [], owned: first[$0] ?? [], generation: 1) }
        #expect(
            assign(.sticky, counts, left) == ["C1": ["t0-0", "t1-0", "t1-1"], "C2": ["t2-0", "t2-1", "t2-2"]])
    }

    @Test func `a claim of an older generation gives way, and one that two make counts for neither`() {
        let stale = member("C0", ["t"], owned: ["t-0", "t-1"], generation: 4)
        let fresh = member("C1", ["t"], owned: ["t-0", "t-1"], generation: 5)
        #expect(assign(.sticky, ["t": 4], [stale, fresh]) == ["C0": ["t-2", "t-3"], "C1": ["t-0", "t-1"]])
        let twins = [
            member("C0", ["t"], owned: ["t-1"], generation: 5), member("C1", ["t"], owned: ["t-1"], generation: 5),
        ]
        #expect(assign(.sticky, ["t": 2], twins) == ["C0": ["t-0"], "C1": ["t-1"]])
    }

    @Test func `cooperative assignment takes first and gives in the next round`() {
        let members = [
            member("C0", ["t"], owned: ["t-0", "t-1", "t-2", "t-3"], generation: 1), member("C1", ["t"]),
        ]
        #expect(assign(.cooperativeSticky, ["t": 4], members) == ["C0": ["t-0", "t-1"], "C1": []])
        let next = [member("C0", ["t"], owned: ["t-0", "t-1"], generation: 2), member("C1", ["t"], generation: 2)]
        #expect(assign(.cooperativeSticky, ["t": 4], next) == ["C0": ["t-0", "t-1"], "C1": ["t-2", "t-3"]])
    }

    @Test(arguments: Assignor.allCases)
    func `every partition has one owner, who wants it, whatever members say that they had`(assignor: Assignor) {
        for seed in 0..<300 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            let topics = (0..<Int.random(in: 1...4, using: &random)).map { "t\($0)" }
            let counts = Dictionary(
                uniqueKeysWithValues: topics.map { ($0, Int32.random(in: 0...9, using: &random)) })
            let isEven = Bool.random(using: &random)
            var members = (0..<Int.random(in: 1...6, using: &random)).map { index in
                AssignorMember(
                    id: "m\(index)",
                    topics: isEven ? Set(topics) : Set(topics.filter { _ in Bool.random(using: &random) }))
            }
            for round in 0..<3 as Range<Int32> {
                for index in members.indices where Bool.random(using: &random) {
                    members[index].owned.append(
                        TopicPartition(topic: topics[0], partition: Int32.random(in: -1...12, using: &random)))
                }
                let result = assignor.assign(counts, to: members)
                check(result, counts, members, isComplete: !assignor.isCooperative, "seed \(seed)")
                if isEven && assignor == .sticky {
                    let sizes = result.values.map(\.count)
                    #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1, "seed \(seed)")
                }
                for index in members.indices {
                    members[index].owned = result[members[index].id] ?? []
                    members[index].generation = round
                }
                guard assignor == .sticky else { continue }
                let again = assignor.assign(counts, to: members)
                #expect(again.mapValues { Set($0) } == result.mapValues { Set($0) }, "seed \(seed): moved for nothing")
            }
        }
    }

    private func check(
        _ result: [String: [TopicPartition]], _ counts: [String: Int32], _ members: [AssignorMember],
        isComplete: Bool, _ comment: Comment
    ) {
        #expect(Set(result.keys) == Set(members.map(\.id)), comment)
        let all = result.values.joined()
        #expect(Set(all).count == all.count, comment)
        for member in members {
            for partition in result[member.id] ?? [] {
                #expect(member.topics.contains(partition.topic), comment)
                #expect(partition.partition >= 0 && partition.partition < counts[partition.topic] ?? 0, comment)
            }
        }
        guard isComplete else { return }
        let wanted = members.reduce(into: Set<String>()) { $0.formUnion($1.topics) }
        #expect(all.count == counts.filter { wanted.contains($0.key) }.reduce(0) { $0 + Int($1.value) }, comment)
    }
}
