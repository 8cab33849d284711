import Glibc
import Synchronization

@testable import KCore

/// A disk in memory that knows what was synced, and loses power when a test wants it: then every write that was not synced
/// is lost, kept or torn, and every name that was not synced may be the old one, as a random number says.
final class SimulatedDisk: Disk {
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
    }

    enum Change: Sendable {
        case write(Int, [UInt8])
        case truncate(Int)
    }

    struct Node: Sendable {
        var contents: [UInt8] = []
        var durable: [UInt8] = []
        var unsynced: [Change] = []
    }

    struct State: Sendable {
        var nodes: [Int: Node] = [:]
        var nextNode = 1
        var files: [String: Int] = [:]
        var durableFiles: [String: Int] = [:]
        var directories: Set<String> = ["", "/"]
        var locks: Set<String> = []
        /// Bytes that may still be written; nil for no limit.
        var room: Int?
        /// Operations until everything fails, as after a crash; nil for never.
        var operationsLeft: Int?
        var operations = 0
        /// Files whose name ends so cannot be opened: the process has too many open.
        var unopenable: String?
        /// Files whose sync fails.
        var failingSyncs = false
    }

    let state = Mutex(State())
    static let sector = 512

    init() {}

    fileprivate func change<R: Sendable>(
        _ operation: DiskError.Operation, _ path: String, _ body: (inout State) throws(DiskError) -> R
    ) throws(DiskError) -> R {
        try state.withLock { (state) throws(DiskError) in
            state.operations += 1
            if let left = state.operationsLeft {
                if left <= 0 { throw DiskError(operation, path: path, code: EIO) }
                state.operationsLeft = left - 1
            }
            return try body(&state)
        }
    }

    // MARK: Power

    var operations: Int { state.withLock { $0.operations } }

    /// Everything fails after so many further changes.
    func failAfter(_ operations: Int?) { state.withLock { $0.operationsLeft = operations } }

    /// Power goes and comes back. Open files of before must not be used any more.
    func crash(_ random: inout Random) {
        var generator = random
        state.withLock { state in
            state.operationsLeft = nil
            state.locks = []
            for path in Set(state.files.keys).union(state.durableFiles.keys).sorted() {
                let isKept = state.files[path] == state.durableFiles[path] || Bool.random(using: &generator)
                let node = isKept ? state.files[path] : state.durableFiles[path]
                state.files[path] = node
                state.durableFiles[path] = node
            }
            for id in state.nodes.keys.sorted() {
                guard var node = state.nodes[id] else { continue }
                node.contents = SimulatedDisk.survivors(node, &generator)
                node.durable = node.contents
                node.unsynced = []
                state.nodes[id] = node
            }
        }
        random = generator
    }

    /// The process dies: nothing is lost, locks are free.
    func restart() {
        state.withLock { state in
            state.operationsLeft = nil
            state.locks = []
        }
    }

    private static func survivors(_ node: Node, _ random: inout Random) -> [UInt8] {
        var contents = node.durable
        for change in node.unsynced {
            switch (change, Int.random(in: 0..<3, using: &random)) {
            case (_, 0): continue
            case (.truncate(let size), _): resize(&contents, size)
            case (.write(let position, let bytes), 1): put(&contents, position, bytes[...])
            case (.write(let position, let bytes), _):
                // Torn at a sector's border.
                let end = position + Int.random(in: 0...bytes.count, using: &random)
                let border = end / sector * sector
                if border > position { put(&contents, position, bytes[..<(border - position)]) }
            }
        }
        return contents
    }

    fileprivate static func resize(_ contents: inout [UInt8], _ size: Int) {
        if size < contents.count {
            contents.removeLast(contents.count - size)
        } else {
            contents.append(contentsOf: repeatElement(0, count: size - contents.count))
        }
    }

    fileprivate static func put(_ contents: inout [UInt8], _ position: Int, _ bytes: ArraySlice<UInt8>) {
        if contents.count < position + bytes.count { resize(&contents, position + bytes.count) }
        contents.replaceSubrange(position..<position + bytes.count, with: bytes)
    }

    // MARK: For tests

    func contents(_ path: String) -> [UInt8]? {
        state.withLock { state in state.files[path].flatMap { state.nodes[$0]?.contents } }
    }

    /// Writes a file as if it had always been there.
    func plant(_ path: String, _ contents: [UInt8]) {
        state.withLock { state in
            let id = state.files[path] ?? state.nextNode
            state.nextNode = max(state.nextNode, id + 1)
            state.nodes[id] = Node(contents: contents, durable: contents)
            state.files[path] = id
            state.durableFiles[path] = id
            var parent = parentDirectory(path)
            while parent.count > 1 {
                state.directories.insert(parent)
                parent = parentDirectory(parent)
            }
        }
    }

    var paths: [String] { state.withLock { $0.files.keys.sorted() } }
    func setRoom(_ bytes: Int?) { state.withLock { $0.room = bytes } }
    func failOpens(of suffix: String?) { state.withLock { $0.unopenable = suffix } }
    func failSyncs(_ fail: Bool) { state.withLock { $0.failingSyncs = fail } }

    // MARK: Disk

    func open(_ path: String, _ mode: OpenMode) throws(DiskError) -> any DiskFile {
        if let suffix = state.withLock({ $0.unopenable }), path.hasSuffix(suffix) {
            throw DiskError(.open, path: path, code: EMFILE)
        }
        let existing = state.withLock { $0.files[path] }
        if let existing { return SimulatedFile(self, existing, path) }
        guard mode == .create else { throw DiskError(.open, path: path, code: ENOENT) }
        let id = try change(.open, path) { (state) throws(DiskError) in
            guard state.directories.contains(parentDirectory(path)) else {
                throw DiskError(.open, path: path, code: ENOENT)
            }
            let id = state.nextNode
            state.nextNode += 1
            state.nodes[id] = Node()
            state.files[path] = id
            return id
        }
        return SimulatedFile(self, id, path)
    }

    func fileSize(_ path: String) throws(DiskError) -> Int64? { contents(path).map { Int64($0.count) } }
    func modificationTimeMs(_ path: String) throws(DiskError) -> Int64? { contents(path).map { _ in 0 } }

    func list(_ path: String) throws(DiskError) -> [DirectoryEntry] {
        try state.withLock { (state) throws(DiskError) in
            guard state.directories.contains(path) else { throw DiskError(.list, path: path, code: ENOENT) }
            let files = state.files.keys.filter { parentDirectory($0) == path }
            let directories = state.directories.filter { parentDirectory($0) == path && $0 != path && $0.count > 1 }
            let name = { (full: String) in String(full.dropFirst(path.count + 1)) }
            return files.sorted().map { DirectoryEntry(name: name($0), isDirectory: false) }
                + directories.sorted().map { DirectoryEntry(name: name($0), isDirectory: true) }
        }
    }

    // Directories are durable at once: the log makes few, and syncs each.
    func createDirectory(_ path: String) throws(DiskError) {
        try change(.createDirectory, path) { (state) throws(DiskError) in
            var path = path
            while path.count > 1 {
                state.directories.insert(path)
                path = parentDirectory(path)
            }
        }
    }

    func rename(_ path: String, to target: String) throws(DiskError) {
        try change(.rename, path) { (state) throws(DiskError) in
            if let id = state.files.removeValue(forKey: path) {
                state.files[target] = id
            } else if state.directories.contains(path) {
                let moved = { (name: String) in
                    name == path || name.hasPrefix(path + "/") ? target + name.dropFirst(path.count) : name
                }
                state.files = Dictionary(uniqueKeysWithValues: state.files.map { (moved($0), $1) })
                state.durableFiles = Dictionary(uniqueKeysWithValues: state.durableFiles.map { (moved($0), $1) })
                state.directories = Set(state.directories.map(moved))
            } else {
                throw DiskError(.rename, path: path, code: ENOENT)
            }
        }
    }

    func remove(_ path: String) throws(DiskError) {
        try change(.remove, path) { (state) throws(DiskError) in
            if state.files.removeValue(forKey: path) != nil { return }
            guard state.directories.contains(path) else { throw DiskError(.remove, path: path, code: ENOENT) }
            let isEmpty = !state.files.keys.contains { $0.hasPrefix(path + "/") }
            guard isEmpty else { throw DiskError(.remove, path: path, code: ENOTEMPTY) }
            state.directories.remove(path)
        }
    }

    func syncDirectory(_ path: String) throws(DiskError) {
        try change(.sync, path) { (state) throws(DiskError) in
            for name in Set(state.files.keys).union(state.durableFiles.keys) where parentDirectory(name) == path {
                state.durableFiles[name] = state.files[name]
            }
        }
    }

    func space(_ path: String) throws(DiskError) -> (free: Int64, total: Int64) { (1 << 40, 1 << 40) }

    private final class Lock: Sendable {
        let disk: SimulatedDisk
        let path: String
        init(_ disk: SimulatedDisk, _ path: String) {
            self.disk = disk
            self.path = path
        }
        deinit { disk.state.withLock { _ = $0.locks.remove(path) } }
    }

    func lock(_ path: String) throws(DiskError) -> any AnyObject & Sendable {
        let isNew = state.withLock { $0.locks.insert(path).inserted }
        guard isNew else { throw DiskError(.lock, path: path, code: EAGAIN) }
        return Lock(self, path)
    }
}

