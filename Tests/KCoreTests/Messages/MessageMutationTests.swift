import Testing

@testable import KCore

/// Damaged messages: whatever arrives is either refused with an error or read as something that can be written again.
@Suite struct MessageMutationTests {
    #if DEBUG
        static let rounds = 15_000
    #else
        static let rounds = 100_000
    #endif

    @Test func `a damaged message is refused, or reads as one that survives being written`() throws {
        let fixtures = MessageFixture.all
        try #require(!fixtures.isEmpty)
        var random = SeededGenerator(seed: 2026)
        var accepted = 0
        for round in 0..<Self.rounds {
            let fixture = fixtures[Int(random.next(upperBound: UInt64(fixtures.count)))]
            let bytes = damaged(fixture.bytes.array, &random)
            guard let encoded = try? fixture.roundTrip(bytes).encoded else { continue }
            accepted += 1
            let again = try? fixture.roundTrip(encoded).encoded
            #expect(again == encoded, "round \(round): \(bytes.array.hex) as \(fixture.name) v\(fixture.version)")
        }
        // Otherwise the damage is so heavy that nothing beyond the first fields is ever read.
        #expect(accepted > Self.rounds / 10)
    }

    private func damaged(_ original: [UInt8], _ random: inout SeededGenerator) -> Bytes {
        var bytes = original
        for _ in 0...random.next(upperBound: 3 as UInt64) {
            let at = Int(random.next(upperBound: UInt64(bytes.count + 1)))
            switch random.next(upperBound: 8 as UInt64) {
            case 0: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: at)
            case 1 where at < bytes.count: bytes.removeSubrange(at..<min(bytes.count, at + 1 + Int(random.next() % 4)))
            case 2 where at < bytes.count: bytes[at] = [0x00, 0x01, 0x7F, 0x80, 0xFF][Int(random.next() % 5)]
            case 3: bytes.replaceSubrange(at..<min(bytes.count, at + 4), with: [0x7F, 0xFF, 0xFF, 0xFF])
            case _ where at < bytes.count: bytes[at] ^= 1 << UInt8(random.next() % 8)
            default: break
            }
        }
        return Bytes(bytes)
    }
}
