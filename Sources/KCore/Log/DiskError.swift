internal import Glibc

/// What the operating system refused: which operation, on which file, and why.
public struct DiskError: Error, Equatable, Sendable {
    public enum Operation: String, Sendable {
        case open, read, write, sync, truncate, preallocate, rename, remove, list, lock, stat
        case createDirectory = "create directory"
        /// No operation of its own: any of them has not come back for long.
        case answer
    }

    public var operation: Operation
    public var path: String
    /// The `errno`.
    public var code: Int32

    public init(_ operation: Operation, path: String, code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    /// Not an error: what was asked for is not in memory, and the caller did not want to wait for the disk.
    /// It names no path: to know one, a lock can be needed that is held while somebody else waits for the disk.
    static let wouldWait = DiskError(.read, path: "", code: EAGAIN)
    var isWouldWait: Bool { operation == .read && code == EAGAIN }

    /// There is no room: the same write can succeed later.
    public var isDiskFull: Bool { code == ENOSPC || code == EDQUOT }
    /// The error says nothing of the disk's health: there is no room, no such file (any more), or too much is open. The
    /// directory stays in use; an fsync's error is never of this kind, not even for want of
    /// room.
    public var isHarmless: Bool {
        operation != .sync && (isDiskFull || [ENOENT, EMFILE, ENFILE, ENOMEM].contains(code))
    }
    public var isMissing: Bool { code == ENOENT }
    /// A directory cannot be removed because something is in it.
    public var isNotEmpty: Bool { code == ENOTEMPTY || code == EEXIST }
    /// The file exists already, or somebody else holds the lock.
    public var isTaken: Bool { code == EEXIST || code == EAGAIN || code == EACCES }
}

extension DiskError: CustomStringConvertible {
    public var description: String {
        if operation == .answer { return "the disk of \(path) does not answer" }
        return "cannot \(operation.rawValue) \(path): \(String(cString: strerror(code)))"
    }
}
