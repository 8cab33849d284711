import Testing

@testable import KCore

@Suite struct SinkBeginTests {
    private static let partitions = (0..<3 as Range<Int32>).map { TopicPartition(topic: "t", partition: $0) }
    private static let places: [TopicPartition: SinkStarts.Place] = [
        partitions[0]: .offset(7), partitions[1]: .beginning, partitions[2]: .offset(9),
    ]

    private func open(
        _ disk: SimulatedDisk, _ partitions: [TopicPartition] = SinkBeginTests.partitions
    ) throws -> SinkDirectory {
        let sink = SinkDirectory("/copy", disk: disk)
        for partition in partitions { try #require(try sink.open(partition, topicId: .zero)) }
        try sink.resume()
        return sink
    }

    private func begin(_ disk: SimulatedDisk) throws {
        let sink = SinkDirectory("/copy", disk: disk)
        for partition in SinkBeginTests.partitions { _ = try sink.open(partition, topicId: .zero) }
        try sink.begin(SinkBeginTests.places, partitions: ["t": 3])
    }

    private func begun(_ sink: SinkDirectory) -> [TopicPartition: SinkStarts.Place] {
        var begun: [TopicPartition: SinkStarts.Place] = [:]
        for partition in SinkBeginTests.partitions {
            if sink.beginsAtBeginning(partition) { begun[partition] = .beginning }
            if let offset = sink.offset(partition) { begun[partition] = .offset(offset) }
        }
        return begun
    }

    @Test(arguments: [false, true])
    func `partitions that begin together begin all or none, at whatever moment the process or the power ends`(
        losesPower: Bool
    ) throws {
        var outcomes: Set<Int> = []
        var isDone = false
        for moment in 0..<200 where !isDone {
            for seed in 0..<(losesPower ? 16 : 1) as Range<UInt64> {
                let disk = SimulatedDisk()
                disk.failAfter(moment)
                isDone = (try? begin(disk)) != nil
                var random = SimulatedDisk.Random(seed: seed)
                if losesPower { disk.crash(&random) } else { disk.restart() }
                let found = try begun(open(disk))
                #expect(found == SinkBeginTests.places || found.isEmpty && !isDone, "moment \(moment), seed \(seed)")
                outcomes.insert(found.count)
            }
        }
        #expect(isDone && outcomes == [0, 3])
    }

    @Test func `what was to begin with others begins there, whoever has it next`() throws {
        let partitions = SinkBeginTests.partitions
        for moment in 0..<200 {
            let disk = SimulatedDisk()
            disk.failAfter(moment)
            _ = try? begin(disk)
            disk.restart()
            guard disk.contents("/copy/t-0/starts") != nil else { continue }
            #expect(partitions.allSatisfy { disk.contents("/copy/\($0)/position") == nil }, "killed between the two")
            #expect(try begun(open(disk, [partitions[2]])) == [partitions[2]: .offset(9)])
            #expect(try begun(open(disk, [partitions[0]])) == [partitions[0]: .offset(7)])
            #expect(disk.contents("/copy/t-0/starts") != nil, "one has not begun")
            do {
                let last = try open(disk, [partitions[1]])
                #expect(begun(last) == [partitions[1]: .beginning])
                try last.begin(partitions[1], at: 5)
                #expect(begun(last) == [partitions[1]: .offset(5)])
                #expect(disk.contents("/copy/t-1/starts") == nil)
                #expect(last.sinks[partitions[1]]?.position?.partitions == 3)
            }
            _ = try open(disk, [partitions[0]])
            #expect(disk.contents("/copy/t-0/starts") == nil)
            return
        }
        Issue.record("where they begin was never kept")
    }

    @Test func `of a topic that was made anew nothing is to begin`() throws {
        let (old, new) = (Uuid(high: 1, low: 2), Uuid(high: 3, low: 4))
        let disk = SimulatedDisk()
        let partition = SinkBeginTests.partitions[1]
        do {
            let sink = SinkDirectory("/copy", disk: disk)
            #expect(try sink.open(partition, topicId: old))
            try sink.begin([partition: .beginning])
            #expect(sink.beginsAtBeginning(partition))
        }
        let sink = SinkDirectory("/copy", disk: disk)
        #expect(try sink.open(partition, topicId: new))
        try sink.resume()
        #expect(begun(sink).isEmpty)
        try sink.begin([partition: .offset(3)])
        #expect(begun(sink) == [partition: .offset(3)] && disk.contents("/copy/t-1/starts") == nil)
    }

    @Test func `output is found when power has gone, also in directories whose maker was killed`() throws {
        for seed in 0..<50 as Range<UInt64> {
            let disk = SimulatedDisk()
            try disk.createDirectory("/copy", durable: false)
            for partition in SinkBeginTests.partitions {
                try disk.createDirectory("/copy/\(partition)", durable: false)
            }
            disk.restart()
            try begin(disk)
            var random = SimulatedDisk.Random(seed: seed)
            disk.crash(&random)
            #expect(try begun(open(disk)) == SinkBeginTests.places, "seed \(seed)")
        }
    }

    @Test func `what is to begin is read as it was written, and nothing else is`() throws {
        let id = Uuid(high: 1, low: 2)
        let starts = SinkStarts([
            SinkStarts.Entry(
                partition: TopicPartition(topic: "a-b.c", partition: 11), place: .offset(12), partitions: 13,
                topicId: id),
            SinkStarts.Entry(
                partition: TopicPartition(topic: "a", partition: 0), place: .beginning, partitions: nil, topicId: .zero),
            SinkStarts.Entry(
                partition: TopicPartition(topic: "a", partition: 1), place: .storedOr(5), partitions: 2, topicId: .zero),
        ])
        #expect(starts.text == "version=1\na-b.c 11 12 13 \(id)\na 0 beginning - -\na 1 stored-or-5 2 -\n")
        #expect(SinkStarts(starts.text) == starts)
        for text in [
            "", "version=2\n", "version=1\na 0 end - -\n", "version=1\na 0 -1 - -\n", "version=1\na 0 1 x -\n",
            "version=1\na 0 stored-or- - -\n", "version=1\na 0 stored-or--1 - -\n",
        ] {
            #expect(SinkStarts(text) == nil, "\(text)")
        }
    }
}