final class SimulatedFile: DiskFile {
    private let disk: SimulatedDisk
    private let id: Int
    let path: String

    init(_ disk: SimulatedDisk, _ id: Int, _ path: String) {
        self.disk = disk
        self.id = id
        self.path = path
    }

    var descriptor: Int32? { nil }

    private func node<R: Sendable>(_ body: (inout SimulatedDisk.Node) -> R, _ state: inout SimulatedDisk.State) -> R {
        var node = state.nodes.removeValue(forKey: id) ?? SimulatedDisk.Node()
        defer { state.nodes[id] = node }
        return body(&node)
    }

    func size() throws(DiskError) -> Int64 {
        disk.state.withLock { Int64($0.nodes[id]?.contents.count ?? 0) }
    }

    func read(at position: Int64, into target: UnsafeMutableRawBufferPointer) -> Int {
        disk.state.withLock { state in
            guard let contents = state.nodes[id]?.contents, position < contents.count else { return 0 }
            let part = contents[Int(position)..<min(contents.count, Int(position) + target.count)]
            target.copyBytes(from: part)
            return part.count
        }
    }

    func write(_ source: UnsafeRawBufferPointer, at position: Int64) throws(DiskError) {
        let bytes = [UInt8](source)
        try disk.change(.write, path) { (state) throws(DiskError) in
            let fitting = min(bytes.count, state.room ?? bytes.count)
            node(
                { node in
                    SimulatedDisk.put(&node.contents, Int(position), bytes[..<fitting])
                    node.unsynced.append(.write(Int(position), Array(bytes[..<fitting])))
                }, &state)
            state.room = state.room.map { $0 - fitting }
            if fitting < bytes.count { throw DiskError(.write, path: path, code: ENOSPC) }
        }
    }

    func sync() throws(DiskError) {
        try disk.change(.sync, path) { (state) throws(DiskError) in
            if state.failingSyncs { throw DiskError(.sync, path: path, code: EIO) }
            node(
                { node in
                    node.durable = node.contents
                    node.unsynced = []
                }, &state)
        }
    }

    func truncate(to size: Int64) throws(DiskError) {
        try disk.change(.truncate, path) { (state) throws(DiskError) in
            node(
                { node in
                    if node.contents.count == Int(size) { return }
                    SimulatedDisk.resize(&node.contents, Int(size))
                    node.unsynced.append(.truncate(Int(size)))
                }, &state)
        }
    }

    func preallocate(to size: Int64) throws(DiskError) {}
}
