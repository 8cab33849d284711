/// The hash by which Java's producer chooses a partition from a key: 32-bit MurmurHash2 with Kafka's seed. Other
/// clients that use it put the same key into the same partition.
enum Murmur2 {
    static func hash(_ data: UnsafeRawBufferPointer) -> UInt32 {
        let multiplier: UInt32 = 0x5BD1_E995
        let shift: UInt32 = 24
        var hash: UInt32 = 0x9747_B28C ^ UInt32(truncatingIfNeeded: data.count)
        let words = data.count / 4
        for index in 0..<words {
            var word = UInt32(littleEndian: data.loadUnaligned(fromByteOffset: index &* 4, as: UInt32.self))
            word = word &* multiplier
            word ^= word &>> shift
            word = word &* multiplier
            hash = hash &* multiplier
            hash ^= word
        }
        let tail = words * 4
        let rest = data.count - tail
        if rest >= 3 { hash ^= UInt32(data[tail + 2]) << 16 }
        if rest >= 2 { hash ^= UInt32(data[tail + 1]) << 8 }
        if rest >= 1 {
            hash ^= UInt32(data[tail])
            hash = hash &* multiplier
        }
        hash ^= hash &>> 13
        hash = hash &* multiplier
        hash ^= hash &>> 15
        return hash
    }

    /// The partition of a key.
    static func partition(of key: UnsafeRawBufferPointer, count: Int32) -> Int32 {
        Int32(truncatingIfNeeded: hash(key) & 0x7FFF_FFFF) % count
    }
}
