internal import CKernel
internal import Glibc

extension SystemFile {
    /// How far apart bytes are that are looked at to see whether pages which are in the cache have been read already, and
    /// how far when only such looks tell what is in it.
    private static let probeStride: Int64 = 256 << 10
    private static let denseProbeStride: Int64 = 32 << 10
    /// Kernels take requests for reading ahead only up to a size, the smallest of which is this.
    private static let adviceBytes: Int64 = 128 << 10
    /// Small against what a disk reads at once.
    private static let waitStride: Int64 = 16 << 10
    /// What is asked for beyond a range, so that it is on its way when it is needed.
    private static let aheadBytes: Int64 = 1 << 20
    private static let pageBytes = Int64(sysconf(Int32(_SC_PAGESIZE)))

    func readCached(at position: Int64, into target: UnsafeMutableRawBufferPointer) -> Int {
        while true {
            let got = ck_read_cached(number, target.baseAddress, target.count, position)
            switch Int32(-got) {
            case EINTR: continue
            // Where nobody can tell, it is as it ever was.
            case EOPNOTSUPP, ENOSYS: return read(at: position, into: target)
            default: return got
            }
        }
    }

    func dropCache() { posix_fadvise(number, 0, 0, POSIX_FADV_DONTNEED) }

    func isCached(at position: Int64, count: Int) -> Bool {
        guard count > 0 else { return true }
        let last = position + Int64(count) - 1
        let pages = last / SystemFile.pageBytes - position / SystemFile.pageBytes + 1
        // A small range is looked at by its ends alone.
        var stride = SystemFile.denseProbeStride
        if pages > 8, let cached = cachedPages(at: position, count: count) {
            if cached < pages { return false }
            stride = SystemFile.probeStride
        }
        var place = position
        while place < last {
            if !isByteCached(place) { return false }
            place += stride
        }
        return isByteCached(last)
    }

    /// Pages of the range that are in memory or on their way; nil where the kernel does not tell.
    func cachedPages(at position: Int64, count: Int) -> Int64? {
        let found = ck_cached_pages(number, position, Int64(count))
        return found < 0 ? nil : found
    }

    private func isByteCached(_ position: Int64) -> Bool {
        var byte: UInt8 = 0
        return ck_read_cached(number, &byte, 1, position) != -Int(EAGAIN)
    }

    func load(at position: Int64, count: Int) {
        let end = position + Int64(count)
        var place = position
        while place < end + SystemFile.aheadBytes {
            posix_fadvise(number, off_t(place), off_t(SystemFile.adviceBytes), POSIX_FADV_WILLNEED)
            place += SystemFile.adviceBytes
        }
        // A byte is waited for here and there, and not the whole range read: to read it would count as a use, sending it
        // as the second, and what is used twice the kernel keeps, at the cost of what others use.
        var byte: UInt8 = 0
        place = position
        while place < end {
            if pread(number, &byte, 1, off_t(place)) <= 0 { return }
            place += SystemFile.waitStride
        }
        pread(number, &byte, 1, off_t(end - 1))
    }
}
