internal import Glibc
internal import Synchronization

/// Keeps the number of open files bounded: files are opened when they are used, and when there are too many, one that
/// was not used lately is let go. Whoever is reading from it keeps it open until done.
///
/// What was written to a file that is let go must be on stable storage before: an error of a disk that takes its time is
/// told to those who have the file open, and may be told to nobody else. So files that wait for an fsync go last.
final class OpenFiles: Sendable {
    let disk: any Disk
    private let limit: Int
    private let background: LogEnvironment.Run
    private let state = Mutex(State())
    /// Files that are on their way to stable storage, to be let go.
    private static let mostLeaving = 64

    private struct State {
        var handles: [FileHandle] = []
        var hand = 0
        var leaving = 0
    }

    /// - Parameters:
    ///   - limit: open files, at least 8; twice as many as long as none of them can be let go at once.
    ///   - background: runs fsyncs.
    init(disk: any Disk, limit: Int, background: @escaping LogEnvironment.Run = { $0() }) {
        self.disk = disk
        self.limit = max(limit, 8)
        self.background = background
    }

    /// Files that are open, not counting those that only readers in flight hold.
    var count: Int { state.withLock { $0.handles.count } }

    fileprivate func opened(_ handle: FileHandle) {
        let victims = state.withLock { state -> [FileHandle] in
            guard handle.slot.load(ordering: .relaxed) < 0 else { return [] }
            handle.slot.store(state.handles.count, ordering: .relaxed)
            state.handles.append(handle)
            var victims: [FileHandle] = []
            // Two for one, so that what is too much goes down again.
            while state.handles.count > limit, victims.count < 2 {
                // There may be more for a while, or who appends or reads would wait for the fsync of another file.
                let takesUnsynced = state.leaving < OpenFiles.mostLeaving || state.handles.count > 2 * limit
                guard let victim = OpenFiles.evict(&state, except: handle, takesUnsynced: takesUnsynced) else { break }
                victims.append(victim)
            }
            return victims
        }
        for victim in victims where !victim.letGoIfClean() { syncAndLetGo(victim) }
    }

    private func syncAndLetGo(_ handle: FileHandle) {
        let mayLeave = state.withLock { state in
            if state.leaving >= OpenFiles.mostLeaving { return false }
            state.leaving += 1
            return true
        }
        guard mayLeave else { return leave(handle) }
        background { [self] in
            leave(handle)
            state.withLock { $0.leaving -= 1 }
        }
    }

    private func leave(_ handle: FileHandle) {
        handle.syncForOthers()
        // When it has been written to meanwhile it is one of the open files again.
        if !handle.letGoIfClean() { opened(handle) }
    }

    fileprivate func closed(_ handle: FileHandle) {
        state.withLock { OpenFiles.remove(handle, from: &$0) }
    }

    // The clock algorithm: a file that was used since the hand last passed is spared once, one that waits for an fsync
    // until there is no other.
    private static func evict(
        _ state: inout State, except kept: FileHandle, takesUnsynced: Bool
    ) -> FileHandle? {
        var unsynced: FileHandle?
        for _ in 0..<(2 * state.handles.count) {
            state.hand = (state.hand + 1) % state.handles.count
            let candidate = state.handles[state.hand]
            if candidate === kept || candidate.wasUsed.exchange(false, ordering: .relaxed) { continue }
            if candidate.isUnsynced {
                unsynced = unsynced ?? candidate
                continue
            }
            remove(candidate, from: &state)
            return candidate
        }
        guard takesUnsynced, let unsynced else { return nil }
        remove(unsynced, from: &state)
        return unsynced
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
    /// Something was written that nobody has waited for to be on stable storage.
    private let isDirty = Atomic<Bool>(false)
    /// Threads that are writing.
    private let writers = Atomic<Int>(0)

    private struct State: Sendable {
        var file: (any DiskFile)?
        var stage: SegmentFileStage
        /// What became of an fsync that its own writers did not ask for. They are told, whatever they do next.
        var failure: DiskError?
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
            if let failure = state.failure { throw failure }
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
        guard let file = state.withLockIfAvailable({ $0.file }) ?? nil else { throw .wouldWait }
        wasUsed.store(true, ordering: .relaxed)
        return file
    }

    // The file when it is open, and all that was written before went well as far as anybody knows.
    private func openToWrite() throws(DiskError) -> any DiskFile {
        let file = state.withLockIfAvailable { $0.failure == nil ? $0.file : nil } ?? nil
        guard let file else { throw .wouldWait }
        wasUsed.store(true, ordering: .relaxed)
        return file
    }

    /// Whether something could be written without waiting for anybody but who writes.
    var isOpenNow: Bool { state.withLockIfAvailable { $0.file != nil && $0.failure == nil } ?? false }

    /// Has `body` write to the open file, which is not closed to make room before all of it is on stable storage.
    /// - Parameter waits: whether it may be opened; see ``DiskError/wouldWait``.
    func write(
        create: Bool = false, waits: Bool = true, _ body: (any DiskFile) throws(DiskError) -> Void
    ) throws(DiskError) {
        writers.add(1, ordering: .acquiringAndReleasing)
        defer { writers.subtract(1, ordering: .acquiringAndReleasing) }
        let file = try waits ? open(create: create) : openToWrite()
        defer { isDirty.store(true, ordering: .releasing) }
        try body(file)
    }

    /// Returns when everything written is on stable storage.
    /// - Parameter create: whether the file may be created when it does not exist.
    func sync(create: Bool = false) throws(DiskError) {
        let file = try open(create: create)
        // What is written from here on may come too late.
        isDirty.store(false, ordering: .releasing)
        try file.sync()
    }

    fileprivate var isUnsynced: Bool {
        isDirty.load(ordering: .acquiring) || writers.load(ordering: .acquiring) > 0
    }

    fileprivate func syncForOthers() {
        guard let file = current else { return }
        isDirty.store(false, ordering: .releasing)
        do throws(DiskError) {
            try file.sync()
        } catch {
            state.withLock { $0.failure = error }
        }
    }

    /// Closes the file and removes it.
    func remove() throws(DiskError) {
        try state.withLock { (state) throws(DiskError) in
            state.file = nil
            try folder.disk.remove(path(state.stage))
        }
        folder.files.closed(self)
    }

    /// Closes the file, as soon as no reader holds it. It opens again when it is used again.
    func close() {
        state.withLock { $0.file = nil }
        folder.files.closed(self)
    }

    /// Closes the file, unless it waits for an fsync.
    fileprivate func letGoIfClean() -> Bool {
        state.withLock { state in
            // Who begins to write from here on opens it again.
            if state.file != nil && isUnsynced { return false }
            state.file = nil
            return true
        }
    }
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
