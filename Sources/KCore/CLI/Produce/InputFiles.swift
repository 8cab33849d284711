internal import Glibc

/// The files that `kproduce` reads; `-` is standard input.
enum InputFiles {
    /// Makes sure, before anything is sent, that all of them are there and may be read. They are opened when their turn
    /// comes: a named pipe has a writer who may want to be read to the end before opening the next one.
    static func check(_ paths: [String]) throws(ToolError) {
        for path in paths where path != "-" {
            var status = stat()
            guard stat(path, &status) == 0, faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0 else {
                throw ToolError("cannot open \(path): \(systemMessage(errno))")
            }
            guard status.st_mode & S_IFMT != S_IFDIR else {
                throw ToolError("cannot read \(path): \(systemMessage(EISDIR))")
            }
        }
    }

    /// Bytes of all of them, or nil when one is no regular file.
    static func totalSize(_ paths: [String]) -> Int64? {
        var total: Int64 = 0
        for path in paths {
            var status = stat()
            let isThere = path == "-" ? fstat(0, &status) == 0 : stat(path, &status) == 0
            guard isThere, status.st_mode & S_IFMT == S_IFREG else { return nil }
            total += Int64(status.st_size)
        }
        return total
    }
}
