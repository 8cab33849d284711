import Glibc
import Testing

@testable import KCore

@Suite struct PageCacheTests {
    private static let size = 3 << 20

    private func withFile(_ body: (SystemFile) throws -> Void) throws {
        var path = Array("/tmp/kcore-cache-XXXXXX".utf8CString)
        let descriptor = mkstemp(&path)
        defer { unlink(path) }
        let file = SystemFile(
            descriptor, path: path.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" })
        let content = [UInt8](repeating: 7, count: PageCacheTests.size)
        try content.withUnsafeBytes { try file.write($0, at: 0) }
        try file.sync()
        try body(file)
    }

    @Test func `what was written is in memory`() throws {
        try withFile { file in
            #expect(file.isCached(at: 0, count: PageCacheTests.size))
            #expect(file.isCached(at: 4097, count: 1))
            #expect(file.isCached(at: 12_345, count: 0))
            var bytes = [UInt8](repeating: 0, count: 10_000)
            #expect(bytes.withUnsafeMutableBytes { file.readCached(at: 5, into: $0) } == 10_000)
            #expect(bytes == [UInt8](repeating: 7, count: 10_000))
            #expect(bytes.withUnsafeMutableBytes { file.readCached(at: Int64(PageCacheTests.size), into: $0) } == 0)
        }
    }

    @Test func `what the kernel has dropped is seen to be missing, and is there when it was loaded`() throws {
        try withFile { file in
            guard let descriptor = file.descriptor else { return }
            posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
            // A file system in memory drops nothing.
            if file.isCached(at: 1 << 20, count: 1 << 20) { return }
            var byte: UInt8 = 0
            #expect(withUnsafeMutableBytes(of: &byte) { file.readCached(at: 1 << 20, into: $0) } == -Int(EAGAIN))
            file.load(at: 1 << 20, count: 1 << 20)
            #expect(file.isCached(at: 1 << 20, count: 1 << 20))
            #expect(withUnsafeMutableBytes(of: &byte) { file.readCached(at: 1 << 20, into: $0) } == 1)
        }
    }

    @Test func `one missing page in the middle is noticed`() throws {
        try withFile { file in
            guard let descriptor = file.descriptor else { return }
            let page = Int64(sysconf(Int32(_SC_PAGESIZE)))
            posix_fadvise(descriptor, off_t(100 * page), off_t(page), POSIX_FADV_DONTNEED)
            if file.isCached(at: 100 * page, count: 1) { return }
            // Kernels that do not count tell of single bytes only.
            if file.cachedPages(at: 0, count: 1 << 20) != nil { #expect(!file.isCached(at: 0, count: 1 << 20)) }
            #expect(!file.isCached(at: 100 * page, count: Int(page)))
        }
    }
}
