/// DescribeLogDirs (KIP-113, KIP-827): what lies in which log directory, and how much room there is.
enum DescribeLogDirsHandler {
    static func handle(_ request: DescribeLogDirsRequest, _ call: Call) {
        call.broker.workers.submit {
            var response = DescribeLogDirsResponse()
            response.results = call.broker.logManager.describeDirectories().map { result(of: $0, request, call) }
            call.reply(response)
        }
    }

    private static func result(
        of directory: LogDirectoryDescription, _ request: DescribeLogDirsRequest, _ call: Call
    ) -> DescribeLogDirsResponse.DescribeLogDirsResult {
        var result = DescribeLogDirsResponse.DescribeLogDirsResult()
        result.logDir = AbsolutePath.of(directory.path)
        guard directory.error == nil else {
            result.errorCode = .kafkaStorageError
            return result
        }
        result.totalBytes = directory.totalBytes
        result.usableBytes = directory.usableBytes
        var wanted: [String: Set<Int32>]?
        if let topics = request.topics {
            wanted = [:]
            for topic in topics { wanted?[topic.topic, default: []].formUnion(topic.partitions) }
        }
        var topics: [String: [DescribeLogDirsResponse.DescribeLogDirsPartition]] = [:]
        for (name, size) in directory.sizes {
            if let wanted, wanted[name.topic]?.contains(name.partition) != true { continue }
            var partition = DescribeLogDirsResponse.DescribeLogDirsPartition()
            partition.partitionIndex = name.partition
            partition.partitionSize = size
            topics[name.topic, default: []].append(partition)
        }
        result.topics = topics.sorted { $0.key < $1.key }.map { name, partitions in
            var topic = DescribeLogDirsResponse.DescribeLogDirsTopic()
            topic.name = name
            topic.partitions = partitions.sorted { $0.partitionIndex < $1.partitionIndex }
            return topic
        }
        return result
    }
}
