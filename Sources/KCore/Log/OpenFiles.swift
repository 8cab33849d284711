internal import Synchronization

/// Keeps the number of open files bounded: files are opened when they are used, and when there are too many, one that
/// was not used lately is let go. Whoever is reading from it keeps it open until done.
final class OpenFiles: Sendable {
    let disk: any Disk
    private let limit: Int
    private let state = Mutex(State())

    private struct State {
        var handles: [FileHandle] = []
        var hand = 0
    }

    /// - Parameter limit: open files, at least 8.
    init(disk: any Disk, limit: Int) {
        self.disk = disk
        self.limit = max(limit, 8)
    }

    /// Files that are open, not counting those that only readers in flight hold.
    var count: Int { state.withLock { $0.handles.count } }

    fileprivate func opened(_ handle: FileHandle) {
        let victim = state.withLock { state -> FileHandle? in
            guard handle.slot.load(ordering: .relaxed) < 0 else { return nil }
            handle.slot.store(state.handles.count, ordering: .relaxed)
            state.handles.append(handle)
            return state.handles.count > limit ? OpenFiles.evict(&state, except: handle) : nil
        }
        victim?.letGo()
    }

    fileprivate func closed(_ handle: FileHandle) {
        state.withLock { OpenFiles.remove(handle, from: &$0) }
    }

    // The clock algorithm: a file that was used since the hand last passed is spared once.
    private static func evict(_ state: inout State, except kept: FileHandle) -> FileHandle? {
        for _ in 0..<(2 * state.handles.count) {
            state.hand = (state.hand + 1) % state.handles.count
            let candidate = state.handles[state.hand]
            if candidate === kept || candidate.wasUsed.exchange(false, ordering: .relaxed) { continue }
            remove(candidate, from: &state)
            return candidate
        }
        return nil
    }

    private static func remove(_ handle: FileHandle, from state: inout State) {
        let slot = handle.slot.exchange(-1, ordering: .relaxed)
        guard slot >= 0, slot < state.handles.count, let last = state.handles.popLast(), last !== handle else { return }
        state.handles[slot] = last
        last.slot.store(slot, ordering: .relaxed)
    }
}

/// A file of a segment that is opened when it is used.
final class FileHandle: Sendable {
    private let folder: PartitionFolder
    private let baseOffset: Int64
    private let kind: SegmentFileKind
    private let file = Mutex<(any DiskFile)?>(nil)
    fileprivate let slot = Atomic<Int>(-1)
    fileprivate let wasUsed = Atomic<Bool>(false)

    init(_ folder: PartitionFolder, baseOffset: Int64, kind: SegmentFileKind) {
        self.folder = folder
        self.baseOffset = baseOffset
        self.kind = kind
    }

    var path: String { folder.path + "/" + kind.fileName(baseOffset: baseOffset) }

    /// Whether there is such a file.
    func exists() throws(DiskError) -> Bool {
        if current != nil { return true }
        return try folder.disk.fileSize(path) != nil
    }

    /// The open file.
    /// - Parameter create: whether it may be created when it does not exist.
    func open(create: Bool = false) throws(DiskError) -> any DiskFile {
        wasUsed.store(true, ordering: .relaxed)
        let (file, isNew) = try file.withLock { (file) throws(DiskError) -> (any DiskFile, Bool) in
            if let file { return (file, false) }
            let opened = try folder.files.disk.open(path, create ? .create : .update)
            file = opened
            return (opened, true)
        }
        if isNew { folder.files.opened(self) }
        return file
    }

    /// The file when it is open now.
    var current: (any DiskFile)? { file.withLock { $0 } }

    /// The file as ``open(create:)`` gives it; unless `waits`, only when it is open already, since finding a file can
    /// take as long as reading it.
    func open(create: Bool = false, waits: Bool) throws(DiskError) -> any DiskFile {
        if waits { return try open(create: create) }
        // Who holds the lock may be opening the file right now.
        guard let file = file.withLockIfAvailable({ $0 }) ?? nil else { throw .wouldWait(path) }
        wasUsed.store(true, ordering: .relaxed)
        return file
    }

    /// Closes the file, as soon as no reader holds it. It opens again when it is used again.
    func close() {
        letGo()
        folder.files.closed(self)
    }

    fileprivate func letGo() { file.withLock { $0 = nil } }
}

/// The directory of one partition. It is renamed when the partition is deleted.
final class PartitionFolder: Sendable {
    let files: OpenFiles
    private let location: Mutex<String>

    init(path: String, files: OpenFiles) {
        self.files = files
        location = Mutex(path)
    }

    var disk: any Disk { files.disk }
    var path: String { location.withLock { $0 } }

    /// Gives the directory another name, in the same parent.
    func rename(to name: String) throws(DiskError) {
        try location.withLock { (path) throws(DiskError) in
            let target = parentDirectory(path) + "/" + name
            try disk.rename(path, to: target)
            path = target
        }
    }

    func sync() throws(DiskError) { try disk.syncDirectory(path) }
}
