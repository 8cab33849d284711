internal import Glibc

/// How many files and sockets the process may have open at a time (`ulimit -n`).
enum OpenFileLimit {
    /// The limit now.
    static var current: Int {
        read().map { Int(clamping: $0.rlim_cur) } ?? 1024
    }

    /// Raises the limit as far as the process may by itself, as Java's virtual machine does: what shells set at first is
    /// meant for small programs.
    static func raise() {
        guard var limit = read(), limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(resource, &limit)
    }

    private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

    private static func read() -> rlimit? {
        var limit = rlimit()
        return getrlimit(resource, &limit) == 0 ? limit : nil
    }
}
