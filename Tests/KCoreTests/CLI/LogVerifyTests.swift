import Foundation
import Testing

@testable import KCore

@Suite struct LogVerifyTests {
    private let segment = "plain-0/00000000000000000000"

    @Test func `nothing is wrong with what Kafka left after a clean stop`() throws {
        #expect(try VerifiedDirectory(.clean).problems() == [])
    }

    @Test func `what a killed Kafka left is what its next start puts right`() throws {
        let problems = try VerifiedDirectory(.killed).problems()
        #expect(problems.allSatisfy { $0.severity == .warning })
        let torn = problems.filter { $0.what.contains("are no whole batch") }.map { "\($0.path) \($0.position ?? -1)" }
        #expect(
            torn == [
                "/data/killed-0/00000000000000002228.log 60718", "/data/killed-1/00000000000000002229.log 60939",
            ])
    }

    @Test func `a changed byte of a batch is named with its batch's place`() throws {
        let copy = try VerifiedDirectory(.clean)
        try copy.change(segment + ".log") { $0[70] ^= 4 }
        #expect(copy.said(of: segment + ".log").first?.hasPrefix("0: the checksum is ") == true)
    }

    @Test func `behind a batch that cannot be read the index says where to go on`() throws {
        let copy = try VerifiedDirectory(.killed)
        let log = "killed-0/00000000000000000000"
        let index = OffsetIndexReader(
            Bytes(try #require(copy.disk.contents("/data/\(log).index"))), baseOffset: 0)
        let second = try #require(index.entries.dropFirst().first)
        // The length of the batch at an index entry.
        try copy.change(log + ".log") { $0[Int(second.position) + 8] = 0x7F }
        let said = copy.said(of: log + ".log")
        #expect(said.count >= 1)
        #expect(said[0].hasPrefix("\(second.position): no batch up to byte "))
    }

    @Test func `records that are missing in the middle are an error, unless the topic is compacted`() throws {
        let copy = try VerifiedDirectory(.clean)
        try copy.disk.removeTree("/data/rolled-0/00000000000000000081.log")
        let said = copy.said(of: "rolled-0/00000000000000000121.log")
        #expect(said == ["0: offsets 81 to 120 are missing in front of it"])
        #expect(copy.said(of: "compacted-0/00000000000000000000.log").isEmpty)
    }

    @Test func `an index entry whose offset is far behind its batch is named`() throws {
        let copy = try VerifiedDirectory(.killed)
        let index = "killed-0/00000000000000000000.index"
        let count = try #require(copy.disk.contents("/data/\(index)")).count / 8
        #expect(count > 3)
        for entry in [0, 1, count - 1] {
            try copy.change(index) { $0[entry * 8] ^= 0x08 }
            #expect(
                copy.said(of: index).contains {
                    $0.hasPrefix("\(entry * 8): offset ") || $0.hasPrefix("\(entry * 8 + 8): ")
                })
            try copy.change(index) { $0[entry * 8] ^= 0x08 }
        }
        #expect(copy.said(of: index) == [])
    }

    @Test func `an aborted transaction's last stable offset that cannot be is named`() throws {
        let copy = try VerifiedDirectory(.clean)
        let index = "transactions-0/00000000000000000000.txnindex"
        try copy.change(index) { $0[27] = 1 }
        #expect(copy.said(of: index).first?.hasPrefix("0: last stable offset ") == true)
    }

    @Test func `what ended below the log's start is not missed in an index`() throws {
        let copy = try VerifiedDirectory(.clean)
        let index = "transactions-0/00000000000000000000.txnindex"
        let entries = AbortedIndexReader(Bytes(try #require(copy.disk.contents("/data/\(index)")))).entries
        let first = try #require(entries.first)
        func begin(at offset: Int64) throws {
            try copy.change("log-start-offset-checkpoint") { $0 = Array("0\n1\ntransactions 0 \(offset)\n".utf8) }
        }
        // As a recovery from the start leaves it: the transaction begins where it was still seen.
        try copy.change(index) { $0[17] = UInt8(first.firstOffset + 1) }
        #expect(copy.said(of: index).first?.hasPrefix("0: says producer ") == true)
        try begin(at: first.firstOffset + 1)
        #expect(copy.said(of: index) == [])
        try copy.change(index) { $0 = Array($0.dropFirst(34)) }
        #expect(copy.said(of: index).first?.contains("was aborted and is missing") == true)
        try begin(at: first.lastOffset + 1)
        #expect(copy.said(of: index) == [])
    }

    @Test func `index entries that do not agree with the log are named`() throws {
        let copy = try VerifiedDirectory(.killed)
        let log = "killed-0/00000000000000000000"
        try copy.change(log + ".index") { $0[8 + 7] ^= 1 }
        #expect(copy.said(of: log + ".index").first?.hasPrefix("8: position ") == true)
        try copy.change(log + ".timeindex") { $0[12 + 7] ^= 1 }
        #expect(copy.said(of: log + ".timeindex").first?.hasPrefix("12: timestamp ") == true)
    }

    @Test func `aborted transactions are compared with the log`() throws {
        let copy = try VerifiedDirectory(.clean)
        let index = "transactions-0/00000000000000000000.txnindex"
        try copy.change(index) { $0[17] ^= 1 }
        #expect(copy.said(of: index).first?.hasPrefix("0: says producer ") == true)
        try copy.change(index) { $0 = Array($0.dropFirst(34)) }
        #expect(copy.said(of: index).first?.contains("was aborted and is missing") == true)
    }

    @Test func `a snapshot of producers is compared with the log`() throws {
        let copy = try VerifiedDirectory(.clean)
        let snapshot = "transactions-0/00000000000000000043.snapshot"
        try copy.change(snapshot) { $0[20] ^= 1 }
        #expect(copy.said(of: snapshot).first?.hasPrefix("2: the checksum is ") == true)
        // A snapshot that is whole, but of another log.
        try copy.change(snapshot) { bytes in
            bytes[10 + 13] ^= 1
            bytes[20] ^= 1
            let crc = bytes[6...].withUnsafeBytes { CRC32C.checksum($0) }
            bytes.replaceSubrange(2..<6, with: withUnsafeBytes(of: crc.bigEndian) { Array($0) })
        }
        #expect(copy.said(of: snapshot).first?.hasPrefix("10: producer 0 ends with sequence ") == true)
    }

    @Test func `the small files are read and compared`() throws {
        let copy = try VerifiedDirectory(.clean)
        try copy.change("plain-0/leader-epoch-checkpoint") { $0 = Array("0\n1\n5 0\n".utf8) }
        #expect(
            copy.said(of: "plain-0/leader-epoch-checkpoint") == ["offset 0 is of epoch 0 in the log, and of 5 here"])
        try copy.change("plain-1/partition.metadata") { $0[2] = 0 }
        #expect(copy.said(of: "plain-1/partition.metadata") == ["no topic id of version 0"])
        try copy.change("recovery-point-offset-checkpoint") { $0[0] = UInt8(ascii: "7") }
        #expect(copy.said(of: "recovery-point-offset-checkpoint") == ["line 1: not version 0"])
        try copy.change("meta.properties") {
            $0 = Array(String(decoding: $0, as: UTF8.self).replacing("version=1", with: "version=9").utf8)
        }
        #expect(copy.said(of: "meta.properties").count == 1)
    }

    @Test func `a partition that the metadata places here is missed`() throws {
        let copy = try VerifiedDirectory(.clean)
        try copy.disk.removeTree("/data/empty-1")
        #expect(copy.said(of: nil) == ["partition empty-1 is missing; the metadata says that it is here"])
    }

    @Test(arguments: ["recovery-point", "log-start", "replication", "cleaner"])
    func `a partition that any checkpoint tells of is lost when it is nowhere, however the broker stopped`(
        _ teller: String
    ) throws {
        let copy = try VerifiedDirectory(.killed)
        try copy.disk.removeTree("/data/plain-0")
        let names = ["recovery-point", "log-start", "replication", "cleaner"].map { "\($0)-offset-checkpoint" }
        func tell(_ offset: Int64) throws {
            for name in names {
                if copy.disk.contents("/data/\(name)") != nil { try copy.remove(name) }
                let told = name.hasPrefix(teller) ? "0\n1\nplain 0 \(offset)\n" : "0\n0\n"
                copy.disk.plant("/data/\(name)", Array(told.utf8))
            }
        }
        func told() -> [String] {
            copy.problems().filter { $0.description.contains("plain-0") }.map { "\($0.severity) \($0.description)" }
        }
        let file = "/data/\(teller)-offset-checkpoint"
        try tell(42)
        #expect(
            told() == [
                "error /data: partition plain-0 is missing; the metadata says that it is here",
                "error \(file): has partition plain-0 up to offset 42, which is not here",
            ])
        // A broker that died may not have come to making it.
        try tell(0)
        #expect(
            told() == [
                "warning /data: partition plain-0 is missing; the metadata says that it is here",
                "warning \(file): has partition plain-0, which is not here",
            ])
        // Nor to forgetting one that was deleted and made anew.
        try tell(42)
        copy.disk.plant("/data/plain-0.0123456789abcdef0123456789abcdef-delete/00000000000000000000.log", [])
        #expect(told().allSatisfy { $0.hasPrefix("warning ") })
    }

    @Test func `what is said of a partition as a whole names its directory`() throws {
        let copy = try VerifiedDirectory(.clean)
        try copy.change("recovery-point-offset-checkpoint") { $0 = Array("0\n1\nplain 0 151\n".utf8) }
        #expect(copy.said(of: "plain-0") == ["the log ends at 150, but 151 had been made durable"])
        #expect(copy.problems().map(\.description).allSatisfy { !$0.contains("/: ") })
    }

    @Test func `damage of the metadata is named`() throws {
        let copy = try VerifiedDirectory(.clean)
        try copy.change("__cluster_metadata-0/00000000000000000000.log") { $0[300] ^= 1 }
        let said = copy.problems().map(\.description)
        #expect(said.contains { $0.contains("00000000000000000000.log is damaged at byte 236") })
    }

    @Test func `one partition can be checked by itself`() throws {
        let copy = try VerifiedDirectory(.clean)
        try copy.change(segment + ".log") { $0[70] ^= 4 }
        #expect(copy.problems(["/data/plain-1"]) == [])
        #expect(copy.problems(["/data/plain-0"]).count == 1)
    }

    @Test func `a torn end is an error where nothing says how the broker stopped`() throws {
        let copy = try VerifiedDirectory(.clean)
        var bytes = try #require(copy.disk.contents("/data/\(segment).log"))
        bytes.removeLast(10)
        copy.disk.plant("/elsewhere/\(segment).log", bytes)
        let problems = copy.problems(["/elsewhere/plain-0"]).filter { $0.what.contains("are no whole batch") }
        #expect(problems.map(\.severity) == [.error])
        #expect(problems.first?.what.contains("good only after a crash, and no meta.properties beside") == true)
    }

    @Test func `the command says it in lines and in JSON, and in its status`() throws {
        let fixture = try KafkaDirectory(.clean)
        func run(_ words: String...) -> (status: KCore.ExitStatus, output: String, errors: String) {
            let test = TestConsole(tool: "kadmin")
            let status = Command.kadmin.run(["log", "verify"] + words, test.console)
            return (status, test.output.text, test.errors.text)
        }
        let good = run(fixture.path)
        #expect(good.status == .done && good.output == "")
        #expect(good.errors.contains("23 partitions, ") && good.errors.contains(": no problems"))
        let log = "\(fixture.path)/plain-0/00000000000000000000.log"
        var bytes = try #require(FileManager.default.contents(atPath: log))
        bytes[70] ^= 4
        try bytes.write(to: URL(filePath: log))
        let bad = run(fixture.path)
        #expect(bad.status == .failed)
        #expect(bad.output.hasPrefix("error: \(log), byte 0: the checksum is "))
        let json = run("--format", "json", "-q", "\(fixture.path)/plain-0").output
        #expect(json.contains(#"{"severity":"error","file":"\#(log)","byte":0,"problem":"the checksum is "#))
        #expect(run("/nonexistent").status == .failed)
        #expect(
            run(log).errors
                == "kadmin: \(log) is a file; verify takes directories, and kadmin log dump shows what is in a file\n")
        let other = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: other + "/sub", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: other) }
        let nothing = run(other)
        #expect(nothing.status == .failed && nothing.output == "")
        #expect(nothing.errors == "kadmin: nothing of a broker is in \(other): is it a data directory?\n")
        // A disk that is not mounted does not keep the others from being looked at.
        #expect(run(fixture.path, other).output.contains("\(other)/meta.properties: is missing"))
        // A partition is known by its name, so what is typed has to have one.
        let dot = run("\(fixture.path)/plain-1/.")
        #expect(dot.status == .done && dot.output == "" && dot.errors.contains("1 partition, "))
    }

    @Test func `a directory that is given twice is checked once`() throws {
        let fixture = try KafkaDirectory(.clean)
        _ = try SystemDisk().lock("\(fixture.path)/.lock")
        func run(_ words: String...) -> (status: KCore.ExitStatus, errors: String) {
            let test = TestConsole(tool: "kadmin")
            let status = Command.kadmin.run(["log", "verify"] + words, test.console)
            return (status, test.errors.text)
        }
        let twice = run(fixture.path, "\(fixture.path)/.")
        #expect(twice.status == .done && twice.errors.contains("23 partitions, "))
        let two = run("\(fixture.path)/plain-0", "\(fixture.path)/plain-1")
        #expect(two.status == .done && two.errors.contains("2 partitions, "))
    }

    @Test func `a broker's directory is left alone`() throws {
        let fixture = try KafkaDirectory(.clean)
        let lock = try SystemDisk().lock("\(fixture.path)/.lock")
        let test = TestConsole(tool: "kadmin")
        #expect(Command.kadmin.run(["log", "verify", fixture.path], test.console) == .failed)
        #expect(test.errors.text.contains("a broker uses \(fixture.path)"))
        withExtendedLifetime(lock) {}
    }
}
