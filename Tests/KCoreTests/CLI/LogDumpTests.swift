@testable import KCore
import Glibc
import Testing

@Suite struct LogDumpTests {
    func temporaryDirectory() -> String {
        var template = Array("/tmp/logdump.XXXXXX".utf8CString)
        return template.withUnsafeMutableBufferPointer {
            $0.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? "/tmp"
        }
    }

    func write(_ bytes: [UInt8], _ path: String) {
        let file = fopen(path, "w")
        defer { if let file { fclose(file) } }
        if let file { _ = bytes.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) } }
    }

    func batch(_ values: [String], codec: CompressionCodec = .none) throws -> [UInt8] {
        var options = BatchOptions()
        options.compression = codec
        let builder = RecordBatchBuilder(options, capacity: 1024)
        for value in values { try builder.append(timestamp: 1000, key: Bytes("k"), value: Bytes(value)) }
        return try builder.close().array
    }

    func dump(_ words: String...) -> (status: KCore.ExitStatus, output: String, errors: String) {
        let test = TestConsole(tool: "kadmin")
        let status = Command.kadmin.run(["log", "dump"] + words, test.console)
        return (status, test.output.text, test.errors.text)
    }

    @Test func `a segment is a line for each batch and each record, as Kafka's tool prints them`() throws {
        let directory = temporaryDirectory()
        let path = directory + "/00000000000000000000.log"
        write(try batch(["a", "\u{1F600}"]), path)
        let (status, output, _) = dump("--records", directory)
        #expect(status == .done)
        let lines = output.split(separator: "\n").map(String.init)
        #expect(lines.count == 5)
        #expect(lines[0] == "Dumping \(path)")
        #expect(lines[1] == "Log starting offset: 0")
        #expect(
            lines[2].hasPrefix("baseOffset: 0 lastOffset: 1 count: 2 baseSequence: -1 lastSequence: -1 producerId: -1 ")
        )
        #expect(lines[2].contains(" position: 0 CreateTime: 1000 size: "))
        #expect(lines[2].hasSuffix(" isvalid: true"))
        #expect(
            lines[3]
                == "| offset: 0 CreateTime: 1000 keySize: 1 valueSize: 1 sequence: -1 headerKeys: [] key: k payload: a")
    }

    @Test func `a changed byte is seen, and a torn end is named and makes the status 1`() throws {
        let path = temporaryDirectory() + "/00000000000000000000.log"
        var bytes = try batch(["abc"])
        bytes[bytes.count - 2] ^= 1
        write(bytes + bytes.prefix(40), path)
        let (status, output, errors) = dump(path)
        #expect(status == .failed)
        #expect(output.contains("isvalid: false"))
        #expect(errors.contains("40 bytes from position \(bytes.count) on are no whole batch"))
        #expect(errors.contains("; the batch at byte 0 is damaged: the checksum is "))
    }

    @Test func `a wrong checksum is named on stderr and makes the status 1`() throws {
        let path = temporaryDirectory() + "/00000000000000000000.log"
        var bytes = try batch(["abc"])
        bytes[bytes.count - 2] ^= 1
        write(bytes, path)
        let (status, output, errors) = dump("--records", path)
        #expect(status == .failed)
        #expect(output.contains("isvalid: false\n| offset: 0 "))
        #expect(errors.hasPrefix("kadmin: \(path): the batch at byte 0 is damaged: the checksum is "))
        write(bytes + bytes, path)
        #expect(dump(path).errors.hasSuffix(", and one more\n"))
    }

    @Test func `indexes end where the preallocated zeros begin`() {
        let directory = temporaryDirectory()
        write([0, 0, 0, 5, 0, 0, 0, 90] + [UInt8](repeating: 0, count: 16), directory + "/00000000000000000100.index")
        write(
            [0, 0, 0, 0, 0, 0, 3, 232, 0, 0, 0, 5] + [UInt8](repeating: 0, count: 12),
            directory + "/00000000000000000100.timeindex")
        let (status, output, _) = dump(directory)
        #expect(status == .done)
        #expect(output.contains("offset: 105 position: 90\n"))
        #expect(output.contains("timestamp: 1000 offset: 105\n"))
        #expect(output.split(separator: "\n").count == 4)
    }

    @Test func `of a segment only the batches within the first bytes are shown`() throws {
        let path = temporaryDirectory() + "/00000000000000000000.log"
        let batch = try batch(["abc"])
        write(batch + batch + batch, path)
        func shown(_ bytes: Int) -> Int {
            dump("--max-bytes", "\(bytes)", path).output.split(separator: "\n").count { $0.hasPrefix("baseOffset: ") }
        }
        #expect(shown(batch.count - 1) == 0)
        #expect(shown(batch.count) == 1)
        #expect(shown(2 * batch.count + 1) == 2)
    }

    @Test func `the file that is locked has nothing to show, and does not fail a dump of all files`() {
        let path = temporaryDirectory() + "/.lock"
        write([], path)
        let (status, output, _) = dump(path)
        #expect(status == .done && output == "Dumping \(path)\n")
    }

    @Test func `other files are refused`() {
        let path = temporaryDirectory() + "/notes.txt"
        write([65], path)
        #expect(dump(path).status == .failed)
        let huge = temporaryDirectory() + "/leader-epoch-checkpoint"
        write([48], huge)
        truncate(huge, 1 << 32)
        #expect(dump(huge).errors == "kadmin: \(huge) has 4.3 GB, too many for a file of its name\n")
        #expect(dump("/nonexistent").errors.hasPrefix("kadmin: cannot open /nonexistent: "))
    }
}
