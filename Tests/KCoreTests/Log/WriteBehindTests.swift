import Testing

@testable import KCore

@Suite struct WriteBehindTests {
    private let jobs = JobQueue()

    private func open(_ config: LogConfig = LogConfig()) throws -> Log {
        let bench = LogBench()
        var environment = bench.environment
        environment.writeBehind = jobs.add
        environment.writeBehindBytes = 1000
        try bench.disk.createDirectory(bench.path)
        return try LogLoader(
            topicPartition: bench.topicPartition, folder: PartitionFolder(path: bench.path, files: environment.files),
            environment: environment, config: config
        ).load()
    }

    @Test func `the kernel is told to write whenever there is enough, once at a time`() throws {
        let log = try open()
        while log.size < 900 { try log.append(["a value"]) }
        #expect(jobs.count == 0)
        while log.size < 5000 { try log.append(["a value"]) }
        // The disk is slow: what came meanwhile goes with the next part.
        #expect(jobs.count == 1)
        jobs.run()
        try log.append(["a value"])
        #expect(jobs.count == 1)
        jobs.run()
        try log.append(["a value"])
        #expect(jobs.count == 0)
    }

    @Test func `a new segment is counted from its start`() throws {
        var config = LogConfig()
        config.segmentBytes = 1500
        let log = try open(config)
        var told = 0
        while log.segmentCount < 5 {
            try log.append(["a value"])
            told += jobs.count
            jobs.run()
        }
        #expect(told == 4)
    }
}
