@testable import KCore
import Foundation
import Testing

/// Several data directories of one broker.
@Suite struct LogVerifyDirectoriesTests {
    /// What a broker with two directories left after a stop in order, with four partitions that have records.
    private final class Stopped {
        let root = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        var directories: [String] { ["\(root)/1", "\(root)/2"] }

        init() throws {
            let broker = try Broker.start(
                properties: [
                    "log.dirs": directories.joined(separator: ","), "listeners": "PLAINTEXT://127.0.0.1:0",
                ], logger: .silent)
            defer { broker.stop() }
            let environment = ["KAFKA_BOOTSTRAP_SERVERS": broker.addresses.map { "\($0)" }.joined(separator: ",")]
            let create = TestConsole(tool: "kadmin", environment: environment)
            try #require(Command.kadmin.run(["topic", "create", "a", "-p", "4"], create.console) == .done)
            for partition in 0..<4 {
                let produce = TestConsole(tool: "kproduce", input: "x\ny\n", environment: environment)
                try #require(Command.kproduce.run(["-t", "a", "-p", "\(partition)"], produce.console) == .done)
            }
        }

        deinit { try? FileManager.default.removeItem(atPath: root) }

        func verify(_ paths: [String]) -> (status: KCore.ExitStatus, output: String) {
            let test = TestConsole(tool: "kadmin")
            let status = Command.kadmin.run(["log", "verify", "-q"] + paths, test.console)
            return (status, test.output.text)
        }
    }

    @Test func `a partition that is in none of all directories is missed`() throws {
        let stopped = try Stopped()
        let all = stopped.directories
        #expect(stopped.verify(all) == (.done, ""))
        let partition = try #require(
            try FileManager.default.contentsOfDirectory(atPath: all[1]).filter { $0.hasPrefix("a-") }.min())
        try FileManager.default.removeItem(atPath: "\(all[1])/\(partition)")
        let (status, output) = stopped.verify(all)
        #expect(status == .failed)
        #expect(
            output.contains("error: \(all[0]), \(all[1]): partition \(partition) is missing; the metadata gives it"))
        #expect(
            output.contains(
                "error: \(all[1])/recovery-point-offset-checkpoint: has partition \(partition) up to offset 2, which"))
        // With one directory alone nobody can say what is in the other.
        let (one, said) = stopped.verify([all[0]])
        #expect(one == .done)
        let warning = try #require(
            said.split(separator: "\n").first { $0.contains("also has a directory with directory.id ") })
        #expect(warning.contains(", which was not given; in none of the others are partitions a-"))
        #expect(warning.contains(partition))
        #expect(!said.contains("is missing"))
    }

    @Test func `a second metadata log is named, and does not make strays of everything`() throws {
        let copy = try VerifiedDirectory(.clean)
        let meta = try #require(copy.disk.contents("/data/meta.properties"))
        let other = String(decoding: meta, as: UTF8.self)
            .replacing(#/directory.id=.*/#, with: "directory.id=AAAAAAAAAAAAAAAAAAAAAQ")
        copy.disk.plant("/other/meta.properties", Array(other.utf8))
        copy.disk.plant("/other/__cluster_metadata-0/00000000000000000000.log", [])
        let wanted = [
            "/other/__cluster_metadata-0: is a second metadata log; the cluster is that of /data/__cluster_metadata-0"
        ]
        for paths in [["/data", "/other"], ["/other", "/data"]] {
            let errors = copy.problems(paths).filter { $0.severity == .error }
            #expect(errors.map(\.description) == wanted)
            #expect(!copy.problems(paths).contains { $0.what.contains("belongs to no topic") })
        }
    }

    @Test func `a partition that was moved is no loss, and one that was copied is told`() throws {
        let copy = try VerifiedDirectory(.clean)
        let meta = String(decoding: try #require(copy.disk.contents("/data/meta.properties")), as: UTF8.self)
            .replacing(#/directory.id=.*/#, with: "directory.id=AAAAAAAAAAAAAAAAAAAAAQ")
        copy.disk.plant("/other/meta.properties", Array(meta.utf8))
        copy.disk.plant("/other/.kafka_cleanshutdown", [])
        for file in copy.disk.paths where file.hasPrefix("/data/plain-0/") {
            copy.disk.plant("/other" + file.dropFirst(5), try #require(copy.disk.contents(file)))
        }
        let twin = copy.problems(["/data", "/other"]).filter { $0.severity == .error }
        #expect(twin.map(\.description) == ["/other/plain-0: is also in /data, and Kafka does not start with both"])
        try copy.remove("plain-0")
        #expect(!copy.problems(["/data", "/other"]).contains { $0.severity == .error })
        let moved = copy.problems(["/data", "/other"]).map(\.description)
        #expect(moved.contains("/other/plain-0: was moved here; the metadata says that it is in /data"))
        #expect(!moved.contains { $0.contains("partition plain-0 is missing") })
    }
}
