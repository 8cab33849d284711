import Testing

@testable import KCore

@Suite struct NameMapTests {
    // One character, and two that look like it.
    private let composed = "caf\u{E9}", decomposed = "cafe\u{301}"

    @Test func `names that look the same are two when their bytes are not the same`() {
        #expect(composed == decomposed)
        var map = NameMap<Int>()
        map[composed] = 1
        map[decomposed, default: 10] += 1
        #expect(map.count == 2 && map[composed] == 1 && map[decomposed] == 11)
        map[composed] = nil
        #expect(map.map(\.name).map { Array($0.utf8) } == [Array(decomposed.utf8)])
    }

    @Test func `names are sorted by their bytes`() {
        var map = NameMap<Int>()
        for name in ["b", composed, "", decomposed, "Z", "ba"] { map[name] = 0 }
        #expect(
            map.sortedNames.map { Array($0.utf8) } == ["", "Z", "b", "ba", decomposed, composed].map { Array($0.utf8) })
    }

    @Test func `names of any length are the same, or in order, as their bytes say`() {
        let names = ["", "a", "z", "\u{0}", "\u{80}", "\u{10FFFF}"].flatMap { end in
            ["", "a", "fifteen bytes..", "a name that is longer than what a string has room for"].map { $0 + end }
        }
        for a in names {
            for b in names {
                #expect((ExactName(a) == ExactName(b)) == (Array(a.utf8) == Array(b.utf8)))
                #expect((ExactName(a) < ExactName(b)) == a.utf8.lexicographicallyPrecedes(b.utf8))
            }
        }
    }
}
