import Glibc
import Synchronization

@testable import KCore

/// A disk in memory that knows what was synced, and loses power when a test wants it. Contents of files, sizes of files
/// and names in directories are durable each for itself: ``SimulatedContents`` and ``SimulatedNames`` say what becomes
/// of what was not synced.
final class SimulatedDisk: Disk {
    struct State: Sendable {
        var files: [Int: SimulatedContents] = [:]
        var names = SimulatedNames()
        var nextFile = 1
        /// Goes up when power goes: who opened a file before must not use it any more.
        var generation = 0
        var locks: Set<String> = []
        /// Bytes by which files may still grow; nil for no limit.
        var room: Int?
        /// Operations until everything fails, as after a crash; nil for never.
        var operationsLeft: Int?
        /// Swaps of cleaned segments in front of the one from which ``operationsLeft`` is counted, and its value then.
        var failingSwap: (swapsLeft: Int, operationsLeft: Int)?
        var isDead = false
        /// The write that power failed in has left its part.
        var isTorn = false
        var operations = 0
        /// Files whose name ends so cannot be opened: the process has too many open.
        var unopenable: String?
        /// Nothing is in memory: who reads has to wait for the disk.
        var isCold = false
        /// Files whose sync fails.
        var failingSyncs = false
        /// When all files were written last.
        var modifiedMs: Int64 = 0
        var errors: [InjectedError] = []
        /// How often an error was answered after which everything can go on.
        var harmlessErrors = 0
        /// What a mistake to be found has forgotten to do after such an error.
        var forgotten: Set<String> = []
        var bug: PlantedBug?
        /// A log is being cleaned.
        var isCleaning = false
        /// Decides what a failed sync, a write at the moment of a crash, and a directory's order leave open.
        var random = Random(seed: 1)
        var trace: (@Sendable (String) -> Void)?
    }

    let state = Mutex(State())
    /// Called before every change, outside of the disk's lock: other work may come in between here.
    let interruption = Mutex<Interruption?>(nil)
    /// Called before a file is read, outside of the disk's lock, with its path.
    let readHook = Mutex<(@Sendable (String) -> Void)?>(nil)

    struct Interruption: Sendable {
        let run: @Sendable (DiskError.Operation, String) -> Void
    }

    init() {}

    func change<R: Sendable>(
        _ operation: DiskError.Operation, _ path: String, _ body: (inout State) throws(DiskError) -> R
    ) throws(DiskError) -> R {
        interruption.withLock({ $0 })?.run(operation, path)
        return try state.withLock { (state) throws(DiskError) in
            try state.count(operation, path)
            return try body(&state)
        }
    }

    // MARK: Power

    var operations: Int { state.withLock { $0.operations } }
    /// Whether the moment that ``failAfter(_:)`` named has come.
    var isDead: Bool { state.withLock { $0.isDead } }

    /// Everything fails after so many further changes.
    func failAfter(_ operations: Int?) {
        state.withLock { state in
            state.operationsLeft = operations
            state.isDead = false
            state.isTorn = false
        }
    }

    /// Power goes and comes back. Open files of before must not be used any more.
    func crash(_ random: inout Random) {
        var generator = random
        state.withLock { state in
            state.rise()
            state.names.crash(&generator)
            let reachable = state.names.reachable
            for id in state.files.keys.sorted() {
                if reachable.contains(id) { state.files[id]?.crash(&generator) } else { state.files[id] = nil }
            }
        }
        random = generator
    }

    /// The process dies: nothing is lost, locks are free.
    func restart() {
        state.withLock { state in
            state.rise()
        }
    }

    // MARK: For tests

    func contents(_ path: String) -> [UInt8]? {
        state.withLock { state in
            guard case .file(let id) = state.names.entry(path) else { return nil }
            return state.files[id]?.cached
        }
    }

