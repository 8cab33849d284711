import Testing

@testable import KCore

/// Damaged files of every kind: nothing crashes, all else is served as before, and what a checksum covers is found.
@Suite struct CorruptionTests {
    private typealias Random = SimulatedDisk.Random

    private enum Damage: CaseIterable {
        case flip, overwrite, zeros, truncate, extend, insert, empty

        func apply(_ bytes: inout [UInt8], _ random: inout Random) {
            let place = bytes.isEmpty ? 0 : Int.random(in: 0..<bytes.count, using: &random)
            let length = min(Int.random(in: 1...64, using: &random), bytes.count - place)
            switch self {
            case .flip: if !bytes.isEmpty { bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
            case .overwrite:
                for index in place..<place + length { bytes[index] = UInt8.random(in: .min ... .max, using: &random) }
            case .zeros: for index in place..<place + length { bytes[index] = 0 }
            case .truncate: bytes.removeSubrange(place...)
            case .extend:
                bytes += (0..<Int.random(in: 1...200, using: &random)).map { _ in
                    UInt8.random(in: .min ... .max, using: &random)
                }
            case .insert: bytes.insert(UInt8.random(in: .min ... .max, using: &random), at: place)
            case .empty: bytes = []
            }
        }
    }

    private static func load(_ disk: SimulatedDisk) throws -> LogManager {
        let manager = try LogManager(
            LogManagerOptions(directories: ["/data"]), disk: disk, clock: ManualClock(), background: { _ in })
        manager.load { topic in
            var config = LogConfig()
            if topic == "compacted" || topic.hasPrefix("__") { config.cleanupPolicy = .compact }
            return config
        }
        return manager
    }

    /// The values of all records of a log; what cannot be read ends it.
    private static func contents(_ log: Log) -> (records: [String], error: String?) {
        var next = log.logStartOffset
        var records: [String] = []
        do {
            while next < log.logEndOffset {
                let batches = try log.read(from: next, maxBytes: 1 << 20).batches()
                if batches.isEmpty { return (records, "no progress at \(next)") }
                for batch in batches {
                    let reader = try RecordBatchReader(batch)
                    for record in try reader.allRecords() where record.offset >= next {
                        records.append("\(record.offset) \(record.timestamp) \(record.value?.array.hex ?? "null")")
                    }
                    guard reader.header.lastOffset >= next else { return (records, "goes back at \(next)") }
                    next = reader.header.lastOffset + 1
                }
            }
        } catch {
            return (records, "\(error)")
        }
        return (records, nil)
    }

    private static func plant(_ files: [String: [UInt8]]) -> SimulatedDisk {
        let disk = SimulatedDisk()
        for (file, bytes) in files { disk.plant("/data/\(file)", bytes) }
        return disk
    }

    @Test(arguments: 0..<16)
    func `damage in any file crashes nothing, and harms no other partition`(seed: Int) throws {
        var random = Random(seed: UInt64(seed))
        let name = seed % 2 == 0 ? KafkaDirectory.Name.clean : .killed
        // One partition of each kind is enough beside the one that is hurt.
        let all = try KafkaFiles.of(name)
        let witness = "codec-zstd-0"
        let sound = try Self.load(Self.plant(all.filter { $0.key.hasPrefix(witness) || !$0.key.contains("/") }))
        let expected = Self.contents(try #require(sound.logs.first))
        #expect(expected.error == nil && expected.records.count == 200)
        let candidates = all.keys.filter { !$0.hasPrefix("__cluster_metadata") && !$0.hasPrefix(witness) }.sorted()
        for round in 0..<80 {
            let victim = try #require(candidates.randomElement(using: &random))
            let folder = victim.split(separator: "/").dropLast().first.map(String.init)
            var files = all.filter { file, _ in
                !file.contains("/") || file.hasPrefix(witness) || folder.map { file.hasPrefix($0 + "/") } ?? false
                    || file.hasPrefix("__cluster_metadata")
            }
            let before = files[victim] ?? []
            let damage = try #require(Damage.allCases.randomElement(using: &random))
            damage.apply(&files[victim, default: []], &random)
            let note = "seed \(seed) round \(round): \(damage) of \(victim)"

            let manager = try Self.load(Self.plant(files))
            for log in manager.logs {
                let found = Self.contents(log)
                if log.topicPartition.description == witness { #expect(found == expected, "\(note)") }
                _ = try? log.append(["goes on"])
            }
            manager.shutdown()

            var check = DataDirectoryCheck(disk: Self.plant(files), decodesRecords: true, threads: 1)
            check.run(["/data"])
            // Files with a checksum of their own, where none of the bytes can be anything else.
            if victim.hasSuffix(".log") && name == .clean && files[victim] != before {
                #expect(check.problems.contains { $0.severity == .error }, "\(note) was not found")
            }
            if victim.hasSuffix(".snapshot") && files[victim] != before {
                #expect(!check.problems.isEmpty, "\(note) was not found")
            }
            try dump(victim, files[victim] ?? [])
        }
    }

    /// Has the dump tool print the file, with every record.
    private func dump(_ name: String, _ bytes: [UInt8]) throws {
        let directory = TemporaryDirectory()
        let parts = name.split(separator: "/")
        let folder = parts.count > 1 ? "\(directory.path)/\(parts[0])" : directory.path
        try SystemDisk().createDirectory(folder)
        let path = "\(folder)/\(parts.last ?? "")"
        try SystemDisk().replaceFile(path, with: Bytes(bytes), durable: false)
        for option in ["--records", "--index-sanity-check", "--verify-index-only"] {
            let test = TestConsole(tool: "kadmin")
            let status = Command.kadmin.run(["log", "dump", option, path], test.console)
            #expect(status == .done || !test.errors.text.isEmpty)
        }
    }

    @Test(arguments: 0..<8)
    func `damage in the metadata log is refused with its place, or cut off where a crash could have torn it`(
        seed: Int
    ) throws {
        var random = Random(seed: UInt64(seed))
        let all = try KafkaFiles.of(seed % 2 == 0 ? .clean : .killed)
        let victims = all.keys.filter { $0.hasPrefix("__cluster_metadata") || $0 == "meta.properties" }.sorted()
        for round in 0..<150 {
            let victim = try #require(victims.randomElement(using: &random))
            var files = all.filter { !$0.key.contains("/") || $0.key.hasPrefix("__cluster_metadata") }
            let damage = try #require(Damage.allCases.randomElement(using: &random))
            damage.apply(&files[victim, default: []], &random)
            let disk = Self.plant(files)
            var generator = SeededGenerator(seed: UInt64(seed))
            do {
                let identity = try NodeIdentity.open(disk: disk, paths: ["/data"], nodeId: nil, using: &generator)
                let store = LocalMetadataStore(
                    disk: disk, directory: "/data", identity: identity, clock: ManualClock(), logger: .silent)
                let image = try store.open()
                // What decides nothing may be damaged at will.
                if !victim.hasSuffix(".log") && victim != "meta.properties" {
                    #expect(image.topicCount >= 14, "seed \(seed) round \(round): \(damage) of \(victim)")
                }
                try store.commit([[.noOp(NoOpRecord())]])
                store.didPublish(image)
            } catch {
                #expect(
                    error.description.contains(victim == "meta.properties" ? victim : "__cluster_metadata-0/"),
                    "\(error)")
            }
        }
    }
}
