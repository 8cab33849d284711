extension SimulatedDisk {
    /// A number generator that gives the same for the same seed.
    struct Random: RandomNumberGenerator, Sendable {
        var state: UInt64
        init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 0x1234_5678 }

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }

        mutating func int(_ range: Range<Int>) -> Int { Int.random(in: range, using: &self) }
        mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }
        /// True once in `count` times.
        mutating func oneIn(_ count: Int) -> Bool { int(0..<count) == 0 }
        /// Another generator, which what is drawn from this one later does not change.
        mutating func fork() -> Random { Random(seed: next()) }
        mutating func pick<C: RandomAccessCollection>(_ values: C) -> C.Element? { values.randomElement(using: &self) }
    }
}
