internal import Glibc

/// The last offset of every key, for as many keys as there is memory for: slots of 24 bytes, a 128-bit hash and an offset,
/// found by open addressing.
///
/// It begins small and grows with the keys up to its limit, so that a small log does not cost the memory that a large one
/// may have. Nothing is allocated for a key.
final class OffsetMap {
    private static let slotBytes = 24
    private static let firstSlots = 1 << 12
    // Below the limit, few collisions are worth more than memory.
    private static let growingLoad = 0.7
    private static let emptyOffset: Int64 = 0

    private let hash: KeyHash
    private let maxSlots: Int
    private let maxKeys: Int
    private var memory: SlotMemory
    private var slots = 0
    private var growAt = 0
    /// Keys in the map.
    private(set) var count = 0
    /// The last offset that the map accounts for; -1 before there is one.
    private(set) var latestOffset: Int64 = -1

    /// - Parameters:
    ///   - maxBytes: of memory for slots, in all.
    ///   - loadFactor: the share of slots that may be taken, above 0 and at most 1.
    init(maxBytes: Int, loadFactor: Double, hash: KeyHash = .random()) {
        self.hash = hash
        maxSlots = max(maxBytes / OffsetMap.slotBytes, 2)
        // One slot is always free, so that a search ends.
        // From a setting, so that it may be no number.
        let share = loadFactor > 0 && loadFactor <= 1 ? loadFactor : 0.9
        maxKeys = min(max(Int(Double(maxSlots) * share), 1), maxSlots - 1)
        slots = min(OffsetMap.firstSlots, maxSlots)
        memory = SlotMemory(slots * OffsetMap.slotBytes)
        setLimits()
    }

    /// Bytes that the slots take now.
    var memoryBytes: Int { slots * OffsetMap.slotBytes }
    /// The share of keys that the map could hold at most.
    var utilization: Double { Double(count) / Double(maxKeys) }

    private func setLimits() {
        growAt = slots == maxSlots ? maxKeys : min(Int(Double(slots) * OffsetMap.growingLoad), maxKeys)
    }

    /// Forgets everything and gives memory back.
    func removeAll() {
        slots = min(OffsetMap.firstSlots, maxSlots)
        memory = SlotMemory(slots * OffsetMap.slotBytes)
        count = 0
        latestOffset = -1
        setLimits()
    }

    /// Notes that everything up to `offset` is accounted for.
    func advance(to offset: Int64) { latestOffset = max(latestOffset, offset) }

    /// Makes `offset` the last one of `key`. Offsets come in ascending order.
    /// - Returns: false when there is no room for another key; the map is as it was.
    @inline(__always)
    func put(_ key: UnsafeRawBufferPointer, offset: Int64) -> Bool {
        let hash = hash(key)
        var slot = find(hash)
        if isEmpty(slot) {
            if count >= growAt {
                guard grow() else { return false }
                slot = find(hash)
            }
            count &+= 1
            slot.storeBytes(of: hash.0, as: UInt64.self)
            slot.storeBytes(of: hash.1, toByteOffset: 8, as: UInt64.self)
        }
        // Kept one higher, so that fresh memory, which is zero, is empty.
        slot.storeBytes(of: offset &+ 1, toByteOffset: 16, as: Int64.self)
        latestOffset = offset
        return true
    }

    /// The last offset of `key`, -1 for a key that the map does not have.
    @inline(__always)
    func offset(of key: UnsafeRawBufferPointer) -> Int64 {
        find(hash(key)).load(fromByteOffset: 16, as: Int64.self) &- 1
    }

    @inline(__always)
    private func isEmpty(_ slot: UnsafeMutableRawPointer) -> Bool {
        slot.load(fromByteOffset: 16, as: Int64.self) == OffsetMap.emptyOffset
    }

    // The slot of a hash, or the free one where it belongs. Slots are in the order of the hashes, nearly.
    @inline(__always)
    private func find(_ hash: (UInt64, UInt64)) -> UnsafeMutableRawPointer {
        var index = Int(truncatingIfNeeded: hash.0.multipliedFullWidth(by: UInt64(slots)).high)
        while true {
            let slot = memory.base + index &* OffsetMap.slotBytes
            if isEmpty(slot) { return slot }
            if slot.load(as: UInt64.self) == hash.0, slot.load(fromByteOffset: 8, as: UInt64.self) == hash.1 {
                return slot
            }
            index &+= 1
            if index == slots { index = 0 }
        }
    }

    @inline(never)
    private func grow() -> Bool {
        guard slots < maxSlots else { return false }
        let old = memory
        let oldSlots = slots
        let wanted = min(slots * 2, maxSlots)
        guard let larger = SlotMemory(mapping: wanted * OffsetMap.slotBytes) else { return false }
        slots = wanted
        memory = larger
        // Both are in the order of the hashes: as the new memory fills, the old one is given back, and both together never
        // take much more than the new one will.
        for index in 0..<oldSlots {
            let slot = old.base + index * OffsetMap.slotBytes
            if !isEmpty(slot) {
                let hash = (slot.load(as: UInt64.self), slot.load(fromByteOffset: 8, as: UInt64.self))
                find(hash).copyMemory(from: slot, byteCount: OffsetMap.slotBytes)
            }
            if index & 0xFFFF == 0xFFFF { old.release(upTo: index * OffsetMap.slotBytes) }
        }
        setLimits()
        return count < growAt
    }
}

/// Memory from the system, zero at first and taken only where it is touched.
private final class SlotMemory {
    let base: UnsafeMutableRawPointer
    private let byteCount: Int
    private let isMapped: Bool
    private var released = 0
    private static let pageBytes = 4096

    private static func map(_ byteCount: Int) -> UnsafeMutableRawPointer? {
        let memory = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        return memory == MAP_FAILED ? nil : memory
    }

    /// Nil when the system has none.
    init?(mapping byteCount: Int) {
        self.byteCount = byteCount
        isMapped = true
        guard let memory = SlotMemory.map(byteCount) else { return nil }
        base = memory
        // Every look at a large map is a look at another page.
        if byteCount >= 4 << 20 { madvise(base, byteCount, MADV_HUGEPAGE) }
    }

    /// A little, from the heap if need be.
    init(_ byteCount: Int) {
        self.byteCount = byteCount
        let mapped = SlotMemory.map(byteCount)
        isMapped = mapped != nil
        base = mapped ?? UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 16)
        if !isMapped { base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount) }
    }

    deinit {
        if isMapped { munmap(base, byteCount) } else { base.deallocate() }
    }

    /// Gives the memory below `end` back, whose contents are not needed any more.
    func release(upTo end: Int) {
        let end = end & ~(SlotMemory.pageBytes - 1)
        guard isMapped, end > released else { return }
        madvise(base + released, end - released, MADV_DONTNEED)
        released = end
    }
}
