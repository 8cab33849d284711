internal import CKernel
internal import Glibc

/// The machine's file systems.
public struct SystemDisk: Disk {
    public init() {}

    public func open(_ path: String, _ mode: OpenMode) throws(DiskError) -> any DiskFile {
        let flags =
            switch mode {
            case .read: O_RDONLY | O_CLOEXEC
            case .update: O_RDWR | O_CLOEXEC
            case .create: O_RDWR | O_CREAT | O_CLOEXEC
            }
        return SystemFile(try descriptor(path, flags), path: path)
    }

    private func descriptor(_ path: String, _ flags: Int32) throws(DiskError) -> Int32 {
        let descriptor = retrying { Glibc.open(path, flags, 0o644) }
        guard descriptor >= 0 else { throw DiskError(.open, path: path, code: errno) }
        return descriptor
    }

    private func status(_ path: String) throws(DiskError) -> stat? {
        var status = stat()
        if stat(path, &status) == 0 { return status }
        if errno == ENOENT || errno == ENOTDIR { return nil }
        throw DiskError(.stat, path: path, code: errno)
    }

    public func fileSize(_ path: String) throws(DiskError) -> Int64? { try status(path).map { Int64($0.st_size) } }

    public func modificationTimeMs(_ path: String) throws(DiskError) -> Int64? {
        try status(path).map { Int64($0.st_mtim.tv_sec) * 1000 + Int64($0.st_mtim.tv_nsec) / 1_000_000 }
    }

    public func setModificationTime(_ path: String, ms: Int64) throws(DiskError) {
        let time = timespec(tv_sec: Int(ms / 1000), tv_nsec: Int(ms % 1000) * 1_000_000)
        let times = [time, time]
        if utimensat(AT_FDCWD, path, times, 0) != 0 { throw DiskError(.stat, path: path, code: errno) }
    }

    public func list(_ path: String) throws(DiskError) -> [DirectoryEntry] {
        guard let directory = opendir(path) else { throw DiskError(.list, path: path, code: errno) }
        defer { closedir(directory) }
        var entries: [DirectoryEntry] = []
        while true {
            errno = 0
            guard let entry = readdir(directory) else {
                if errno != 0 { throw DiskError(.list, path: path, code: errno) }
                return entries
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            var isDirectory = entry.pointee.d_type == DT_DIR
            if entry.pointee.d_type == DT_UNKNOWN || entry.pointee.d_type == DT_LNK {
                isDirectory = try status(path + "/" + name).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
            }
            entries.append(DirectoryEntry(name: name, isDirectory: isDirectory))
        }
    }

    public func createDirectory(_ path: String, durable: Bool) throws(DiskError) {
        let parent = parentDirectory(path)
        if mkdir(path, 0o755) != 0 {
            let code = errno
            if code == EEXIST { return }
            guard code == ENOENT, parent != path else { throw DiskError(.createDirectory, path: path, code: code) }
            try createDirectory(parent, durable: true)
            if mkdir(path, 0o755) != 0 && errno != EEXIST {
                throw DiskError(.createDirectory, path: path, code: errno)
            }
        }
        if !durable { return }
        do {
            try syncDirectory(parent)
        } catch  where error.operation == .open {
            // May be written and not read: nothing can be done for its names.
        }
    }

    public func rename(_ path: String, to target: String) throws(DiskError) {
        if Glibc.rename(path, target) != 0 { throw DiskError(.rename, path: path, code: errno) }
    }

    public func remove(_ path: String) throws(DiskError) {
        if Glibc.remove(path) != 0 { throw DiskError(.remove, path: path, code: errno) }
    }

    public func syncDirectory(_ path: String) throws(DiskError) {
        let descriptor = try descriptor(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(descriptor) }
        if fsync(descriptor) != 0 { throw DiskError(.sync, path: path, code: errno) }
    }

    public func space(_ path: String) throws(DiskError) -> (free: Int64, total: Int64) {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { throw DiskError(.stat, path: path, code: errno) }
        let block = Int64(status.f_frsize)
        return (Int64(status.f_bavail) * block, Int64(status.f_blocks) * block)
    }

    public func lock(_ path: String) throws(DiskError) -> any AnyObject & Sendable {
        let lock = SystemLock(SystemFile(try descriptor(path, O_RDWR | O_CREAT | O_CLOEXEC), path: path))
        if !lock.set(F_WRLCK) { throw DiskError(.lock, path: path, code: errno) }
        return lock
    }

    public func identity(_ path: String) throws(DiskError) -> FileIdentity? {
        try status(path).map { FileIdentity(device: UInt64($0.st_dev), number: UInt64($0.st_ino)) }
    }

    public func isInPlace(_ lock: any AnyObject & Sendable, _ path: String) throws(DiskError) -> Bool {
        guard let lock = lock as? SystemLock, let named = try status(path) else { return false }
        var locked = stat()
        if fstat(lock.file.number, &locked) != 0 { throw DiskError(.stat, path: path, code: errno) }
        return locked.st_dev == named.st_dev && locked.st_ino == named.st_ino
    }
}

/// A file that is locked. The lock is of the kind that belongs to the open file: it excludes the process-wide locks that Java
/// takes, and unlike those it also excludes a second holder in this process.
private final class SystemLock: Sendable {
    let file: SystemFile

