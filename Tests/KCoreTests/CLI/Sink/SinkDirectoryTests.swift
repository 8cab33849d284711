import Testing

@testable import KCore

@Suite struct SinkDirectoryTests {
    private let partition = TopicPartition(topic: "t", partition: 0)

    private func fetched(_ batches: [[UInt8]], topicId: Uuid = .zero) -> FetchedRecords {
        FetchedRecords(
            topic: "t", topicId: topicId, partition: 0, startOffset: 0, endOffset: .max,
            bytes: Bytes(batches.flatMap { $0 }), isolation: .readCommitted, checksCRC: true, aborted: [])
    }

    private func batch(_ base: Int64, _ values: [String]) throws -> [UInt8] {
        var options = BatchOptions()
        options.baseOffset = base
        let builder = RecordBatchBuilder(options)
        for value in values { try builder.append(timestamp: 1, key: nil, value: Bytes(value)) }
        return try builder.close().array
    }

    private func position(_ disk: SimulatedDisk) throws -> SinkPosition {
        let text = String(decoding: disk.contents("/copy/t-0/position") ?? [], as: UTF8.self)
        return try #require(SinkPosition(text, of: partition))
    }

    @Test func `what was printed before a batch that cannot be read counts, and does not come again`() throws {
        let disk = SimulatedDisk()
        let sink = SinkDirectory("/copy", disk: disk)
        #expect(try sink.open(partition, topicId: .zero))
        try sink.begin(partition, at: 0)
        var damaged = try batch(2, ["c"])
        damaged[damaged.count - 1] ^= 1
        let piece = fetched([try batch(0, ["a", "b"]), damaged, try batch(3, ["d"])])
        #expect(throws: ToolError.self) { try sink.print(piece, .valueLine, upTo: .max) }
        #expect(sink.ends == [partition: 2])
        #expect(try sink.commit() == [partition: GroupOffset(2)])
        #expect(try position(disk).offset == 2 && position(disk).bytes == 4)
        #expect(disk.contents("/copy/t-0/00000000000000000000.lines") == Array("a\nb\n".utf8))
    }

    @Test func `nothing is printed but what follows on what is there`() throws {
        let disk = SimulatedDisk()
        let sink = SinkDirectory("/copy", disk: disk)
        #expect(try sink.open(partition, topicId: .zero))
        let piece = fetched([try batch(0, ["a", "b"])])
        #expect(throws: ToolError.self, "it has not begun") { try sink.print(piece, .valueLine, upTo: .max) }
        try sink.begin(partition, at: 0)
        #expect(try sink.print(piece, .valueLine, upTo: .max) == 2)
        #expect(throws: ToolError.self, "again") { try sink.print(piece, .valueLine, upTo: .max) }
        _ = try sink.commit()
        #expect(throws: ToolError.self, "again") { try sink.print(piece, .valueLine, upTo: .max) }
        try sink.begin(partition, at: 5)
        #expect(throws: ToolError.self, "2 to 4") { try sink.print(piece, .valueLine, upTo: .max) }
        _ = try sink.commit()
        #expect(try position(disk).offset == 5 && position(disk).bytes == 4)
    }

    @Test func `a topic that was made anew is not what the output is of`() throws {
        let disk = SimulatedDisk()
        let (old, new) = (Uuid(high: 1, low: 2), Uuid(high: 3, low: 4))
        do {
            let sink = SinkDirectory("/copy", disk: disk)
            #expect(try sink.open(partition, topicId: old))
            try sink.begin(partition, at: 0)
            _ = try sink.print(fetched([try batch(0, ["a"])], topicId: old), .valueLine, upTo: .max)
            // While it is read.
            let other = fetched([try batch(1, ["b"])], topicId: new)
            #expect(throws: ToolError.self) { try sink.print(other, .valueLine, upTo: .max) }
            _ = try sink.commit()
            #expect(try position(disk).topicId == old && position(disk).offset == 1)
        }
        let next = SinkDirectory("/copy", disk: disk)
        #expect(throws: ToolError.self) { try next.open(partition, topicId: new) }
        #expect(try SinkDirectory("/copy", disk: disk).open(partition, topicId: old))
        // A broker without ids cannot tell.
        #expect(try SinkDirectory("/copy", disk: disk).open(partition, topicId: .zero))
    }

    @Test func `output of a topic is found in the directories of its partitions, and of no other topic`() throws {
        let disk = SimulatedDisk()
        let (old, new) = (Uuid(high: 1, low: 2), Uuid(high: 3, low: 4))
        let sink = SinkDirectory("/copy", disk: disk)
        #expect(try sink.open(partition, topicId: old))
        #expect(try sink.firstPartitions(of: "t", id: old) == nil, "opened, and not begun")
        try sink.begin(partition, at: 7, partitions: 4)
        #expect(try sink.firstPartitions(of: "t", id: old) == 4 && sink.firstPartitions(of: "t", id: .zero) == 4)
        #expect(try sink.firstPartitions(of: "t", id: new) == nil, "made anew under the name")
        let other = TopicPartition(topic: "t-1", partition: 0)
        #expect(try sink.open(other, topicId: new))
        try sink.begin(other, at: 0)
        #expect(try sink.firstPartitions(of: "t-1", id: new) == 0, "it does not say")
        #expect(try sink.firstPartitions(of: "t-", id: .zero) == nil && sink.firstPartitions(of: "t", id: new) == nil)
    }

    @Test func `how many partitions a topic had at first stays with its output`() throws {
        let disk = SimulatedDisk()
        let sink = SinkDirectory("/copy", disk: disk, segmentBytes: 1)
        let later = TopicPartition(topic: "t", partition: 5)
        for (place, count) in [(partition, Int32(4)), (later, 6)] {
            #expect(try sink.open(place, topicId: .zero))
            try sink.begin(place, at: 0, partitions: count)
        }
        try sink.begin(partition, at: 9, partitions: 6)
        #expect(try sink.firstPartitions(of: "t", id: .zero) == 4)
        let text = String(decoding: disk.contents("/copy/t-5/position") ?? [], as: UTF8.self)
        #expect(text.contains("\npartition=5\npartitions=6\n") && SinkPosition(text, of: later)?.partitions == 6)
    }

    @Test func `output goes on in the format that it began in, and is not taken over in another`() throws {
        let disk = SimulatedDisk()
        let format = SinkPosition.format("%k '%v'\n")
        #expect(format == #"'%k '\''%v'\''\n'"#)
        do {
            let sink = SinkDirectory("/copy", format: format, disk: disk)
            #expect(try sink.open(partition, topicId: .zero))
            try sink.begin(partition, at: 0)
        }
        #expect(try position(disk).format == format)
        for other in [SinkPosition.format(nil), SinkPosition.format("%v\n")] {
            #expect(throws: ToolError.self) {
                try SinkDirectory("/copy", format: other, disk: disk).open(partition, topicId: .zero)
            }
        }
        #expect(try SinkDirectory("/copy", format: format, disk: disk).open(partition, topicId: .zero))
    }
}
