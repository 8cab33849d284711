import Testing

@testable import KCore

@Suite struct PartitionSinkTests {
    private let partition = TopicPartition(topic: "orders", partition: 3)
    private let directory = "/copy/orders-3"

    private func open(_ disk: SimulatedDisk, segmentBytes: Int64 = 1000) throws -> PartitionSink {
        try #require(try PartitionSink.open(disk, directory, partition, segmentBytes: segmentBytes))
    }

    /// What counts, as a reader of the files finds it.
    private func output(_ disk: SimulatedDisk) throws -> String {
        let text = String(decoding: disk.contents(directory + "/position") ?? [], as: UTF8.self)
        let position = try #require(SinkPosition(text, of: partition))
        var bytes: [UInt8] = []
        for name in try disk.list(directory).map(\.name).filter(SinkPosition.isOutput).sorted() {
            let contents = disk.contents(directory + "/" + name) ?? []
            bytes += name == position.file ? contents.prefix(Int(position.bytes)) : contents[...]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `what is committed is there with its position`() throws {
        let disk = SimulatedDisk()
        let sink = try open(disk)
        #expect(sink.position == nil)
        try sink.begin(at: 7)
        sink.output.append("one\ntwo\n" as StaticString)
        try sink.commit(next: 9)
        #expect(try output(disk) == "one\ntwo\n")
        #expect(
            String(decoding: disk.contents(directory + "/position") ?? [], as: UTF8.self) == """
                version=1
                topic=orders
                partition=3
                offset=9
                file=00000000000000000007.lines
                bytes=8

                """)
    }

    @Test func `the topic's id is kept, and a position without one gets it`() throws {
        let disk = SimulatedDisk()
        do {
            let sink = try open(disk)
            try sink.begin(at: 0)
        }
        let id = Uuid(high: 1, low: 2)
        do {
            let sink = try #require(
                try PartitionSink.open(disk, directory, partition, topicId: id, segmentBytes: 1000))
            sink.output.append("one\n" as StaticString)
            try sink.commit(next: 1)
        }
        let text = String(decoding: disk.contents(directory + "/position") ?? [], as: UTF8.self)
        #expect(text.hasPrefix("version=1\ntopic=orders\ntopic_id=\(id)\npartition=3\n"))
        #expect(SinkPosition(text, of: partition)?.topicId == id)
        #expect(SinkPosition(text.replacing("\(id)", with: "what"), of: partition) == nil)
    }

    @Test func `what is not committed is cut off by who comes next`() throws {
        let disk = SimulatedDisk()
        do {
            let sink = try open(disk)
            try sink.begin(at: 0)
            sink.output.append("one\n" as StaticString)
            try sink.commit(next: 1)
            sink.output.append("two\n" as StaticString)
            sink.output.flush()
        }
        #expect(disk.contents(directory + "/00000000000000000000.lines").map { $0.count } == 8)
        let next = try open(disk)
        #expect(next.position?.offset == 1)
        #expect(disk.contents(directory + "/00000000000000000000.lines").map { $0.count } == 4)
    }

    @Test func `the position of other output removes nothing`() throws {
        let disk = SimulatedDisk()
        let path = directory + "/" + SinkPosition.fileName
        var old = Bytes()
        do {
            let sink = try open(disk, segmentBytes: 4)
            try sink.begin(at: 0)
            old = Bytes(disk.contents(path) ?? [])
            for number in 1...3 {
                sink.output.append("one\n" as StaticString)
                try sink.commit(next: Int64(number))
            }
        }
        try disk.replaceFile(path, with: old)
        let before = try disk.list(directory).map(\.name).sorted()
        #expect(throws: ToolError.self) { try open(disk, segmentBytes: 4) }
        #expect(try disk.list(directory).map(\.name).sorted() == before)
        #expect(disk.contents(directory + "/00000000000000000002.lines").map { $0.count } == 4)
    }

    @Test func `who writes into a directory that was moved away does not touch what is in its place`() throws {
        let temporary = TemporaryDirectory()
        let disk = SystemDisk()
        let (place, moved) = (temporary.path + "/orders-3", temporary.path + "/old")
        let first = try #require(try PartitionSink.open(disk, place, partition, segmentBytes: 1000))
        try first.begin(at: 0)
        first.output.append("one\n" as StaticString)
        try first.commit(next: 1)
        try disk.rename(place, to: moved)
        let second = try #require(try PartitionSink.open(disk, place, partition, segmentBytes: 1000))
        try second.begin(at: 100)
        let position = try disk.readFile(place + "/position")
        first.output.append("two\n" as StaticString)
        #expect(throws: ToolError.self) { try first.commit(next: 2) }
        #expect(try disk.readFile(place + "/position") == position)
        let old = try disk.readFile(moved + "/position")?.utf8String ?? ""
        #expect(SinkPosition(old, of: partition)?.offset == 1)
    }

