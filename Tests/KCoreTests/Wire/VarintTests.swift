import Testing

@testable import KCore

@Suite struct VarintTests {
    @Test(
        arguments: [
            (0, [0x00]), (1, [0x01]), (127, [0x7F]), (128, [0x80, 0x01]), (300, [0xAC, 0x02]), (16383, [0xFF, 0x7F]),
            (16384, [0x80, 0x80, 0x01]), (UInt64(UInt32.max), [0xFF, 0xFF, 0xFF, 0xFF, 0x0F]),
            (UInt64.max, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]),
        ] as [(UInt64, [UInt8])])
    func `an unsigned number takes seven bits a byte, the least significant first`(value: UInt64, bytes: [UInt8]) throws
    {
        #expect(encode(unsigned: value) == bytes)
        #expect(Varint.size(unsigned: value) == bytes.count)
        #expect(try decode(bytes) == value)
    }

    @Test(
        arguments: [
            (0, [0x00]), (-1, [0x01]), (1, [0x02]), (-64, [0x7F]), (64, [0x80, 0x01]), (-65, [0x81, 0x01]),
            (Int64(Int32.max), [0xFE, 0xFF, 0xFF, 0xFF, 0x0F]), (Int64(Int32.min), [0xFF, 0xFF, 0xFF, 0xFF, 0x0F]),
            (Int64.max, [0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]),
            (Int64.min, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]),
        ] as [(Int64, [UInt8])])
    func `a signed number is zigzag-coded, so that small negative ones are short`(value: Int64, bytes: [UInt8]) throws {
        #expect(encode(unsigned: Varint.zigzag(value)) == bytes)
        #expect(Varint.size(value) == bytes.count)
        var position = 0
        #expect(try bytes.withUnsafeBytes { try Varint.readInt64($0, at: &position) } == value)
        #expect(position == bytes.count)
        if let small = Int32(exactly: value) {
            position = 0
            #expect(try bytes.withUnsafeBytes { try Varint.readInt32($0, at: &position) } == small)
        }
    }

    @Test func `a number that needs more than 32 bits is malformed where 32 are allowed`() {
        #expect(throws: WireError.badVarint) {
            try decode([0xFF, 0xFF, 0xFF, 0xFF, 0x1F], maxBytes: Varint.maxBytes32)
        }
        #expect(throws: WireError.badVarint) {
            try decode([0x80, 0x80, 0x80, 0x80, 0x80, 0x01], maxBytes: Varint.maxBytes32)
        }
    }

    @Test func `a number of more than ten bytes is malformed`() {
        #expect(throws: WireError.badVarint) { try decode([UInt8](repeating: 0x80, count: 10) + [0x01]) }
        #expect(throws: WireError.badVarint) { try decode([UInt8](repeating: 0xFF, count: 200)) }
    }

    @Test func `a number that ends too early is truncated, and the position stays`() {
        for bytes in [[], [0x80], [0xFF, 0xFF, 0xFF]] as [[UInt8]] {
            var position = 0
            #expect(throws: WireError.truncated(needed: 1, available: 0)) {
                try bytes.withUnsafeBytes { try Varint.read(unsigned: $0, at: &position, maxBytes: Varint.maxBytes64) }
            }
            #expect(position == 0)
        }
    }

    private func encode(unsigned value: UInt64) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: Varint.maxBytes64)
        let count = bytes.withUnsafeMutableBytes { buffer in
            buffer.baseAddress.map { Varint.write(unsigned: value, to: $0) } ?? 0
        }
        return Array(bytes.prefix(count))
    }

    private func decode(_ bytes: [UInt8], maxBytes: Int = Varint.maxBytes64) throws -> UInt64 {
        var position = 0
        return try bytes.withUnsafeBytes { try Varint.read(unsigned: $0, at: &position, maxBytes: maxBytes) }
    }
}
