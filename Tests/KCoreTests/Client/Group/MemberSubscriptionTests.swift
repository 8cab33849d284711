import Testing

@testable import KCore

/// The bytes that members exchange through the coordinator.
@Suite struct MemberSubscriptionTests {
    private let owned: Set = [
        TopicPartition(topic: "b", partition: 2), TopicPartition(topic: "a", partition: 1),
        TopicPartition(topic: "b", partition: 0),
    ]

    private func member(_ metadata: Bytes) -> JoinGroupResponse.JoinGroupResponseMember {
        var member = JoinGroupResponse.JoinGroupResponseMember()
        (member.memberId, member.metadata) = ("m", metadata)
        return member
    }

    @Test(arguments: Assignor.allCases)
    func `what a member says is what the leader reads`(assignor: Assignor) throws {
        let bytes = try MemberSubscription.encode(
            ["b", "a"], owned: owned, previous: [], generation: 7, for: assignor, rack: "r")
        let read = MemberSubscription.decode(member(bytes), for: assignor)
        #expect(read.topics == ["a", "b"] && Set(read.owned) == owned && read.generation == 7)
    }

    @Test func `the sticky assignor remembers what was let go of`() throws {
        let bytes = try MemberSubscription.encode(
            ["a", "b"], owned: [], previous: owned, generation: 7, for: .sticky, rack: nil)
        let read = MemberSubscription.decode(member(bytes), for: .sticky)
        #expect(Set(read.owned) == owned && read.generation == 7)
        // Topic "a", partition 1, and generation 7 in Kafka's form: an array of topics with arrays of partitions.
        let one = try StickyUserData([TopicPartition(topic: "a", partition: 1)], 7).encoded()
        #expect(one.array == [0, 0, 0, 1, 0, 1, 97, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7])
        #expect(try StickyUserData(decoding: one.slice(0..<15)).generation == -1, "the first version had none")
    }

    @Test func `an assignment comes back, and nothing at all is an empty one`() throws {
        #expect(try MemberAssignment.decode(MemberAssignment.encode(owned.sorted())) == owned)
        #expect(try MemberAssignment.decode(Bytes()).isEmpty)
        #expect(throws: WireError.self) { try MemberAssignment.decode(Bytes([0, 0, 0])) }
    }

    @Test func `a member that cannot be understood wants nothing`() {
        #expect(MemberSubscription.decode(member(Bytes([1, 2, 3])), for: .range).topics.isEmpty)
    }
}
