/// An open file of a ``Disk``. Closed when the last reference goes, so that a reader in flight keeps what it reads.
public protocol DiskFile: RegionSource {
    /// Where it was opened, for messages.
    var path: String { get }
    /// As ``RegionSource/read(at:into:)``, but never waits for the disk.
    /// - Returns: bytes read, fewer where what is in memory ends; `-EAGAIN` when there is nothing in memory.
    func readCached(at position: Int64, into target: UnsafeMutableRawBufferPointer) -> Int
    /// Bytes from the start to the end.
    func size() throws(DiskError) -> Int64
    /// Writes all of `source` at `position`, past the end as well. On an error a part of it may have been written.
    func write(_ source: UnsafeRawBufferPointer, at position: Int64) throws(DiskError)
    /// Returns when everything written is on stable storage.
    func sync() throws(DiskError)
    /// Begins to write out a part of what was written, without a promise; may wait for a slow disk to take it.
    func startWriteback(at position: Int64, count: Int64) throws(DiskError)
    /// Has what is read from now on come from the disk, but for what was written and is not there yet.
    ///
    /// After a write that the disk refused, Linux goes on to show the bytes that are not there, to other processes as well, and
    /// takes them for written: the next ``sync()`` succeeds. Who must know what is there, drops them.
    func dropCache()
    func truncate(to size: Int64) throws(DiskError)
    /// Reserves room up to `size` bytes without changing the file's size. A disk that cannot does nothing.
    func preallocate(to size: Int64) throws(DiskError)
    /// Gives back the room that is reserved behind the file's end, at `size`. Changes nothing where there is none.
    func releaseReserved(behind size: Int64) throws(DiskError)
}

/// A name in a directory.
public struct DirectoryEntry: Hashable, Sendable {
    public var name: String
    public var isDirectory: Bool

    public init(name: String, isDirectory: Bool) {
        self.name = name
        self.isDirectory = isDirectory
    }
}

/// A file or directory, by the numbers of its file system and itself there.
public struct FileIdentity: Hashable, Sendable {
    var device: UInt64
    var number: UInt64
}

public enum OpenMode: Sendable {
    case read
    /// Fails when the file does not exist.
    case update
    /// Creates the file when it does not exist.
    case create
}

/// Files and directories, handed in: the machine's, or a simulated one that loses power when a test wants it.
///
/// Creating files, renaming and removing names is durable only after ``syncDirectory(_:)`` of the directory they are in.
public protocol Disk: Sendable {
    func open(_ path: String, _ mode: OpenMode) throws(DiskError) -> any DiskFile
    /// Bytes in the file; nil when there is none.
    func fileSize(_ path: String) throws(DiskError) -> Int64?
    /// Milliseconds since 1970 of the file's last change; nil when there is none.
    func modificationTimeMs(_ path: String) throws(DiskError) -> Int64?
    /// Sets the time of the file's last change, milliseconds since 1970. A disk that keeps none does nothing.
    func setModificationTime(_ path: String, ms: Int64) throws(DiskError)
    /// Everything in the directory but `.` and `..`, in no particular order.
    func list(_ path: String) throws(DiskError) -> [DirectoryEntry]
    /// Creates the directory and those above it; one that exists is fine.
    /// - Parameter durable: whether it must be on stable storage when this returns, and not only after
    ///   ``syncDirectory(_:)`` of the one above. Those above it always are.
    func createDirectory(_ path: String, durable: Bool) throws(DiskError)
    /// Replaces `target` when it is a file.
    func rename(_ path: String, to target: String) throws(DiskError)
    /// Removes a file or an empty directory.
    func remove(_ path: String) throws(DiskError)
    func syncDirectory(_ path: String) throws(DiskError)
    /// Bytes that can still be written, and bytes in all, of the file system that holds `path`.
    func space(_ path: String) throws(DiskError) -> (free: Int64, total: Int64)
    /// Creates the file and locks it against every other process (Kafka's `.lock` included) until the returned object
    /// goes. Throws ``DiskError/isTaken`` when somebody has it.
    func lock(_ path: String) throws(DiskError) -> any AnyObject & Sendable
    /// What tells the file or directory at `path` from every other one, whatever its name; nil when there is none.
    func identity(_ path: String) throws(DiskError) -> FileIdentity?
    /// Whether the file at `path` is the one that was locked: neither it nor a directory above it has gone, or been replaced.
    func isInPlace(_ lock: any AnyObject & Sendable, _ path: String) throws(DiskError) -> Bool
}

