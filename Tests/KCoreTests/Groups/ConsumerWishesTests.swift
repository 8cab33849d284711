import Testing

@testable import KCore

/// What is kept of all members together, beside them.
@Suite struct ConsumerWishesTests {
    @Test(arguments: 1...20) func `it follows from the members, however they came, changed and went`(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var group = ConsumerGroup(id: "g")
        for _ in 0..<200 {
            let id = "m\(Int.random(in: 0...11, using: &random))"
            if Int.random(in: 0..<3, using: &random) == 0 {
                group.remove(id)
            } else {
                var member = ConsumerMember(id: id)
                // Two of the names look the same.
                let names = ["t", "caf\u{E9}", "cafe\u{301}"]
                member.subscribedTopics = names.filter { _ in Bool.random(using: &random) }
                member.subscribedRegex = [nil, "", "t.*", "u"].randomElement(using: &random) ?? nil
                member.serverAssignor = [nil, "range", "uniform"].randomElement(using: &random) ?? nil
                group.set(member)
            }
            var wishes = ConsumerWishes()
            for member in group.members.values { wishes.add(member) }
            #expect(group.wishes == wishes)
            #expect(group.orderedMembers.map(\.id) == group.members.sortedNames)
            #expect(group.orderedMembers.allSatisfy { group.members[$0.id] == $0 })
        }
    }
}
