internal import CKernel
internal import Glibc

/// Files that are read whole.
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
}
