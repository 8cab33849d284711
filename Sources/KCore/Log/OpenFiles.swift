internal import Glibc
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
    private let state: Mutex<State>
    fileprivate let slot = Atomic<Int>(-1)
    fileprivate let wasUsed = Atomic<Bool>(false)

    private struct State: Sendable {
        var file: (any DiskFile)?
        var stage: SegmentFileStage
    }

    init(
        _ folder: PartitionFolder, baseOffset: Int64, kind: SegmentFileKind, stage: SegmentFileStage = .regular
    ) {
        self.folder = folder
        self.baseOffset = baseOffset
        self.kind = kind
        state = Mutex(State(stage: stage))
    }

    var path: String { path(state.withLock { $0.stage }) }

    private func path(_ stage: SegmentFileStage) -> String {
        folder.path + "/" + kind.fileName(baseOffset: baseOffset) + stage.suffix
    }

    // Its name can belong to another file by now.
    private func missing() -> DiskError { DiskError(.open, path: path(.deleted), code: ENOENT) }

    /// Whether there is such a file.
    func exists() throws(DiskError) -> Bool {
        try state.withLock { (state) throws(DiskError) in
            if state.stage == .deleted { throw missing() }
            if state.file != nil { return true }
            return try folder.disk.fileSize(path(state.stage)) != nil
        }
    }

    /// The open file.
    /// - Parameter create: whether it may be created when it does not exist.
    func open(create: Bool = false) throws(DiskError) -> any DiskFile {
        wasUsed.store(true, ordering: .relaxed)
        let (file, isNew) = try state.withLock { (state) throws(DiskError) -> (any DiskFile, Bool) in
            if state.stage == .deleted { throw missing() }
            if let file = state.file { return (file, false) }
            let opened = try folder.files.disk.open(path(state.stage), create ? .create : .update)
            state.file = opened
            return (opened, true)
        }
        if isNew { folder.files.opened(self) }
        return file
    }

    /// The file when it is open now.
    var current: (any DiskFile)? { state.withLock { $0.file } }

    /// Gives the file another name; who opens it meanwhile opens the right one. Once it is ``SegmentFileStage/deleted``
    /// only those have it who had opened it before.
    /// - Returns: false when there is no file.
    func rename(to stage: SegmentFileStage) throws(DiskError) -> Bool {
        let exists = try state.withLock { (state) throws(DiskError) -> Bool in
            let old = state.stage
            state.stage = stage
            if stage == .deleted { state.file = nil }
            do throws(DiskError) {
                try folder.disk.rename(path(old), to: path(stage))
            } catch  where error.isMissing {
                return false
            } catch {
                state.stage = old
                throw error
            }
            return true
        }
        if stage == .deleted { folder.files.closed(self) }
        return exists
    }

    /// The file as ``open(create:)`` gives it; unless `waits`, only when it is open already, since finding a file can
    /// take as long as reading it.
    func open(create: Bool = false, waits: Bool) throws(DiskError) -> any DiskFile {
        if waits { return try open(create: create) }
        // Who holds the lock may be opening the file right now.
        guard let file = state.withLockIfAvailable({ $0.file }) ?? nil else { throw .wouldWait(path) }
        wasUsed.store(true, ordering: .relaxed)
        return file
    }

    /// Closes the file, as soon as no reader holds it. It opens again when it is used again.
    func close() {
        letGo()
        folder.files.closed(self)
    }

    fileprivate func letGo() { state.withLock { $0.file = nil } }
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
