import Glibc
import Testing

@testable import KCore

@Suite struct LocalMetadataStoreTests {
    static let logPath = "/data/__cluster_metadata-0/00000000000000000000.log"

    /// A store on a simulated disk, and what a controller decides for it.
    private struct Bench {
        let disk: SimulatedDisk
        let store: LocalMetadataStore
        var cluster: ClusterBench

        init(
            _ disk: SimulatedDisk = SimulatedDisk(), snapshotAfter: Int64 = 1 << 30, seed: UInt64 = 5,
            segmentBytes: Int64 = 1 << 30, retentionBytes: Int64 = 0, clock: ManualClock = ManualClock()
        ) throws {
            self.disk = disk
            var random = SeededGenerator(seed: seed)
            let identity = try NodeIdentity.open(disk: disk, paths: ["/data"], nodeId: nil, using: &random)
            store = LocalMetadataStore(
                disk: disk, directory: "/data", identity: identity, clock: clock, logger: .silent,
                settings: .init(
                    maxBytesBetweenSnapshots: snapshotAfter, segmentBytes: segmentBytes,
                    retention: .init(maxBytes: retentionBytes, maxMs: -1)))
            cluster = try ClusterBench(seed: seed)
            cluster.image = try store.open()
        }

        mutating func perform<R: ControllerRequest>(_ request: R) throws {
            cluster.perform(request)
            try store.commit([cluster.records])
            store.didPublish(cluster.image)
        }

        mutating func register() throws {
            try perform(RegisterBroker(brokerId: 1, incarnationId: .zero, endpoints: [], logDirs: []))
        }

        mutating func create(_ name: String) throws {
            try perform(CreateTopicsRequest.of([.of(name, partitions: 2, configs: ["segment.bytes": "100"])]))
        }

        func files() throws -> [String] { disk.paths.filter { $0.hasPrefix("/data/__cluster") } }
    }

    @Test func `a new directory becomes a cluster of one`() throws {
        var bench = try Bench()
        #expect(Uuid(bench.cluster.image.clusterId) != nil)
        #expect(bench.cluster.image.features == ["metadata.version": MetadataVersion.current])
        #expect(bench.cluster.image.lastOffset == 1)
        #expect(bench.store.epoch == 1)
        try bench.register()
        #expect(bench.cluster.image.brokers[1]?.epoch == 2)
    }

    @Test func `what was committed is there after a restart, in a new epoch`() throws {
        var bench = try Bench()
        try bench.register()
        try bench.create("a")
        try bench.create("b")
        try bench.perform(DeleteTopicsRequest.of(names: ["a"]))
        try bench.perform(AllocateProducerIds(brokerId: 1))
        let before = bench.cluster.image
        let again = try Bench(bench.disk)
        #expect(again.store.epoch == 2)
        let after = again.cluster.image
        // The new epoch's first record is the only thing between them.
        #expect(after.lastOffset == before.lastOffset + 1)
        var builder = ImageBuilder(before)
        #expect(try builder.finish(lastOffset: after.lastOffset).image == after)
    }

