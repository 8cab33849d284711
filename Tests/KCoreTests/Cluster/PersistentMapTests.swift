import Testing

@testable import KCore

@Suite struct PersistentMapTests {
    /// A key whose hash has only three values, so that entries meet at every level and in the end collide.
    struct Crowded: Hashable {
        var number: Int
        func hash(into hasher: inout Hasher) { hasher.combine(number % 3) }
    }

    private func compare<Key: Hashable & Sendable>(seed: UInt64, keys: [Key]) {
        var random = SeededGenerator(seed: seed)
        var map = PersistentMap<Key, Int>()
        var model: [Key: Int] = [:]
        var old: [(PersistentMap<Key, Int>, [Key: Int])] = []
        for step in 0..<2000 {
            let key = keys.randomElement(using: &random)!
            let value: Int? = Int.random(in: 0..<3, using: &random) == 0 ? nil : step
            map[key] = value
            model[key] = value
            #expect(map.count == model.count)
            if step % 200 == 0 { old.append((map, model)) }
        }
        // Changes leave the older copies as they were.
        for (map, model) in old + [(map, model)] {
            for key in keys { #expect(map[key] == model[key]) }
            var seen: [Key: Int] = [:]
            map.visit { seen[$0] = $1 }
            #expect(seen == model)
            #expect(map.values.count == model.count)
        }
    }

    @Test(arguments: 0..<4)
    func `it behaves like a dictionary and older copies stay as they were`(seed: Int) {
        compare(seed: UInt64(seed), keys: (0..<500).map { "topic-\($0)" })
    }

    @Test func `keys with the same hash are told apart`() {
        compare(seed: 9, keys: (0..<40).map { Crowded(number: $0) })
    }

    @Test func `maps with the same entries are equal however they came about`() {
        var a = PersistentMap<Int, Int>()
        var b = PersistentMap<Int, Int>()
        for number in 0..<100 { a[number] = number }
        for number in (0..<200).reversed() { b[number] = number }
        #expect(a != b)
        for number in 100..<200 { b[number] = nil }
        #expect(a == b)
    }
}
