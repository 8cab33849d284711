internal import Synchronization

/// A sorted file of entries of one size, which both indexes are made of. It is opened when it is looked into; new entries
/// are kept in memory until there are a few, or until ``write()``.
///
/// Whatever is in the file, lookups stay inside it: nonsense in a file gives nonsense entries, which the segment checks
/// against its log.
final class IndexFile: Sendable {
    let handle: FileHandle
    private let entrySize: Int
    private let isOptional: Bool
    private let state = Mutex(State())

    private struct State: Sendable {
        /// Entries in the file; -1 before it was opened the first time.
        var inFile = -1
        var pending: [UInt8] = []
    }

    private static let pendingLimit = 1024
    private static let blockBytes = 3072

    /// - Parameter isOptional: whether no file is the same as one without entries, and none is made before the first.
    init(_ handle: FileHandle, entrySize: Int, isOptional: Bool = false) {
        self.handle = handle
        self.entrySize = entrySize
        self.isOptional = isOptional
    }

    var path: String { handle.path }

    func count() throws(DiskError) -> Int {
        try state.withLock { (state) throws(DiskError) in
            try loadCount(&state)
            return state.inFile + state.pending.count / entrySize
        }
    }

    /// The number of entries, when it is known and one more can be added without the disk, or with a write to a file that is
    /// open; else nil. Waits for nobody.
    func countIfReady() -> Int? {
        let (count, mustWrite) =
            state.withLockIfAvailable { state -> (Int, Bool) in
                if state.inFile < 0 { return (-1, false) }
                let pending = state.pending.count
                return (state.inFile + pending / entrySize, pending + entrySize >= IndexFile.pendingLimit)
            } ?? (-1, false)
        if count < 0 || mustWrite && !handle.isOpenNow { return nil }
        return count
    }

    private func loadCount(_ state: inout State) throws(DiskError) {
        if state.inFile >= 0 { return }
        let exists = isOptional ? try handle.exists() : true
        state.inFile = exists ? Int(try handle.open(create: true).size()) / entrySize : 0
    }

    /// Adds an entry. It is the caller's part that it is larger than the last.
    /// - Parameter waits: whether it may wait for the disk; else it follows on ``countIfReady()``, with nobody who adds
    ///   in between, and entries stay in memory when the file is not open any more.
    func append(waits: Bool = true, _ write: (UnsafeMutableRawPointer) -> Void) throws(DiskError) {
        try state.withLock { (state) throws(DiskError) in
            try loadCount(&state)
            let start = state.pending.count
            state.pending.append(contentsOf: repeatElement(0, count: entrySize))
            state.pending.withUnsafeMutableBytes { bytes in
                if let base = bytes.baseAddress { write(base + start) }
            }
            guard state.pending.count >= IndexFile.pendingLimit else { return }
            // The log could still be written: what cannot be written here stays in memory and is tried again.
            do throws(DiskError) {
                try writePending(&state, waits: waits)
            } catch  where error.isHarmless || error.isWouldWait {}
        }
    }

    private func writePending(_ state: inout State, waits: Bool = true) throws(DiskError) {
        if state.pending.isEmpty { return }
        let position = Int64(state.inFile * entrySize)
        let pending = Bytes(state.pending)
        try handle.write(create: true, waits: waits) { (file) throws(DiskError) in
            try file.write(pending, at: position)
        }
        state.inFile += state.pending.count / entrySize
        state.pending = []
    }

    /// Writes what is kept in memory.
    func write() throws(DiskError) {
        try state.withLock { (state) throws(DiskError) in try writePending(&state) }
    }

    /// Writes what is kept in memory, and returns when all is on stable storage.
    func sync() throws(DiskError) {
        try write()
        if isOptional, try count() == 0 { return }
        try handle.sync(create: true)
    }

    /// Makes a file although it may have no entry, which takes the place of another one that has the same name then.
    func create() throws(DiskError) { try handle.sync(create: true) }

    /// Removes the file if it has no entry, and need not be.
    func removeIfEmpty() throws(DiskError) {
        try state.withLock { (state) throws(DiskError) in
            try loadCount(&state)
            guard isOptional, state.inFile == 0, state.pending.isEmpty, try handle.exists() else { return }
            try handle.remove()
        }
    }

    /// Keeps the first `count` entries. What the file has beyond them, half an entry included, is cut off.
    func truncate(toCount count: Int) throws(DiskError) {
        try state.withLock { (state) throws(DiskError) in
            try loadCount(&state)
            let kept = min(count, state.inFile)
            // The file first: what it has and nobody knows of would come back with the next start.
            let mayBeMissing = isOptional && kept == 0
            let isThere = mayBeMissing ? try handle.exists() : true
            if isThere {
                try handle.open(create: true).truncate(to: Int64(kept * entrySize))
            }
            if count < state.inFile {
                state.pending = []
            } else {
                state.pending.removeLast(max(0, state.pending.count - (count - state.inFile) * entrySize))
            }
            state.inFile = kept
        }
    }

