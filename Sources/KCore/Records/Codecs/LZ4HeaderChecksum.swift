/// The checksum byte of an lz4 frame's header, and the wrong one that messages of format 0 have: Kafka's first
/// implementation took the magic number into it, too, and old clients expect it so (KIP-57).
enum LZ4HeaderChecksum {
    private static let magicSize = 4

    /// The header of the frame that `source` begins with, its checksum made right; nil where no whole header is.
    static func corrected(_ source: UnsafeRawBufferPointer) -> Bytes? {
        guard source.count > magicSize, source.loadUnaligned(as: UInt32.self) == UInt32(0x184D_2204).littleEndian else {
            return nil
        }
        let flags = source[magicSize]
        let contentSizeBytes = flags & 0x08 != 0 ? 8 : 0
        let dictionaryIdBytes = flags & 0x01 != 0 ? 4 : 0
        let checksumPosition = magicSize + 2 + contentSizeBytes + dictionaryIdBytes
        guard source.count > checksumPosition else { return nil }
        var header = Array(source[...checksumPosition])
        header[checksumPosition] = checksum(header[magicSize..<checksumPosition])
        return Bytes(header)
    }

    /// Gives the frame in `frame`, written by ``LZ4/compress(_:level:reserving:)``, the checksum of format 0.
    static func makeOld(_ frame: UnsafeMutableRawBufferPointer) {
        let checksumPosition = magicSize + 2
        guard frame.count > checksumPosition else { return }
        frame[checksumPosition] = checksum(Array(frame[..<checksumPosition])[...])
    }

    /// The second byte of the XXH32 hash of fewer than 16 bytes.
    static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt8 {
        let (prime1, prime2, prime3): (UInt32, UInt32, UInt32) = (0x9E37_79B1, 0x85EB_CA77, 0xC2B2_AE3D)
        let (prime4, prime5): (UInt32, UInt32) = (0x27D4_EB2F, 0x1656_67B1)
        func rotated(_ value: UInt32, _ bits: UInt32) -> UInt32 { value << bits | value >> (32 - bits) }
        var hash = prime5 &+ UInt32(bytes.count)
        var rest = bytes
        while rest.count >= 4 {
            let word = rest.prefix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            hash = rotated(hash &+ word &* prime3, 17) &* prime4
            rest = rest.dropFirst(4)
        }
        for byte in rest { hash = rotated(hash &+ UInt32(byte) &* prime5, 11) &* prime1 }
        hash = (hash ^ hash >> 15) &* prime2
        hash = (hash ^ hash >> 13) &* prime3
        return UInt8(truncatingIfNeeded: (hash ^ hash >> 16) >> 8)
    }
}
