import Foundation
import Testing

@testable import KCore

/// A data directory that Apache Kafka 3.9 wrote, unpacked into a place that goes when this does.
final class KafkaDirectory {
    enum Name: String {
        /// After a clean stop.
        case clean = "kafka-3.9-clean"
        /// After SIGKILL under load, and damage by hand.
        case killed = "kafka-3.9-killed"
    }

    static let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Fixtures").standardized

    private let root: URL
    var path: String { root.appending(path: "log").path }

    init(_ name: Name) throws {
        root = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        _ = try Self.run("tar", "xzf", Self.fixtures.appending(path: "\(name.rawValue).tar.gz").path, "-C", root.path)
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    /// The contents of a fixture that is packed with gzip.
    static func unzipped(_ name: String) throws -> Data {
        try run("zcat", fixtures.appending(path: name).path)
    }

    private static func run(_ arguments: String...) throws -> Data {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return output
    }
}
