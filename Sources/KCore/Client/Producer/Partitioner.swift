/// Chooses partitions for the records of one topic.
///
/// Records without a key go to one partition until about a batch is full, then to another, so that batches are large
/// (KIP-794); partitions without a leader are passed over as long as there are others.
public struct Partitioner: Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        /// By the key as Java's producer does, sticky without a key.
        case murmur2
        /// A random one for every record.
        case random
        /// The next one for every record.
        case roundRobin = "round-robin"
        /// Sticky for all records, keys or not.
        case sticky
    }

    let kind: Kind
    /// Bytes after which a sticky partition is left.
    let stickyBytes: Int
    private(set) var partitionCount: Int32
    // Those that have a leader; all when none has.
    private var available: [Int32]
    private var current: Int32 = -1
    private var bytesOnCurrent = 0
    private var next = 0
    // Chosen for a record that was not taken.
    private var kept: Int32?
    private var generator: SplitMix64

    init(kind: Kind, partitionCount: Int32, available: [Int32], stickyBytes: Int, seed: UInt64) {
        self.kind = kind
        self.stickyBytes = stickyBytes
        self.partitionCount = partitionCount
        self.available = available.isEmpty ? Array(0..<partitionCount) : available
        generator = SplitMix64(state: seed)
    }

    /// Takes over what newer metadata says.
    mutating func update(partitionCount: Int32, available: [Int32]) {
        self.partitionCount = partitionCount
        self.available = available.isEmpty ? Array(0..<partitionCount) : available
        if !self.available.contains(current) { current = -1 }
        if let kept, !self.available.contains(kept) { self.kept = nil }
    }

    /// - Parameter sizeInBytes: what the record will take, roughly.
    @inline(__always)
    mutating func partition(key: UnsafeRawBufferPointer?, sizeInBytes: Int) -> Int32 {
        switch kind {
        case .murmur2:
            if let key { return Murmur2.partition(of: key, count: partitionCount) }
            return sticky(sizeInBytes)
        case .sticky: return sticky(sizeInBytes)
        case .random:
            if let kept = takeKept() { return kept }
            return available[Int(truncatingIfNeeded: generator.next() % UInt64(available.count))]
        case .roundRobin:
            if let kept = takeKept() { return kept }
            next = next + 1 < available.count ? next + 1 : 0
            return available[next]
        }
    }

    /// The record for which `partition` was chosen was not taken, because a batch was full or memory was: it will come
    /// again. Without this, round-robin would pass over a partition with each full batch (KAFKA-9965). A sticky choice
    /// is left to be made anew.
    mutating func keep(_ partition: Int32) { kept = partition }

    @inline(__always)
    private mutating func takeKept() -> Int32? {
        guard kept != nil else { return nil }
        defer { kept = nil }
        return kept
    }

    @inline(__always)
    private mutating func sticky(_ sizeInBytes: Int) -> Int32 {
        if current < 0 || bytesOnCurrent >= stickyBytes { leaveSticky() }
        bytesOnCurrent &+= sizeInBytes
        return current
    }

    /// The batch of `partition` was sealed: if it is the sticky one, the next record goes elsewhere.
    mutating func leaveSticky(partition: Int32) {
        if partition == current { leaveSticky() }
    }

    mutating func leaveSticky() {
        bytesOnCurrent = 0
        guard available.count > 1 else {
            current = available.first ?? 0
            return
        }
        var choice = current
        while choice == current {
            choice = available[Int(truncatingIfNeeded: generator.next() % UInt64(available.count))]
        }
        current = choice
    }
}

/// A small, fast generator of random numbers that a test can seed (Vigna's splitmix64).
struct SplitMix64: RandomNumberGenerator, Sendable {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value &>> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value &>> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value &>> 31)
    }
}
