import Testing

@testable import KCore

@Suite struct CRC32CTests {
    private func checksum(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { CRC32C.checksum($0) } }

    @Test func `the vectors of RFC 3720 come out`() {
        #expect(checksum([]) == 0)
        #expect(checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(checksum([UInt8](0..<32)) == 0x46DD_794E)
        #expect(checksum([UInt8]("123456789".utf8)) == 0xE306_9283)
    }

    @Test func `instruction and table agree at every length and alignment`() {
        var generator = SeededGenerator(seed: 1)
        let bytes = (0..<40_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let lengths =
            Array(0..<100) + [767, 768, 769, 1535, 1536, 3000, 12_287, 12_288, 12_289, 13_100, 24_576, 39_990]
        bytes.withUnsafeBytes { all in
            for length in lengths {
                for start in 0..<9 where start + length <= all.count {
                    let part = UnsafeRawBufferPointer(rebasing: all[start..<start + length])
                    #expect(CRC32C.checksum(part) == ~CRC32C.table.update(~0, part), "\(length) bytes at \(start)")
                }
            }
        }
    }

    @Test func `a checksum can be extended piece by piece`() {
        let bytes = [UInt8]((0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        bytes.withUnsafeBytes { all in
            for cut in [0, 1, 7, 8, 800, 4999, 5000] {
                let first = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: all[..<cut]))
                #expect(CRC32C.extend(first, UnsafeRawBufferPointer(rebasing: all[cut...])) == CRC32C.checksum(all))
            }
        }
    }
}
