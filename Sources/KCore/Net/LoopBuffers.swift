internal import CKernel
internal import Glibc

/// Memory that all connections of a loop share, because only one of them reads or writes at a time. So a connection that
/// is idle has no buffer at all.
final class LoopBuffers {
    /// Where reads land first.
    let scratch: UnsafeMutableRawBufferPointer
    static let scratchBytes = 64 * 1024
    /// The pieces of one gathered write.
    let pieces: UnsafeMutablePointer<iovec>
    static let maxPieces = 64
    // Unchecked as in ``Connection``: the pool calls nobody.
    @exclusivity(unchecked) var storages = StoragePool()

    init() {
        scratch = .allocate(byteCount: LoopBuffers.scratchBytes, alignment: 4096)
        pieces = .allocate(capacity: LoopBuffers.maxPieces)
    }

    deinit {
        scratch.deallocate()
        pieces.deallocate()
    }
}

/// Storages of large frames, used again once nobody refers to them: memory that is new to the process has to be paged in,
/// which costs more than reading into it.
///
/// The pool only keeps references. A storage is free when the pool's reference is the only one; who drops the last other
/// reference, on whatever thread, need not know of the pool.
struct StoragePool {
    private struct Entry {
        var storage: ByteStorage
        var lastUsedMs: Int64
    }

    private var entries: [Entry] = []
    private var bytes = 0
    private var victim = 0
    private var nowMs: Int64 = 0

    static let minStorageBytes = 64 * 1024
    static let maxStorageBytes = 4 * 1024 * 1024
    static let maxBytes = 16 * 1024 * 1024
    static let maxEntries = 32
    static let unusedMs: Int64 = 30_000

    /// Bytes the pool refers to, in use or free.
    var heldBytes: Int { bytes }

    /// A free storage of at least `capacity` bytes, but not of much more.
    mutating func take(atLeast capacity: Int) -> ByteStorage? {
        guard capacity >= StoragePool.minStorageBytes, capacity <= StoragePool.maxStorageBytes else { return nil }
        for index in entries.indices {
            let size = entries[index].storage.capacity
            if size >= capacity, size <= capacity * 4, isKnownUniquelyReferenced(&entries[index].storage) {
                entries[index].lastUsedMs = nowMs
                return entries[index].storage
            }
        }
        return nil
    }

    /// A new storage with room for `capacity` bytes that ``take(atLeast:)`` will find when it is free again.
    mutating func make(_ capacity: Int) -> ByteStorage {
        guard capacity >= StoragePool.minStorageBytes, capacity <= StoragePool.maxStorageBytes else {
            return ByteStorage(capacity: capacity)
        }
        // Rounded up, for the next frame is hardly ever of the very same size. Pages that are not reached cost nothing.
        let rounding = max(StoragePool.minStorageBytes, capacity / 8)
        let storage = ByteStorage(capacity: capacity + rounding)
        while !entries.isEmpty,
            entries.count >= StoragePool.maxEntries || bytes + storage.capacity > StoragePool.maxBytes
        {
            // Whichever it is: one in use is lost to the pool, not to its user.
            victim = (victim + 1) % entries.count
            bytes -= entries[victim].storage.capacity
            entries.remove(at: victim)
        }
        entries.append(Entry(storage: storage, lastUsedMs: nowMs))
        bytes += storage.capacity
        return storage
    }

    /// Gives back memory that was not used for a while.
    mutating func trim(nowMs: Int64) {
        self.nowMs = nowMs
        entries.removeAll { nowMs - $0.lastUsedMs >= StoragePool.unusedMs }
        bytes = entries.reduce(0) { $0 + $1.storage.capacity }
    }
}