    @Test func `a partition has one writer at a time`() throws {
        let disk = SimulatedDisk()
        do {
            let first = try open(disk)
            #expect(try PartitionSink.open(disk, directory, partition, segmentBytes: 1000) == nil)
            try first.begin(at: 0)
        }
        #expect(try open(disk).position?.offset == 0)
    }

    @Test func `a file that has grown is followed by another, named by the offset where it begins`() throws {
        let disk = SimulatedDisk()
        let sink = try open(disk, segmentBytes: 6)
        try sink.begin(at: 0)
        for next in Int64(1)...4 {
            sink.output.append("line\n" as StaticString)
            try sink.commit(next: next)
        }
        #expect(try output(disk) == "line\nline\nline\nline\n")
        #expect(
            try disk.list(directory).map(\.name).filter(SinkPosition.isOutput).sorted() == [
                "00000000000000000000.lines", "00000000000000000002.lines", "00000000000000000004.lines",
            ])
    }

    @Test func `output without its position, and output that was shortened, are not taken over`() throws {
        let disk = SimulatedDisk()
        do {
            let sink = try open(disk)
            try sink.begin(at: 0)
            sink.output.append("one\n" as StaticString)
            try sink.commit(next: 1)
        }
        disk.plant(directory + "/00000000000000000000.lines", Array("on".utf8))
        #expect(throws: ToolError.self) { try open(disk) }
        disk.plant(directory + "/00000000000000000000.lines", Array("one\n".utf8))
        #expect(try open(disk).position?.bytes == 4)
        disk.plant(directory + "/position", Array("version=2\n".utf8))
        #expect(throws: ToolError.self) { try open(disk) }
        try disk.remove(directory + "/position")
        #expect(throws: ToolError.self) { try open(disk) }
    }

    @Test func `a disk that is full ends it, and nothing counts that is not whole`() throws {
        let disk = SimulatedDisk()
        do {
            let sink = try open(disk)
            try sink.begin(at: 0)
            sink.output.append("one\n" as StaticString)
            try sink.commit(next: 1)
            disk.setRoom(2)
            sink.output.append("two\n" as StaticString)
            #expect(throws: ToolError.self) { try sink.commit(next: 2) }
        }
        disk.setRoom(nil)
        #expect(try open(disk).position?.offset == 1)
        #expect(try output(disk) == "one\n")
    }

    // The system says it once, and may have dropped the lines.
    @Test func `a sync that has failed is not tried again as if it counted`() throws {
        let disk = SimulatedDisk()
        do {
            let sink = try open(disk)
            try sink.begin(at: 0)
            sink.output.append("one\n" as StaticString)
            try sink.commit(next: 1)
            disk.inject(InjectedError(operation: .sync, part: ".lines", code: 5))
            sink.output.append("two\n" as StaticString)
            #expect(throws: ToolError.self) { try sink.commit(next: 2) }
            #expect(throws: ToolError.self) { try sink.commit(next: 2) }
            #expect(throws: ToolError.self) { try sink.commit(next: 3) }
        }
        #expect(try open(disk).position?.offset == 1)
        #expect(try output(disk) == "one\n")
    }

    @Test(arguments: 0..<8)
    func `losing power or the process at any moment neither loses nor repeats a line`(_ group: Int) throws {
        for seed in UInt64(group) * 250..<UInt64(group + 1) * 250 {
            var random = SimulatedDisk.Random(seed: seed)
            let disk = SimulatedDisk()
            var promised: Int64 = 0
            for _ in 0..<6 {
                disk.failAfter(random.int(1...40))
                promised = work(disk, &random, promised)
                if random.oneIn(2) { disk.crash(&random) } else { disk.restart() }
                disk.failAfter(nil)
                let sink = try open(disk, segmentBytes: 40)
                let offset = sink.position?.offset ?? 0
                // At most what was being committed when it ended is there beyond what was promised.
                #expect(offset >= promised, "seed \(seed)")
                if sink.position != nil {
                    #expect(try output(disk) == (0..<offset).map { "line \($0)\n" }.joined(), "seed \(seed)")
                }
                promised = offset
            }
        }
    }

    /// Writes on until the disk fails.
    /// - Returns: how far it was told to be durable.
    private func work(_ disk: SimulatedDisk, _ random: inout SimulatedDisk.Random, _ promised: Int64) -> Int64 {
        var promised = promised
        do {
            guard let sink = try PartitionSink.open(disk, directory, partition, segmentBytes: 40) else {
                return promised
            }
            if sink.position == nil { try sink.begin(at: 0) }
            var next = sink.position?.offset ?? 0
            while true {
                for _ in 0..<random.int(1...4) {
                    sink.output.append("line \(next)\n")
                    next += 1
                }
                if random.oneIn(3) { sink.output.flush() }
                if random.oneIn(2) {
                    try sink.commit(next: next)
                    promised = next
                }
            }
        } catch {
            return promised
        }
    }
}
