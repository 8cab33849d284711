internal import Glibc

/// Paths from the root, for whoever runs elsewhere.
enum AbsolutePath {
    /// `path` as seen from the process's directory, without empty and `.` components. Symbolic links stay as they are, and
    /// so does `..`, which means something else behind a link.
    static func of(_ path: String) -> String {
        var parts: [Substring] = []
        if !path.hasPrefix("/"), let directory = getcwd(nil, 0) {
            defer { free(directory) }
            parts = String(cString: directory).split(separator: "/")
        }
        parts += path.split(separator: "/").filter { $0 != "." }
        return "/" + parts.joined(separator: "/")
    }
}
