import Foundation

@testable import KCore

/// The files of a directory that Kafka wrote, by their paths in it: to be planted on simulated disks.
enum KafkaFiles {
    // Unpacked once for all tests.
    private static let clean = Result { try read(.clean) }
    private static let killed = Result { try read(.killed) }

    static func of(_ name: KafkaDirectory.Name) throws -> [String: [UInt8]] {
        try name == .clean ? clean.get() : killed.get()
    }

    private static func read(_ name: KafkaDirectory.Name) throws -> [String: [UInt8]] {
        let directory = try KafkaDirectory(name)
        var files: [String: [UInt8]] = [:]
        for file in try FileManager.default.subpathsOfDirectory(atPath: directory.path) {
            let path = directory.path + "/" + file
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), !isDirectory.boolValue,
                // Ten megabytes of zeros that nobody here reads.
                !(file.hasPrefix("__cluster_metadata-0/") && file.hasSuffix("index")),
                let contents = FileManager.default.contents(atPath: path)
            else { continue }
            files[file] = [UInt8](contents)
        }
        return files
    }
}
