import Testing

@testable import KCore

/// Where a member of a group begins with a sink, by what a broker of this process says.
@Suite struct SinkStartTests {
    typealias Cluster = ToolsEndToEndTests.Cluster

    private let partitions = (0..<3 as Range<Int32>).map { TopicPartition(topic: "t", partition: $0) }

    private func client(_ cluster: Cluster, _ properties: (name: String, value: String)...) throws -> KafkaClient {
        try KafkaClient(try ClientConfig([("bootstrap.servers", cluster.server)] + properties))
    }

    private func settings() throws -> ConsumeSettings {
        let words = ["-t", "t", "-g", "g", "--sink", "/copy"]
        guard case .run(_, let arguments) = try ArgumentParser.parse(.kconsume, words) else {
            throw ToolError("not a run")
        }
        return try ConsumeSettings(arguments, nowMs: 0)
    }

    @Test func `only a partition whose offset a transaction holds waits for it`() throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "t", "-p", "3").status == .done)
        #expect(cluster.run(.kproduce, "-t", "t", "-p", "1", "-q", input: "a\nb\n").status == .done)
        let (writer, reader) = (
            try client(cluster, ("transactional.id", "x")), try client(cluster, ("auto.offset.reset", "latest"))
        )
        defer {
            writer.close()
            reader.close()
        }
        let producer = Producer(writer) { _ in }
        try producer.initTransactions()
        try producer.beginTransaction()
        try producer.sendOffsets([partitions[0]: 7], group: "g")
        let sink = SinkDirectory("/copy", disk: SimulatedDisk())
        let start = try SinkStart(settings(), reader, sink)
        let offsets = try start.offsets(partitions)
        #expect(offsets.held == [partitions[0]: .transaction])
        #expect(
            offsets.start == [partitions[1]: 2, partitions[2]: 0], "the others begin at once, at their end as it is now"
        )
        #expect(partitions.map { sink.offset($0) } == [nil, 2, 0])
        try producer.commitTransaction()
        // It is decided now, and what it has stored is the group's a moment later.
        expectEventually("the offset that it held") {
            (try? start.offsets([partitions[0]]))?.start == [partitions[0]: 7]
        }
        #expect(partitions.map { sink.offset($0) } == [7, 2, 0])
    }

    @Test(arguments: [true, false])
    func `a held partition begins where the first run would have it, unless the group has an offset`(
        commits: Bool
    ) throws {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "t", "-p", "3").status == .done)
        let (writer, first, later) = (
            try client(cluster, ("transactional.id", "x")), try client(cluster, ("auto.offset.reset", "latest")),
            try client(cluster, ("auto.offset.reset", "latest"))
        )
        defer { for client in [writer, first, later] { client.close() } }
        let produce = { (lines: String) in
            cluster.run(.kproduce, "-t", "t", "-p", "0", "-q", input: lines).status == .done
        }
        #expect(produce("a\nb\n"))
        let producer = Producer(writer) { _ in }
        try producer.initTransactions()
        try producer.beginTransaction()
        try producer.sendOffsets([partitions[0]: 1], group: "g")
        let disk = SimulatedDisk()
        do {
            let sink = SinkDirectory("/copy", disk: disk)
            let offsets = try SinkStart(settings(), first, sink).offsets(partitions)
            #expect(offsets.held == [partitions[0]: .transaction] && offsets.leaderless.isEmpty)
            #expect(sink.offset(partitions[0]) == nil && sink.offsetUnlessStored(partitions[0]) == 2)
            // Asked again it is kept as it was: what has come meanwhile is not left out.
            #expect(produce("c\n"))
            let again = try SinkStart(settings(), first, sink).offsets([partitions[0]])
            #expect(again.held == [partitions[0]: .transaction] && again.start.isEmpty)
            #expect(sink.offsetUnlessStored(partitions[0]) == 2)
        }
        // That process has died, and another one asks.
        if commits { try producer.commitTransaction() } else { try producer.abortTransaction() }
        let sink = SinkDirectory("/copy", disk: disk)
        let start = try SinkStart(settings(), later, sink)
        expectEventually("where it begins") {
            (try? start.offsets([partitions[0]]))?.start == [partitions[0]: commits ? 1 : 2]
        }
        #expect(sink.offset(partitions[0]) == (commits ? 1 : 2))
        #expect(disk.contents("/copy/t-0/starts") == nil, "it has begun")
    }
}