    @Test func `a full disk refuses a change, and takes the next when there is room`() throws {
        for room in [0, 50, 200] {
            var bench = try Bench()
            try bench.register()
            let before = try #require(bench.disk.contents(Self.logPath))
            let image = bench.cluster.image
            bench.disk.setRoom(room)
            #expect { try bench.create(String(repeating: "a", count: 200)) } throws: { error in
                (error as? MetadataStoreError)?.isTransient == true
            }
            #expect(bench.disk.contents(Self.logPath) == before)
            bench.disk.setRoom(nil)
            bench.cluster.image = image
            try bench.create("b")
            // What was refused does not come back, whatever happens to the power.
            var random = SimulatedDisk.Random(seed: UInt64(room))
            bench.disk.crash(&random)
            #expect(try Bench(bench.disk).cluster.image.topics.map(\.name) == ["b"])
        }
    }

    @Test func `a full disk puts off a snapshot and a new segment, and nothing else`() throws {
        var bench = try Bench(snapshotAfter: 1)
        try bench.register()
        bench.disk.inject(InjectedError(operation: .open, part: ".log", code: ENOSPC))
        try bench.create("a")
        bench.disk.inject(InjectedError(operation: .write, part: ".checkpoint", code: ENOSPC))
        try bench.create("b")
        try bench.create("c")
        #expect(try bench.files().allSatisfy { !$0.hasSuffix(MetadataSnapshot.partSuffix) })
        #expect(try Bench(bench.disk).cluster.image.topics.map(\.name).sorted() == ["a", "b", "c"])
    }

    @Test func `files for Kafka that there was no room for come with the next change, or with the stop`() throws {
        let names = ["quorum-state", "leader-epoch-checkpoint", "partition.metadata"]
        for name in names {
            for stops in [false, true] {
                var bench = try Bench()
                bench.disk.inject(InjectedError(operation: .write, part: name, code: ENOSPC))
                try bench.register()
                #expect(try bench.files().allSatisfy { !$0.hasSuffix(name) && !$0.hasSuffix(".tmp") })
                if stops { bench.store.close() } else { try bench.create("a") }
                for name in names { #expect(try bench.files().contains { $0.hasSuffix(name) }) }
            }
        }
    }

    @Test func `a log that is cut at any byte keeps whole changes, and goes on from there`() throws {
        var bench = try Bench()
        try bench.register()
        var images = [bench.cluster.image]
        var ends = [try #require(bench.disk.contents(Self.logPath)).count]
        for name in ["a", "b", "c"] {
            try bench.create(name)
            images.append(bench.cluster.image)
            ends.append(try #require(bench.disk.contents(Self.logPath)).count)
        }
        let whole = try #require(bench.disk.contents(Self.logPath))
        let meta = try #require(bench.disk.contents("/data/meta.properties"))
        for length in ends[0]...whole.count {
            let disk = SimulatedDisk()
            disk.plant("/data/meta.properties", meta)
            // Every third time the missing bytes are there, but are something else.
            let garbage = [UInt8](repeating: UInt8(length & 0xFF), count: length % 3 == 0 ? whole.count - length : 0)
            disk.plant(Self.logPath, Array(whole[..<length]) + garbage)
            var again = try Bench(disk)
            let expected = images[ends.lastIndex { $0 <= length } ?? 0]
            #expect(again.cluster.image.lastOffset == expected.lastOffset + 1)
            #expect(
                Set(again.cluster.image.topics.map { $0.name }) == Set(expected.topics.map { $0.name }), "\(length)")
            guard length % 20 == 0 else { continue }
            try again.create("d")
            #expect(try Bench(disk).cluster.image.topic("d")?.partitions.count == 2, "\(length)")
        }
    }

    @Test(arguments: 0..<40)
    func `after a loss of power at any time nothing that was acknowledged is missing`(seed: Int) throws {
        var random = SimulatedDisk.Random(seed: UInt64(seed))
        let disk = SimulatedDisk()
        var acknowledged: Set<String> = []
        var clusterId: String?
        for round in 0..<6 {
            disk.failAfter(Int.random(in: 1..<60, using: &random))
            do {
                var bench = try Bench(disk, snapshotAfter: 1500, seed: UInt64(round))
                if let clusterId { #expect(bench.cluster.image.clusterId == clusterId) }
                #expect(Set(bench.cluster.image.topics.map { $0.name }).isSuperset(of: acknowledged))
                try bench.register()
                clusterId = bench.cluster.image.clusterId
                for number in 0..<20 {
                    let name = "t-\(round)-\(number)"
                    try bench.create(name)
                    acknowledged.insert(name)
                }
            } catch {}
            disk.crash(&random)
        }
        let bench = try Bench(disk)
        #expect(Set(bench.cluster.image.topics.map { $0.name }).isSuperset(of: acknowledged))
        for name in acknowledged {
            #expect(bench.cluster.image.topic(name)?.partitions.count == 2)
            #expect(bench.cluster.image.configs(of: .topic(name)) == ["segment.bytes": "100"])
        }
    }

    @Test func `a failed write ends all writing`() throws {
        var bench = try Bench()
        try bench.register()
        bench.disk.failSyncs(true)
        #expect(throws: MetadataStoreError.self) { try bench.create("a") }
        bench.disk.failSyncs(false)
        #expect(throws: MetadataStoreError.self) { try bench.create("b") }
    }

    @Test func `a snapshot takes the place of the log, and the log goes on behind it`() throws {
        var bench = try Bench(snapshotAfter: 4000)
        try bench.register()
        for number in 0..<60 { try bench.create("t\(number)") }
        try bench.perform(AllocateProducerIds(brokerId: 1))
        let names = try bench.files().compactMap { $0.split(separator: "/").last.map(String.init) }
        let snapshots = names.compactMap { MetadataSnapshot(fileName: $0) }
        let segments = names.compactMap { LocalMetadataLog.baseOffset($0) }
        #expect(snapshots.count == 1 && segments.count == 1)
        #expect(snapshots.first?.endOffset == segments.first && segments.first ?? 0 > 0)
        let before = bench.cluster.image
        for _ in 0..<2 {
            let after = try Bench(bench.disk, snapshotAfter: 4000).cluster.image
            var builder = ImageBuilder(before)
            #expect(try builder.finish(lastOffset: after.lastOffset).image == after)
        }
    }

    @Test func `records that are missing, or damage before the end, keep the broker from starting`() throws {
        var bench = try Bench()
        try bench.register()
        try bench.create("a")
        let contents = try #require(bench.disk.contents(Self.logPath))
        let second = "/data/__cluster_metadata-0/00000000000000000020.log"
        bench.disk.plant(second, contents)
        #expect(throws: MetadataStoreError.self) { try Bench(bench.disk) }
        try bench.disk.remove(Self.logPath)
        #expect(throws: MetadataStoreError.self) { try Bench(bench.disk) }
    }

    @Test func `what Apache Kafka wrote is read, and goes on in its format`() throws {
        let disk = try KafkaMetadataFixture.disk()
        var bench = try Bench(disk)
        let image = bench.cluster.image
        #expect(image.clusterId == "jQIRNB11SnKa6aPoqvzT7Q")
        #expect(bench.store.epoch == 2 && image.lastOffset == 154)
        #expect(image.features == ["metadata.version": 21])
        let partitions = Dictionary(image.topics.map { ($0.name, $0.partitions.count) }) { first, _ in first }
        #expect(
            partitions == [
                "plain": 2, "codec-none": 1, "codec-gzip": 1, "codec-snappy": 1, "codec-lz4": 1, "codec-zstd": 1,
                "rolled": 1, "compacted": 1, "trimmed": 1, "transactions": 2, "append-time": 1, "empty": 3,
                "__consumer_offsets": 3, "__transaction_state": 3,
            ])
        #expect(image.topic("plain")?.id.description == "ebrWPNuGR-i6xxTq8y-gRw")
        #expect(image.configs(of: .topic("rolled")) == ["segment.bytes": "4096", "segment.index.bytes": "1024"])
        #expect(image.nextProducerId == 1000)
        let broker = try #require(image.brokers[1])
        #expect(broker.epoch == 6 && broker.fenced && broker.inControlledShutdown)
        #expect(broker.endpoints.map { "\($0.name)://\($0.host):\($0.port)" } == ["PLAINTEXT://127.0.0.1:38092"])
        #expect(image.controllers[1]?.endPoints.first?.port == 38093)
        #expect(image.undescribed.count == 1)
        // Kafka took leadership away when it stopped; whoever starts on the directory gets it back.
        #expect(image.topics.allSatisfy { $0.partitions.allSatisfy { $0.leader == -1 && $0.leaderEpoch == 1 } })
        try bench.register()
        #expect(
            bench.cluster.image.topics.allSatisfy { $0.partitions.allSatisfy { $0.leader == 1 && $0.leaderEpoch == 2 } }
        )
        try bench.create("ours")
        #expect(try Bench(disk).cluster.image.topicCount == 15)
    }

    /// The places of the batches of a segment.
    private func places(_ contents: [UInt8]) throws -> [Int] {
        var batches = RecordBatches(Bytes(contents))
        var places: [Int] = []
        var position = 0
        while let batch = try batches.next() {
            places.append(position)
            position += batch.sizeInBytes
        }
        return places
    }

    @Test func `damage in front of what was made durable later is refused with its place, and not cut`() throws {
        var bench = try Bench()
        try bench.register()
        for name in ["a", "b", "c", "d"] { try bench.create(name) }
        let whole = try #require(bench.disk.contents(Self.logPath))
        let places = try places(whole)
        // LeaderChange, bootstrap and the registration are durable together; each topic is by itself.
        #expect(places.count == 7)
        for (index, place) in places.enumerated() {
            let disk = SimulatedDisk()
            disk.plant("/data/meta.properties", try #require(bench.disk.contents("/data/meta.properties")))
            var damaged = whole
            damaged[place + 70] ^= 1
            disk.plant(Self.logPath, damaged)
            do {
                let again = try Bench(disk)
                // Only the end can have been torn.
                #expect(index == places.count - 1)
                #expect(again.cluster.image.topicCount == 3)
            } catch let error as MetadataStoreError {
                #expect(index < places.count - 1)
                #expect(error.description.hasPrefix("\(Self.logPath) is damaged at byte \(place): "))
                #expect(disk.contents(Self.logPath) == damaged)
            }
        }
    }

    @Test func `after a clean stop no end is torn`() throws {
        var bench = try Bench()
        try bench.register()
        try bench.create("a")
        let contents = try #require(bench.disk.contents(Self.logPath))
        bench.disk.plant(Self.logPath, Array(contents.dropLast(5)))
        bench.disk.plant("/data/.kafka_cleanshutdown", [])
        #expect(throws: MetadataStoreError.self) { try Bench(bench.disk) }
        try bench.disk.remove("/data/.kafka_cleanshutdown")
        #expect(try Bench(bench.disk).cluster.image.topicCount == 0)
    }

    @Test func `a directory with partitions and without metadata is no new cluster`() throws {
        let disk = SimulatedDisk()
        disk.plant("/data/orders-0/00000000000000000000.log", [])
        #expect(throws: MetadataStoreError.self) { try Bench(disk) }
        try disk.removeTree("/data/orders-0")
        #expect(try Bench(disk).cluster.image.topicCount == 0)
    }

    @Test func `a damaged snapshot is passed over while the log behind it is there`() throws {
        var bench = try Bench(snapshotAfter: 4000, retentionBytes: 1 << 30)
        try bench.register()
        for number in 0..<60 { try bench.create("t\(number)") }
        let snapshots = try bench.files().filter { $0.hasSuffix(".checkpoint") }.sorted()
        #expect(snapshots.count > 1)
        for path in snapshots {
            var bytes = try #require(bench.disk.contents(path))
            bytes[100] ^= 1
            bench.disk.plant(path, bytes)
        }
        #expect(try Bench(bench.disk, retentionBytes: 1 << 30).cluster.image.topicCount == 60)
        // Without the log there is nothing to guess from.
        try bench.disk.remove(Self.logPath)
        #expect(throws: MetadataStoreError.self) { try Bench(bench.disk) }
    }

    @Test func `segments end at their size, and go with the snapshots that need them, Kafka's indexes too`() throws {
        let disk = SimulatedDisk()
        disk.plant("/data/__cluster_metadata-0/00000000000000000000.index", [])
        disk.plant("/data/__cluster_metadata-0/00000000000000000000.timeindex", [])
        var bench = try Bench(disk, snapshotAfter: 6000, segmentBytes: 1000, retentionBytes: 20_000)
        try bench.register()
        for number in 0..<150 { try bench.create("t\(number)") }
        let files = try bench.files()
        let names = files.compactMap { $0.split(separator: "/").last.map(String.init) }
        let segments = names.compactMap { LocalMetadataLog.baseOffset($0) }.sorted()
        let snapshots = names.compactMap { MetadataSnapshot(fileName: $0)?.endOffset }.sorted()
        #expect(segments.count > 3 && snapshots.count >= 1)
        #expect(segments[0] > 0 && segments[0] <= snapshots[0])
        #expect(!names.contains("00000000000000000000.index"))
        let bytes = files.compactMap { disk.contents($0)?.count }.reduce(0, +)
        #expect(bytes < 60_000)
        #expect(try Bench(disk, segmentBytes: 1000).cluster.image.topicCount == 150)
    }

    @Test func `retention keeps what the limits allow, and always the newest snapshot`() {
        func kept(_ maxBytes: Int64, _ maxMs: Int64) -> (Int64, [Int64]) {
            let snapshots = [Int64](1...3).map { number in
                MetadataRetention.Snapshot(
                    name: MetadataSnapshot(endOffset: number * 100, epoch: 1), bytes: 10, writtenMs: number * 1000)
            }
            let segments: [(baseOffset: Int64, bytes: Int64)] = [(0, 50), (100, 50), (250, 50), (300, 50)]
            let result = MetadataRetention(maxBytes: maxBytes, maxMs: maxMs)
                .kept(snapshots, segments: segments, nowMs: 4000)
            return (result.startOffset, result.snapshots.map(\.endOffset))
        }
        #expect(kept(-1, -1) == (0, [100, 200, 300]))
        #expect(kept(229, -1) == (200, [200, 300]))
        #expect(kept(0, -1) == (300, [300]))
        #expect(kept(-1, 2500) == (200, [200, 300]))
        #expect(kept(-1, 0) == (300, [300]))
    }

    @Test func `what the quorum keeps beside the image is carried on by snapshots`() throws {
        let disk = try KafkaMetadataFixture.disk()
        let version = KRaftVersionRecord(kRaftVersion: 1)
        let voters = VotersRecord(voters: [.init(voterId: 1, voterDirectoryId: Uuid(high: 7, low: 8))])
        let log = try #require(disk.contents(Self.logPath))
        let batch = try MetadataBatch.encode(control: [version, voters], baseOffset: 154, epoch: 1, timestampMs: 5)
        disk.plant(Self.logPath, log + batch.array)
        var bench = try Bench(disk, snapshotAfter: 1)
        try bench.register()
        var reader = MetadataLogReader(
            disk: disk, directory: "/data/__cluster_metadata-0", wasCleanStop: false,
            empty: ClusterImage(clusterId: "c"))
        try reader.read()
        #expect(reader.snapshot != nil && reader.voters == voters && reader.kraftVersion == version)
        #expect(
            disk.contents("/data/__cluster_metadata-0/quorum-state").map { String(decoding: $0, as: UTF8.self) }?
                .contains(#""votedDirectoryId""#) == true)
    }

    @Test func `the epochs are kept as Kafka keeps them`() throws {
        let disk = try KafkaMetadataFixture.disk()
        disk.plant("/data/__cluster_metadata-0/leader-epoch-checkpoint", Array("0\n1\n1 0\n".utf8))
        for _ in 0..<2 {
            var bench = try Bench(disk)
            try bench.register()
        }
        let contents = try #require(disk.contents("/data/__cluster_metadata-0/leader-epoch-checkpoint"))
        let lines = String(decoding: contents, as: UTF8.self).split(separator: "\n").map(String.init)
        #expect(lines.prefix(4) == ["0", "3", "1 0", "2 154"] && lines.last?.hasPrefix("3 ") == true)
    }

    @Test func `the first start takes the level that Kafka's formatting tool wrote`() throws {
        let disk = SimulatedDisk()
        disk.plant("/data/meta.properties", try KafkaMetadataFixture.file("meta.properties"))
        disk.plant("/data/bootstrap.checkpoint", try KafkaMetadataFixture.file("bootstrap.checkpoint"))
        #expect(try Bench(disk).cluster.image.features == ["metadata.version": 21])
    }
}
