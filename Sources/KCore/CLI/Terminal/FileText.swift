internal import CKernel
internal import Glibc

/// Files that are read and written whole.
enum FileText {
    /// - Parameter limit: bytes; a longer file is refused.
    static func read(_ path: String, limit: Int = 16 << 20) throws(ToolError) -> String {
        let file = try open(path)
        defer { close(file) }
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let got = Glibc.read(file, &block, block.count)
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw ToolError("cannot read \(path): \(systemMessage(errno))") }
            if got == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(contentsOf: block[..<got])
            guard bytes.count <= limit else { throw ToolError("\(path) is longer than \(ByteSize.text(Int64(limit)))") }
        }
    }

    /// A descriptor for reading, which the caller closes.
    static func open(_ path: String) throws(ToolError) -> Int32 {
        let file = ck_open(path, O_RDONLY | O_CLOEXEC, 0)
        guard file >= 0 else { throw ToolError("cannot open \(path): \(systemMessage(errno))") }
        return file
    }

    /// Makes `text` what the file has. A regular file has the old text or the new one at any time, also when the disk is
    /// full; anything else, such as a pipe, is written to.
    static func replace(_ path: String, with text: String) throws(ToolError) {
        var status = stat()
        let isThere = lstat(path, &status) == 0
        guard !isThere || status.st_mode & S_IFMT == S_IFREG else {
            return try write(path, O_WRONLY | O_TRUNC, text, mode: 0, for: path)
        }
        let aside = "\(path).\(getpid()).tmp"
        do throws(ToolError) {
            let mode = isThere ? status.st_mode & 0o777 : 0o644
            try write(aside, O_WRONLY | O_CREAT | O_EXCL, text, mode: mode, for: path)
            guard rename(aside, path) == 0 else { throw ToolError("cannot write \(path): \(systemMessage(errno))") }
        } catch {
            unlink(aside)
            throw error
        }
    }

    private static func write(
        _ file: String, _ flags: Int32, _ text: String, mode: mode_t, for path: String
    ) throws(ToolError) {
        let file = ck_open(file, flags | O_CLOEXEC, mode)
        guard file >= 0 else { throw ToolError("cannot write \(path): \(systemMessage(errno))") }
        var text = text
        var failure = text.withUTF8 { Console.writeAll(UnsafeRawBufferPointer($0), to: file) }
        if failure == 0, flags & O_CREAT != 0, fsync(file) != 0 { failure = errno }
        if close(file) != 0, failure == 0 { failure = errno }
        guard failure == 0 else { throw ToolError("cannot write \(path): \(systemMessage(failure))") }
    }
}
