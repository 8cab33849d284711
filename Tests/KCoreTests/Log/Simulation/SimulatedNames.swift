@testable import KCore

/// Directories and the names in them: as processes see them, as they are on the medium, and what happened in between.
struct SimulatedNames: Sendable {
    enum Entry: Hashable, Sendable {
        case file(Int)
        case directory(Int)

        var isDirectory: Bool { if case .directory = self { true } else { false } }
    }

    private enum Change: Sendable {
        case add(directory: Int, name: String, Entry)
        case remove(directory: Int, name: String, Entry)
        /// Within one directory, which is all that a log does.
        case rename(directory: Int, from: String, to: String, Entry)

        var directory: Int {
            switch self {
            case .add(let directory, _, _), .remove(let directory, _, _), .rename(let directory, _, _, _): directory
            }
        }

        func isRename(to suffix: String) -> Bool {
            if case .rename(_, _, let to, _) = self { to.hasSuffix(suffix) } else { false }
        }
    }

    typealias Tree = [Int: [String: Entry]]

    private static let root = 0
    private var current: Tree = [root: [:]]
    private var durable: Tree = [root: [:]]
    private var unsynced: [Change] = []
    /// Changes that the last sync has seen and left.
    private var seen = 0
    private var paths: [String: Int] = ["/": root, "": root]
    private var next = 1

    // MARK: Finding

    func directory(_ path: String) -> Int? { paths[path] }

    func entry(_ path: String) -> Entry? {
        if let id = paths[path] { return .directory(id) }
        guard let parent = paths[parentDirectory(path)] else { return nil }
        return current[parent]?[SimulatedNames.name(path)]
    }

    func list(_ directory: Int) -> [(name: String, entry: Entry)] {
        (current[directory] ?? [:]).map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 }
    }

    /// Every file by its path.
    var files: [String: Int] {
        var files: [String: Int] = [:]
        for (path, id) in paths where path != "" {
            for (name, entry) in current[id] ?? [:] {
                if case .file(let file) = entry { files[path == "/" ? "/" + name : path + "/" + name] = file }
            }
        }
        return files
    }

    /// Files that can still be found, now or after a crash.
    var reachable: Set<Int> {
        var found: Set<Int> = []
        for tree in [current, durable] {
            for names in tree.values {
                for case .file(let id) in names.values { found.insert(id) }
            }
        }
        for change in unsynced {
            switch change {
            case .add(_, _, .file(let id)), .remove(_, _, .file(let id)), .rename(_, _, _, .file(let id)):
                found.insert(id)
            default: break
            }
        }
        return found
    }

    static func name(_ path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return String(path[path.utf8.index(after: slash)...])
    }

    // MARK: Changing

    mutating func addFile(_ path: String, _ id: Int, durably: Bool = false) -> Bool {
        guard let parent = paths[parentDirectory(path)] else { return false }
        let name = SimulatedNames.name(path)
        current[parent]?[name] = .file(id)
        if durably {
            durable[parent]?[name] = .file(id)
        } else {
            unsynced.append(.add(directory: parent, name: name, .file(id)))
        }
        return true
    }

    /// Those above it are durable at once, as ``Disk/createDirectory(_:durable:)`` says.
    mutating func addDirectory(_ path: String, durably: Bool = true) {
        if paths[path] != nil { return }
        let above = parentDirectory(path)
        addDirectory(above)
        guard let parent = paths[above] else { return }
        let id = next
        next += 1
        let name = SimulatedNames.name(path)
        current[parent]?[name] = .directory(id)
        current[id] = [:]
        durable[id] = [:]
        if durably {
            durable[parent]?[name] = .directory(id)
        } else {
            unsynced.append(.add(directory: parent, name: name, .directory(id)))
        }
        paths[path] = id
    }

    mutating func remove(_ path: String, _ entry: Entry) {
        guard let parent = paths[parentDirectory(path)] else { return }
        let name = SimulatedNames.name(path)
        current[parent]?[name] = nil
        if entry.isDirectory { paths[path] = nil }
        unsynced.append(.remove(directory: parent, name: name, entry))
    }

    /// - Returns: false when the names are in different directories.
    mutating func rename(_ path: String, to target: String, _ entry: Entry) -> Bool {
        guard let parent = paths[parentDirectory(path)], parent == paths[parentDirectory(target)] else { return false }
        let from = SimulatedNames.name(path)
        let to = SimulatedNames.name(target)
        current[parent]?[from] = nil
        current[parent]?[to] = entry
        unsynced.append(.rename(directory: parent, from: from, to: to, entry))
        if entry.isDirectory { findPaths() }
        return true
    }

    /// Moves a directory into another one, for good.
    mutating func move(_ path: String, to parent: String) {
        guard let from = paths[parentDirectory(path)], let to = paths[parent],
            let entry = current[from]?[SimulatedNames.name(path)]
        else { return }
        for directory in [from, to] { sync(directory) }
        let name = SimulatedNames.name(path)
        current[from]?[name] = nil
        current[to]?[name] = entry
        durable[from]?[name] = nil
        durable[to]?[name] = entry
        findPaths()
    }

    /// - Parameter late: a mistake to be found: names that end so become durable one sync late, behind those of the next.
    mutating func sync(_ directory: Int, late suffix: String? = nil) {
        if unsynced.isEmpty { return }
        let removals = unsynced.indices.filter { index in
            guard let suffix else { return false }
            return unsynced[index].directory == directory && unsynced[index].isRename(to: suffix)
        }
        let hasNew = removals.contains { $0 >= seen }
        let hasOld = removals.contains { $0 < seen }
        let late = Set(removals.filter { hasNew && ($0 < seen || !hasOld) })
        var kept: [Change] = []
        for (index, change) in unsynced.enumerated() {
            if change.directory == directory && !late.contains(index) { apply(change) } else { kept.append(change) }
        }
        unsynced = kept
        seen = kept.count
    }

    private mutating func apply(_ change: Change) {
        switch change {
        case .add(let directory, let name, let entry): durable[directory]?[name] = entry
        case .remove(let directory, let name, let entry):
            if durable[directory]?[name] == entry { durable[directory]?[name] = nil }
        case .rename(let directory, let from, let to, let entry):
            if durable[directory]?[from] == entry { durable[directory]?[from] = nil }
            durable[directory]?[to] = entry
        }
    }

    // MARK: Power

    /// Power was lost: what was not synced happened or not. As a journal has it, up to some moment; or up to another moment
    /// in each directory; or each change for itself, which no file system is known to do but none promises not to.
    mutating func crash(_ random: inout SimulatedDisk.Random) {
        let style = random.int(0..<6)
        let moment = random.int(0...unsynced.count)
        var moments: [Int: Int] = [:]
        for (index, change) in unsynced.enumerated() {
            let isKept: Bool
            switch style {
            case 0: isKept = false
            case 1: isKept = true
            case 2: isKept = index < moment
            case 3:
                let limit = moments[change.directory] ?? random.int(0...unsynced.count)
                moments[change.directory] = limit
                isKept = index < limit
            default: isKept = random.oneIn(2)
            }
            if isKept { apply(change) }
        }
        unsynced = []
        seen = 0
        current = durable
        findPaths()
    }

    private mutating func findPaths() {
        paths = ["/": SimulatedNames.root, "": SimulatedNames.root]
        var queue = [(path: "", id: SimulatedNames.root)]
        while let (path, id) = queue.popLast() {
            for (name, entry) in current[id] ?? [:] {
                guard case .directory(let child) = entry else { continue }
                paths[path + "/" + name] = child
                queue.append((path + "/" + name, child))
            }
        }
    }
}
