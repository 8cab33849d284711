@testable import KCore

/// Topics as a coordinator sees them, which come and go.
final class TopicsForGroups {
    private(set) var image: ClusterImage
    private var next: UInt64 = 1

    init(_ counts: [String: Int]) {
        image = ClusterImage(clusterId: "c")
        for (name, count) in counts.sorted(by: { $0.key < $1.key }) { add(name, count) }
    }

    func id(_ name: String) -> Uuid { image.topic(name)?.id ?? .zero }

    /// Makes a topic, or gives it more partitions.
    func add(_ name: String, _ count: Int) {
        var records: [MetadataLogRecord] = []
        var id = image.topic(name)?.id ?? .zero
        if id.isZero {
            id = Uuid(high: 7, low: next)
            next += 1
            var record = TopicRecord()
            record.name = name
            record.topicId = id
            records.append(.topic(record))
        }
        for index in (image.topic(name)?.partitions.count ?? 0)..<count {
            var record = PartitionRecord()
            record.topicId = id
            record.partitionId = Int32(index)
            record.replicas = [1]
            record.isr = [1]
            record.leader = 1
            records.append(.partition(record))
        }
        apply(records)
    }

    func remove(_ name: String) {
        var record = RemoveTopicRecord()
        record.topicId = id(name)
        apply([.removeTopic(record)])
    }

    private func apply(_ records: [MetadataLogRecord]) {
        do { image = try image.applying(records).image } catch { preconditionFailure("\(error)") }
    }
}