    init(_ file: SystemFile) { self.file = file }

    // Closing the file is not enough: a process that is being started has it open, too, until it runs its own program.
    deinit { _ = set(F_UNLCK) }

    func set(_ type: Int32) -> Bool {
        let setLock: Int32 = 37  // F_OFD_SETLK
        var request = Glibc.flock()
        request.l_type = Int16(type)
        request.l_whence = Int16(SEEK_SET)
        return withUnsafeMutablePointer(to: &request) { fcntl(file.number, setLock, UnsafeMutableRawPointer($0)) } == 0
    }
}

final class SystemFile: DiskFile {
    let number: Int32
    let path: String

    init(_ number: Int32, path: String) {
        self.number = number
        self.path = path
    }

    deinit { close(number) }

    var descriptor: Int32? { number }

    func size() throws(DiskError) -> Int64 {
        var status = stat()
        if fstat(number, &status) != 0 { throw DiskError(.stat, path: path, code: errno) }
        return Int64(status.st_size)
    }

    func read(at position: Int64, into target: UnsafeMutableRawBufferPointer) -> Int {
        let got = retrying { pread(number, target.baseAddress, target.count, off_t(position)) }
        return got < 0 ? -Int(errno) : got
    }

    func write(_ source: UnsafeRawBufferPointer, at position: Int64) throws(DiskError) {
        var done = 0
        while done < source.count {
            let rest = UnsafeRawBufferPointer(rebasing: source[done...])
            let wrote = retrying { pwrite(number, rest.baseAddress, rest.count, off_t(position) + off_t(done)) }
            if wrote < 0 { throw DiskError(.write, path: path, code: errno) }
            if wrote == 0 { throw DiskError(.write, path: path, code: ENOSPC) }
            done += wrote
        }
    }

    func sync() throws(DiskError) {
        // After a failed fdatasync the kernel may have dropped the dirty pages: trying again could falsely succeed.
        if fdatasync(number) != 0 { throw DiskError(.sync, path: path, code: errno) }
    }

    func startWriteback(at position: Int64, count: Int64) throws(DiskError) {
        let write: UInt32 = 2  // SYNC_FILE_RANGE_WRITE
        if ck_sync_file_range(number, off_t(position), off_t(count), write) == 0 { return }
        if errno != ENOSYS && errno != ESPIPE { throw DiskError(.write, path: path, code: errno) }
    }

    func truncate(to size: Int64) throws(DiskError) {
        if retrying({ ftruncate(number, off_t(size)) }) != 0 { throw DiskError(.truncate, path: path, code: errno) }
    }

    func preallocate(to size: Int64) throws(DiskError) {
        let keepSize: Int32 = 1  // FALLOC_FL_KEEP_SIZE
        if ck_fallocate(number, keepSize, 0, off_t(size)) == 0 { return }
        if errno != EOPNOTSUPP && errno != ENOSYS { throw DiskError(.preallocate, path: path, code: errno) }
    }

    func releaseReserved(behind size: Int64) throws(DiskError) {
        var status = stat()
        if fstat(number, &status) != 0 { throw DiskError(.stat, path: path, code: errno) }
        // Blocks are those of 512 bytes, and what file systems have of their own for a file is less than this.
        let slack: Int64 = 1 << 16
        if Int64(status.st_blocks) * 512 > size + slack { try truncate(to: size) }
    }
}

private func retrying<T: FixedWidthInteger>(_ call: () -> T) -> T {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}