    /// Writes a file as if it had always been there.
    func plant(_ path: String, _ contents: [UInt8]) {
        state.withLock { state in
            state.names.addDirectory(parentDirectory(path))
            var id = state.nextFile
            if case .file(let old) = state.names.entry(path) { id = old }
            state.nextFile = max(state.nextFile, id + 1)
            state.files[id] = SimulatedContents(durable: contents)
            _ = state.names.addFile(path, id, durably: true)
        }
    }

    /// A bit of a file tips over.
    func flip(_ path: String, bit: Int, at position: Int) {
        state.withLock { state in
            if case .file(let id) = state.names.entry(path) { state.files[id]?.flip(bit: bit, at: position) }
        }
    }

    var paths: [String] { state.withLock { $0.names.files.keys.sorted() } }
    func setRoom(_ bytes: Int?) { state.withLock { $0.room = bytes } }
    func failOpens(of suffix: String?) { state.withLock { $0.unopenable = suffix } }
    func makeCold(_ isCold: Bool) { state.withLock { $0.isCold = isCold } }
    func setModificationTime(_ ms: Int64) { state.withLock { $0.modifiedMs = ms } }
    func failSyncs(_ fail: Bool) { state.withLock { $0.failingSyncs = fail } }
    func inject(_ error: InjectedError) { state.withLock { $0.errors.append(error) } }
    func clearErrors() { state.withLock { $0.errors = [] } }
    func plant(_ bug: PlantedBug?) { state.withLock { $0.bug = bug } }

    // MARK: Disk

    func open(_ path: String, _ mode: OpenMode) throws(DiskError) -> any DiskFile {
        let (existing, generation) = try state.withLock { (state) throws(DiskError) -> (Int?, Int) in
            if let suffix = state.unopenable, path.hasSuffix(suffix) {
                throw DiskError(.open, path: path, code: EMFILE)
            }
            guard case .file(let id) = state.names.entry(path) else { return (nil, state.generation) }
            try state.fail(.open, path)
            return (id, state.generation)
        }
        if let existing { return SimulatedFile(self, existing, path, generation) }
        guard mode == .create else { throw DiskError(.open, path: path, code: ENOENT) }
        let id = try change(.open, path) { (state) throws(DiskError) in
            if state.room == 0 { throw DiskError(.open, path: path, code: ENOSPC) }
            let id = state.nextFile
            guard state.names.addFile(path, id) else { throw DiskError(.open, path: path, code: ENOENT) }
            state.nextFile += 1
            state.files[id] = SimulatedContents()
            return id
        }
        return SimulatedFile(self, id, path, generation)
    }

    func fileSize(_ path: String) throws(DiskError) -> Int64? { contents(path).map { Int64($0.count) } }
    func modificationTimeMs(_ path: String) throws(DiskError) -> Int64? {
        let modifiedMs = state.withLock { $0.modifiedMs }
        return contents(path).map { _ in modifiedMs }
    }

    func list(_ path: String) throws(DiskError) -> [DirectoryEntry] {
        try state.withLock { (state) throws(DiskError) in
            guard let id = state.names.directory(path) else { throw DiskError(.list, path: path, code: ENOENT) }
            try state.fail(.list, path)
            let entries = state.names.list(id).map { DirectoryEntry(name: $0.name, isDirectory: $0.entry.isDirectory) }
            return entries.shuffled(using: &state.random)
        }
    }

    func createDirectory(_ path: String, durable: Bool) throws(DiskError) {
        if state.withLock({ $0.names.directory(path) != nil }) { return }
        try change(.createDirectory, path) { (state) throws(DiskError) in
            state.names.addDirectory(path, durably: durable)
            if durable, let parent = state.names.directory(parentDirectory(path)) { state.names.sync(parent) }
        }
    }

    func rename(_ path: String, to target: String) throws(DiskError) {
        try change(.rename, path) { (state) throws(DiskError) in
            guard let entry = state.names.entry(path) else { throw DiskError(.rename, path: path, code: ENOENT) }
            if state.forgets(renaming: path, to: target, entry) { return }
            if state.bug == .replacesByRemoving, let replaced = state.names.entry(target) {
                state.names.remove(target, replaced)
                try state.count(.rename, path)
                if !state.names.rename(path, to: target, entry) { throw DiskError(.rename, path: path, code: EXDEV) }
                return
            }
            guard state.names.rename(path, to: target, entry) else {
                throw DiskError(.rename, path: path, code: EXDEV)
            }
        }
    }

