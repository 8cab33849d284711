import Foundation

/// The project's own files, as the house tests see them.
struct SourceTree {
    struct File {
        /// From the root of the project, such as `Sources/KCore/Wire/Bytes.swift`.
        var path: String
        var text: String
        var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

        /// The folder below `Sources/KCore`; nil outside of it.
        var layer: String? {
            let parts = path.split(separator: "/")
            return parts.count > 3 && parts.starts(with: ["Sources", "KCore"]) ? String(parts[2]) : nil
        }
    }

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Every Swift file below `folder`, in the order of their paths.
    static func swiftFiles(below folder: String) -> [File] {
        let start = root.appending(path: folder)
        guard let all = FileManager.default.enumerator(atPath: start.path) else { return [] }
        return all.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.sorted().compactMap { name in
            text(of: "\(folder)/\(name)").map { File(path: "\(folder)/\(name)", text: $0) }
        }
    }

    /// The folders right below `folder`, in order.
    static func folders(in folder: String) -> [String] {
        let start = root.appending(path: folder)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: start.path)) ?? []
        return names.sorted().filter { name in
            var isFolder: ObjCBool = false
            let path = start.appending(path: name).path
            return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
        }
    }

    static func text(of path: String) -> String? {
        try? String(contentsOf: root.appending(path: path), encoding: .utf8)
    }
}
