import Testing

@testable import KCore

@Suite struct OffsetMapTests {
    private func bytes(_ number: Int) -> [UInt8] { Array("key-\(number)".utf8) }

    private func put(_ map: OffsetMap, _ number: Int, _ offset: Int64) -> Bool {
        bytes(number).withUnsafeBytes { map.put($0, offset: offset) }
    }

    private func offset(_ map: OffsetMap, _ number: Int) -> Int64 {
        bytes(number).withUnsafeBytes { map.offset(of: $0) }
    }

    // Printed by `openssl mac -macopt size:16 -macopt hexkey:000102...0f SIPHASH`.
    @Test(arguments: [
        (0, "a3817f04ba25a8e66df67214c7550293"), (1, "da87c1d86b99af44347659119b22fc45"),
        (8, "3b62a9ba6258f5610f83e264f31497b4"), (63, "5150d1772f50834a503e069a973fbd7c"),
    ])
    func `the hash is SipHash-2-4 with 128 bits`(count: Int, expected: String) {
        let hash = KeyHash(seed: (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908))
        let found = (0..<count).map { UInt8($0) }.withUnsafeBytes { hash($0) }
        let bytes =
            withUnsafeBytes(of: found.0.littleEndian, Array.init)
            + withUnsafeBytes(of: found.1.littleEndian, Array.init)
        let text = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(text == expected)
    }

    @Test func `every key has the offset it was given last, however much the map grows`() {
        let map = OffsetMap(maxBytes: 16 << 20, loadFactor: 0.9)
        var offset: Int64 = 0
        for round in 0..<2 {
            for number in 0..<100_000 where number % (round + 1) == 0 {
                #expect(put(map, number, offset))
                offset += 1
            }
        }
        #expect(map.count == 100_000)
        #expect(map.latestOffset == offset - 1)
        for number in 0..<100_000 {
            let expected = number % 2 == 0 ? 100_000 + Int64(number / 2) : Int64(number)
            if self.offset(map, number) != expected { Issue.record("key \(number)") }
        }
        #expect(self.offset(map, 100_000) == -1)
        map.removeAll()
        #expect(map.count == 0 && map.latestOffset == -1 && self.offset(map, 1) == -1)
    }

    @Test func `a full map takes what it knows and nothing new`() {
        let map = OffsetMap(maxBytes: 24 * 100_000, loadFactor: 0.5)
        var taken = 0
        while put(map, taken, Int64(taken)) { taken += 1 }
        #expect(taken == 50_000)
        #expect(map.utilization == 1)
        #expect(map.memoryBytes <= 24 * 100_000)
        #expect(put(map, 7, 1_000_000))
        #expect(offset(map, 7) == 1_000_000)
        #expect(offset(map, taken) == -1)
        #expect(offset(map, 49_999) == 49_999)
    }

    @Test func `the smallest map takes one key`() {
        let map = OffsetMap(maxBytes: 0, loadFactor: 0.9)
        #expect(put(map, 1, 5))
        #expect(!put(map, 2, 6))
        #expect(put(map, 1, 7))
        #expect(offset(map, 1) == 7 && offset(map, 2) == -1)
    }

    @Test(arguments: [Double.nan, .infinity, -1, 0, 2])
    func `a load factor that is none is not taken`(loadFactor: Double) {
        let map = OffsetMap(maxBytes: 1 << 16, loadFactor: loadFactor)
        #expect(put(map, 1, 5) && put(map, 2, 6) && offset(map, 2) == 6)
    }
}