    /// Entry `index`, read by `body`; nil when there is no such entry.
    func entry<T: Sendable>(_ index: Int, _ body: (UnsafeRawPointer) -> T) throws(DiskError) -> T? {
        try entries(index..<index + 1, body).first
    }

    /// The entries in `range`, as far as they are there. For a tool or a check, in portions.
    func entries<T>(_ range: Range<Int>, _ body: (UnsafeRawPointer) -> T) throws(DiskError) -> [T] {
        let (inFile, pending) = try snapshot()
        var result: [T] = []
        let stored = range.clamped(to: 0..<inFile)
        if !stored.isEmpty {
            let bytes = try handle.open(create: true).readBytes(
                at: Int64(stored.lowerBound * entrySize), count: stored.count * entrySize)
            bytes.withUnsafeBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                for index in 0..<bytes.count / entrySize { result.append(body(base + index * entrySize)) }
            }
        }
        pending.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            for index in range.clamped(to: inFile..<inFile + bytes.count / entrySize) {
                result.append(body(base + (index - inFile) * entrySize))
            }
        }
        return result
    }

    private func snapshot(waits: Bool = true) throws(DiskError) -> (Int, [UInt8]) {
        if !waits {
            // Who holds the lock may be waiting for the disk.
            guard let (inFile, pending) = state.withLockIfAvailable({ ($0.inFile, $0.pending) }), inFile >= 0 else {
                throw .wouldWait
            }
            return (inFile, pending)
        }
        return try state.withLock { (state) throws(DiskError) in
            try loadCount(&state)
            return (state.inFile, state.pending)
        }
    }

    /// The index of the last entry for which `matches` holds, and what `read` makes of it; nil when it holds for none.
    /// - Parameters:
    ///   - waits: whether it may wait for the disk; see ``DiskError/wouldWait``.
    ///   - matches: true for the first entries, then false.
    func last<T>(
        waits: Bool = true, where matches: (UnsafeRawPointer) -> Bool, _ read: (UnsafeRawPointer) -> T
    ) throws(DiskError) -> (index: Int, value: T)? {
        let (inFile, pending) = try snapshot(waits: waits)
        let found = pending.withUnsafeBytes { bytes in
            search(bytes, 0..<bytes.count / entrySize, matches).map { ($0, read($1)) }
        }
        if let (index, value) = found { return (inFile + index, value) }
        guard inFile > 0 else { return nil }
        let file = try handle.open(create: true, waits: waits)
        return try withUnsafeTemporaryAllocationTyped(byteCount: IndexFile.blockBytes) { (block) throws(DiskError) in
            // One entry at a time while the range is large, then one read for the rest.
            var range = 0..<inFile
            while range.count > IndexFile.blockBytes / entrySize {
                let middle = (range.lowerBound + range.upperBound) / 2
                let one = UnsafeMutableRawBufferPointer(rebasing: block[..<entrySize])
                guard try file.readFully(at: Int64(middle * entrySize), into: one, waits: waits) == entrySize,
                    let base = one.baseAddress
                else { return nil }
                range = matches(base) ? middle..<range.upperBound : range.lowerBound..<middle
            }
            let part = UnsafeMutableRawBufferPointer(rebasing: block[..<(range.count * entrySize)])
            let got = try file.readFully(at: Int64(range.lowerBound * entrySize), into: part, waits: waits)
            return search(UnsafeRawBufferPointer(part), 0..<got / entrySize, matches).map {
                (range.lowerBound + $0, read($1))
            }
        }
    }

    private func search(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ matches: (UnsafeRawPointer) -> Bool
    ) -> (Int, UnsafeRawPointer)? {
        guard let base = bytes.baseAddress else { return nil }
        var low = range.lowerBound
        var high = range.upperBound
        while low < high {
            let middle = (low + high) / 2
            if matches(base + middle * entrySize) { low = middle + 1 } else { high = middle }
        }
        return low > range.lowerBound ? (low - 1, base + (low - 1) * entrySize) : nil
    }

    /// Closes the file; what is kept in memory must have been written before.
    func close() { handle.close() }
}

/// `withUnsafeTemporaryAllocation` for bytes, with a typed error.
func withUnsafeTemporaryAllocationTyped<R, E: Error>(
    byteCount: Int, _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
) throws(E) -> R {
    let result = withUnsafeTemporaryAllocation(byteCount: byteCount, alignment: 16) { buffer -> Result<R, E> in
        Result { () throws(E) -> R in try body(buffer) }
    }
    return try result.get()
}
