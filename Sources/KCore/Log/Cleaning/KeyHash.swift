/// SipHash-2-4 with 128 bits (Aumasson, Bernstein; "SipHash: a fast short-input PRF", 2012): what the offset map knows of
/// a key. With a key of its own that nobody else knows, nobody can look for two record keys that meet.
struct KeyHash: Sendable {
    private let seed: (UInt64, UInt64)

    init(seed: (UInt64, UInt64)) { self.seed = seed }

    /// With a seed from the system's generator.
    static func random() -> KeyHash {
        var generator = SystemRandomNumberGenerator()
        return KeyHash(seed: (generator.next(), generator.next()))
    }

    private struct State {
        var a: UInt64
        var b: UInt64
        var c: UInt64
        var d: UInt64

        @inline(__always)
        mutating func round() {
            a &+= b
            c &+= d
            b = b &<< 13 | b &>> 51
            d = d &<< 16 | d &>> 48
            b ^= a
            d ^= c
            a = a &<< 32 | a &>> 32
            c &+= b
            a &+= d
            b = b &<< 17 | b &>> 47
            d = d &<< 21 | d &>> 43
            b ^= c
            d ^= a
            c = c &<< 32 | c &>> 32
        }

        @inline(__always)
        mutating func take(_ word: UInt64) {
            d ^= word
            round()
            round()
            a ^= word
        }

        @inline(__always)
        mutating func finish() -> UInt64 {
            round()
            round()
            round()
            round()
            return a ^ b ^ c ^ d
        }
    }

    /// The hash of `key`: its first and its second 64 bits.
    @inline(__always)
    func callAsFunction(_ key: UnsafeRawBufferPointer) -> (UInt64, UInt64) {
        var state = State(
            a: seed.0 ^ 0x736f_6d65_7073_6575, b: seed.1 ^ 0x646f_7261_6e64_6f6d ^ 0xee,
            c: seed.0 ^ 0x6c79_6765_6e65_7261, d: seed.1 ^ 0x7465_6462_7974_6573)
        var last = UInt64(truncatingIfNeeded: key.count) &<< 56
        if let base = key.baseAddress {
            let whole = key.count & ~7
            var position = 0
            while position < whole {
                state.take(UInt64(littleEndian: base.loadUnaligned(fromByteOffset: position, as: UInt64.self)))
                position &+= 8
            }
            var shift: UInt64 = 0
            while position < key.count {
                last |= UInt64(base.load(fromByteOffset: position, as: UInt8.self)) &<< shift
                shift &+= 8
                position &+= 1
            }
        }
        state.take(last)
        state.c ^= 0xee
        let first = state.finish()
        state.b ^= 0xdd
        return (first, state.finish())
    }
}