    func remove(_ path: String) throws(DiskError) {
        try change(.remove, path) { (state) throws(DiskError) in
            guard let entry = state.names.entry(path) else { throw DiskError(.remove, path: path, code: ENOENT) }
            if state.bug?.forgetsRemoval(of: path) == true { return }
            switch entry {
            case .directory(let id):
                guard state.names.list(id).isEmpty else { throw DiskError(.remove, path: path, code: ENOTEMPTY) }
            case .file(let id):
                state.room = state.room.map { $0 + (state.files[id]?.cached.count ?? 0) }
            }
            state.names.remove(path, entry)
        }
    }

    func syncDirectory(_ path: String) throws(DiskError) {
        try change(.sync, path) { (state) throws(DiskError) in
            guard let id = state.names.directory(path) else { throw DiskError(.open, path: path, code: ENOENT) }
            // It has to be opened for that.
            try state.fail(.open, path)
            if state.bug?.forgetsSync(ofDirectory: path) == true { return }
            state.names.sync(id, late: state.bug?.lateNames)
        }
    }

    func space(_ path: String) throws(DiskError) -> (free: Int64, total: Int64) {
        (Int64(state.withLock { $0.room } ?? 1 << 40), 1 << 40)
    }

    private final class Lock: Sendable {
        let disk: SimulatedDisk
        let path: String
        let generation: Int
        init(_ disk: SimulatedDisk, _ path: String, _ generation: Int) {
            self.disk = disk
            self.path = path
            self.generation = generation
        }
        deinit {
            disk.state.withLock { if $0.generation == generation { _ = $0.locks.remove(path) } }
        }
    }

    func lock(_ path: String) throws(DiskError) -> any AnyObject & Sendable {
        let (isNew, generation) = state.withLock { ($0.locks.insert(path).inserted, $0.generation) }
        guard isNew else { throw DiskError(.lock, path: path, code: EAGAIN) }
        return Lock(self, path, generation)
    }

    func identity(_ path: String) throws(DiskError) -> FileIdentity? {
        state.withLock { state in
            switch state.names.entry(path) {
            case .directory(let id): FileIdentity(device: 0, number: UInt64(id))
            case .file(let id): FileIdentity(device: 1, number: UInt64(id))
            case nil: nil
            }
        }
    }

    func isInPlace(_ lock: any AnyObject & Sendable, _ path: String) throws(DiskError) -> Bool {
        state.withLock { $0.names.directory(parentDirectory(path)) != nil }
    }
}

extension SimulatedDisk.State {
    /// Counts a change, which fails when its time or an injected error has come.
    mutating func count(_ operation: DiskError.Operation, _ path: String) throws(DiskError) {
        operations += 1
        if isDead { throw DiskError(operation, path: path, code: EIO) }
        if operation == .rename, path.hasSuffix(".log" + SegmentFileStage.cleaned.suffix) { countSwap() }
        if let left = operationsLeft {
            if left <= 0 {
                isDead = true
                trace?("the power fails at: \(operation.rawValue) \(path)")
                throw DiskError(operation, path: path, code: EIO)
            }
            operationsLeft = left - 1
        }
        trace?("\(operation.rawValue) \(path)")
        try fail(operation, path)
    }

    private mutating func countSwap() {
        guard let failing = failingSwap else { return }
        failingSwap = failing.swapsLeft > 0 ? (failing.swapsLeft - 1, failing.operationsLeft) : nil
        if failing.swapsLeft == 0 { operationsLeft = failing.operationsLeft }
    }

    /// Everything begins anew with what is there.
    fileprivate mutating func rise() {
        operationsLeft = nil
        failingSwap = nil
        isDead = false
        isTorn = false
        errors = []
        forgotten = []
        locks = []
        generation += 1
    }
}
