import FoundationEssentials

@testable import KCore

/// A log of another implementation, and the records that are in it; see Tests/Fixtures/make-records.py.
struct RecordsFixture: Sendable, CustomStringConvertible {
    var name: String
    var log: Bytes
    var records: [Record]

    var description: String { name }

    private static let directory = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Fixtures/records").standardized

    static let all: [RecordsFixture] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return files.filter { $0.hasSuffix(".log") }.sorted().compactMap { load(String($0.dropLast(4))) }
    }()

    static func named(_ prefix: String) -> [RecordsFixture] { all.filter { $0.name.hasPrefix(prefix) } }

    private static func load(_ name: String) -> RecordsFixture? {
        guard let log = try? Data(contentsOf: directory.appending(path: name + ".log")),
            let text = try? String(contentsOf: directory.appending(path: name + ".txt"), encoding: .utf8)
        else { return nil }
        return RecordsFixture(
            name: name, log: Bytes([UInt8](log)), records: text.split(separator: "\n").compactMap(record))
    }

    private static func record(_ line: Substring) -> Record? {
        let words = line.split(separator: " ")
        guard words.count >= 4, let offset = Int64(words[0]), let timestamp = Int64(words[1]) else { return nil }
        let headers = words[4...].map { word in
            let parts = word.split(separator: ":")
            return RecordHeader(key: field(parts[0])?.utf8String ?? "", value: field(parts[1]))
        }
        return Record(
            offset: offset, timestamp: timestamp, key: field(words[2]), value: field(words[3]), headers: headers)
    }

    private static func field(_ text: Substring) -> Bytes? {
        switch text {
        case "-": nil
        case "=": Bytes()
        default: Data(base64Encoded: String(text)).map { Bytes([UInt8]($0)) }
        }
    }

    /// The records that the log holds as this implementation reads it, control records left out.
    func read() throws -> [Record] {
        if log.withUnsafeBytes({ LegacyRecords.isLegacy($0) }) { return try LegacyRecords.read(log) }
        var records: [Record] = []
        var batches = RecordBatches(log)
        while let batch = try batches.next() {
            if batch.header.isControl { continue }
            records += try RecordBatchReader(batches.bytes(of: batch)).allRecords()
        }
        return records
    }
}
