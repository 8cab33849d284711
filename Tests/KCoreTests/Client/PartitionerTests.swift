import Testing

@testable import KCore

struct PartitionerTests {
    // What org.apache.kafka.common.utils.Utils.murmur2 gives, as its own test has it.
    @Test(arguments: [
        ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        ("abc", 479_470_107),
    ])
    func `murmur2 gives the numbers that Java's producer computes`(key: String, expected: Int) {
        let hash = Bytes(key).withUnsafeBytes { Murmur2.hash($0) }
        #expect(Int32(bitPattern: hash) == Int32(expected))
    }

    private func partitioner(_ kind: Partitioner.Kind, _ count: Int32 = 4, available: [Int32] = []) -> Partitioner {
        Partitioner(kind: kind, partitionCount: count, available: available, stickyBytes: 1000, seed: 1)
    }

    private func choose(_ partitioner: inout Partitioner, _ key: String?, size: Int = 100) -> Int32 {
        guard let key else { return partitioner.partition(key: nil, sizeInBytes: size) }
        return Bytes(key).withUnsafeBytes { partitioner.partition(key: $0, sizeInBytes: size) }
    }

    @Test func `a key always goes to the same partition, leaders or not`() {
        var all = partitioner(.murmur2)
        var few = partitioner(.murmur2, available: [0])
        for key in ["a", "b", "c", ""] {
            let (first, second) = (choose(&all, key), choose(&few, key))
            #expect(first == second)
        }
    }

    @Test func `without keys a partition is kept until about a batch is full`() {
        var partitioner = partitioner(.murmur2)
        let first = (0..<10).map { _ in choose(&partitioner, nil) }
        #expect(Set(first).count == 1)
        let second = choose(&partitioner, nil)
        #expect(second != first[0])
    }

    @Test func `sticky leaves a partition whose batch was sealed, and only that`() {
        var partitioner = partitioner(.sticky)
        let first = choose(&partitioner, "a")
        partitioner.leaveSticky(partition: (first + 1) % 4)
        #expect(choose(&partitioner, "b") == first)
        partitioner.leaveSticky(partition: first)
        #expect(choose(&partitioner, "c") != first)
    }

    @Test func `round robin visits every partition that has a leader in turn`() {
        var partitioner = partitioner(.roundRobin, available: [0, 2, 3])
        let chosen = (0..<6).map { _ in choose(&partitioner, "same") }
        #expect(Set(chosen) == [0, 2, 3])
        #expect(Array(chosen[..<3]) == Array(chosen[3...]))
    }

    @Test func `random reaches every partition`() {
        var partitioner = partitioner(.random)
        #expect(Set((0..<200).map { _ in choose(&partitioner, "same") }) == [0, 1, 2, 3])
    }

    @Test func `when no partition has a leader all are used`() {
        var partitioner = partitioner(.roundRobin, 3)
        #expect(Set((0..<3).map { _ in choose(&partitioner, nil) }) == [0, 1, 2])
    }

    @Test func `partitions that are added later are used`() {
        var partitioner = partitioner(.roundRobin, 1)
        partitioner.update(partitionCount: 2, available: [0, 1])
        #expect(Set((0..<4).map { _ in choose(&partitioner, nil) }) == [0, 1])
    }
}
