import Foundation
import Testing

@testable import KCore

/// `kadmin log dump` beside what Kafka's own tool printed of the same files.
@Suite struct KafkaDumpTests {
    private func dump(_ words: [String]) -> (status: KCore.ExitStatus, output: String, errors: String) {
        let test = TestConsole(tool: "kadmin")
        let status = Command.kadmin.run(["log", "dump"] + words, test.console)
        return (status, test.output.text, test.errors.text)
    }

    /// The lines under each file's name, as Kafka's tool printed them.
    private func kafkaLines() throws -> [(file: String, lines: [String])] {
        let text = String(decoding: try KafkaDirectory.unzipped("kafka-3.9-clean.dump.txt.gz"), as: UTF8.self)
        var result: [(file: String, lines: [String])] = []
        for line in text.split(separator: "\n").map(String.init) {
            if line.hasPrefix("## ") {
                result.append((String(line.dropFirst(3)), []))
            } else {
                result[result.count - 1].lines.append(line)
            }
        }
        return result
    }

    @Test func `segments with transactions, groups and metadata print as Kafka's tool prints them`() throws {
        let directory = try KafkaDirectory(.clean)
        let expected = try kafkaLines()
        try #require(expected.count == 11)
        for (file, lines) in expected {
            let (status, output, _) = dump(["--records", "\(directory.path)/\(file)"])
            #expect(status == .done)
            #expect(output.split(separator: "\n").dropFirst().map(String.init) == lines, "\(file)")
        }
    }

    @Test func `Kafka's options are understood`() throws {
        let directory = try KafkaDirectory(.clean)
        let log = "\(directory.path)/__consumer_offsets-2/00000000000000000000.log"
        let both = dump(["--files", "\(log),\(directory.path)/plain-0/00000000000000000000.log", "--deep-iteration"])
        #expect(both.output.contains("Dumping \(log)\n"))
        #expect(both.output.contains("plain-0") && !both.output.contains("payload"))
        let decoded = dump(["--offsets-decoder", log]).output
        #expect(decoded.contains(#"key: {"type":"1","data":{"group":"group-a","topic":"plain","partition":0}}"#))
        let bare = dump(["--print-data-log", "--skip-record-metadata", log]).output
        #expect(bare.contains("\n| key: {"))
        // The file and where it begins; no batch lies wholly in one byte.
        #expect(dump(["--max-bytes", "1", log]).output.split(separator: "\n").count == 2)
        #expect(dump(["--max-message-size", "10", log]).status == .failed)
        #expect(dump(["--value-decoder-class", "org.apache.kafka.tools.api.DefaultDecoder", log]).status == .done)
        #expect(dump(["--value-decoder", "rot13", log]).status == .usage)
        #expect(dump(["--offsets-decoder", "--cluster-metadata-decoder", log]).status == .usage)
        #expect(dump([]).status == .usage)
    }

    @Test func `every kind of file of a data directory is shown`() throws {
        let fixture = try KafkaDirectory(.clean)
        let directory = fixture.path
        let top = dump([directory])
        #expect(top.status == .done && top.errors == "")
        #expect(top.output.contains("topic: trimmed partition: 0 offset: 123\n"))
        #expect(
            top.output.contains(
                "clusterId: jQIRNB11SnKa6aPoqvzT7Q nodeId: 1 directoryId: 7vQin3P8Wfa9-bdZvWca2w\n"))
        #expect(top.output.contains(#"{"version":0,"brokerEpoch":6}"#))
        #expect(top.output.contains("SnapshotHeader") == false)
        let records = dump(["--records", "\(directory)/bootstrap.checkpoint"]).output
        #expect(records.contains(#" SnapshotHeader {"version":0,"lastContainedLogTimestamp":"#))
        #expect(records.contains(#" SnapshotFooter {"version":0}"#))
        #expect(records.contains(#""name":"metadata.version","featureLevel":21"#))
        let partition = dump(["\(directory)/transactions-0"])
        #expect(partition.status == .done)
        #expect(partition.output.contains("version: 0 producerId: 0 firstOffset: "))
        #expect(partition.output.contains("epoch: 0 startOffset: 0\n"))
        #expect(partition.output.contains("version: 0 topicId: 1mEZE1aNQ7y3k3-h-tX3WA\n"))
        #expect(partition.output.contains("producerId: 0 producerEpoch: 0 coordinatorEpoch: 0 currentTxnFirstOffset: "))
        #expect(dump(["\(directory)/__cluster_metadata-0/quorum-state"]).output.contains(#""leaderId":1"#))
    }

    @Test func `indexes are checked without being printed`() throws {
        let fixture = try KafkaDirectory(.killed)
        let directory = fixture.path
        for option in ["--index-sanity-check", "--verify-index-only"] {
            let index = "\(directory)/killed-0/00000000000000000000.index"
            #expect(dump([option, index]).output.hasSuffix("\(index) passed the check.\n"))
        }
        let path = "\(directory)/killed-0/00000000000000000000.index"
        var bytes = try #require(FileManager.default.contents(atPath: path))
        bytes[15] ^= 1
        try bytes.write(to: URL(filePath: path))
        #expect(dump(["--index-sanity-check", path]).status == .done)
        let (status, _, errors) = dump(["--verify-index-only", path])
        #expect(status == .failed)
        #expect(errors.contains(".index, byte 8: position"))
    }
}