extension DiskFile {
    /// A disk that keeps nothing in memory does nothing.
    public func dropCache() {}

    /// A disk that reserves none does nothing.
    public func releaseReserved(behind size: Int64) throws(DiskError) {}

    /// A disk that cannot does nothing.
    public func startWriteback(at position: Int64, count: Int64) throws(DiskError) {}

    /// For a disk that never lets anybody wait.
    public func readCached(at position: Int64, into target: UnsafeMutableRawBufferPointer) -> Int {
        read(at: position, into: target)
    }

    /// Reads until `target` is full or the file ends.
    /// - Parameter waits: whether it may wait for the disk; if not, and it would have to, it throws
    ///   ``DiskError/wouldWait``.
    /// - Returns: bytes read.
    func readFully(
        at position: Int64, into target: UnsafeMutableRawBufferPointer, waits: Bool = true
    ) throws(DiskError) -> Int {
        var done = 0
        while done < target.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: target[done...])
            let place = position + Int64(done)
            let got = waits ? read(at: place, into: rest) : readCached(at: place, into: rest)
            if got < 0 { throw DiskError(.read, path: path, code: Int32(-got)) }
            if got == 0 { break }
            done += got
        }
        return done
    }

    /// Reads `count` bytes, fewer only at the end of the file.
    func readBytes(at position: Int64, count: Int) throws(DiskError) -> Bytes {
        if count == 0 { return Bytes() }
        let storage = ByteStorage(capacity: count)
        let target = UnsafeMutableRawBufferPointer(start: storage.base, count: count)
        return Bytes(storage: storage, count: try readFully(at: position, into: target))
    }

    func write(_ bytes: Bytes, at position: Int64) throws(DiskError) {
        try bytes.withUnsafeBytes { (source) throws(DiskError) in try write(source, at: position) }
    }
}

extension Disk {
    /// Creates the directory and those above it, on stable storage when this returns; one that exists is fine.
    func createDirectory(_ path: String) throws(DiskError) { try createDirectory(path, durable: true) }

    public func setModificationTime(_ path: String, ms: Int64) throws(DiskError) {}

    /// The whole file; nil when there is none. For small files only.
    public func readFile(_ path: String, maxBytes: Int = 64 << 20) throws(DiskError) -> Bytes? {
        guard let size = try fileSize(path) else { return nil }
        return try open(path, .read).readBytes(at: 0, count: Int(min(size, Int64(maxBytes))))
    }

    /// Replaces a file as a whole: after a crash it has the old contents or the new, never a mixture.
    /// - Parameter durable: whether the new contents must be on stable storage when this returns.
    public func replaceFile(_ path: String, with contents: Bytes, durable: Bool = true) throws(DiskError) {
        let temporary = path + ".tmp"
        let file = try open(temporary, .create)
        try file.truncate(to: 0)
        try file.write(contents, at: 0)
        if durable { try file.sync() }
        try rename(temporary, to: path)
        if durable { try syncDirectory(parentDirectory(path)) }
    }

    /// Removes a file, or a directory with all that is in it; one that does not exist is fine.
    public func removeTree(_ path: String) throws(DiskError) {
        do {
            try remove(path)
            return
        } catch  where error.isMissing {
            return
        } catch  where error.isNotEmpty {}
        do {
            try removeContents(of: path)
            try remove(path)
        } catch  where error.isMissing {}
    }

    /// Removes all that is in a directory.
    func removeContents(of path: String) throws(DiskError) {
        for entry in try list(path) {
            let child = path + "/" + entry.name
            if entry.isDirectory { try removeTree(child) } else { try remove(child) }
        }
    }
}

/// What is behind the last slash of `path`.
func lastComponent(_ path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
    return String(path[path.utf8.index(after: slash)...])
}

/// The directory part of `path`.
func parentDirectory(_ path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}
