/// A partition of a topic, printed as its directory is named: `orders-3`.
public struct TopicPartition: Hashable, Sendable {
    public var topic: String
    public var partition: Int32

    public init(topic: String, partition: Int32) {
        self.topic = topic
        self.partition = partition
    }
}

extension TopicPartition: Comparable {
    public static func < (a: TopicPartition, b: TopicPartition) -> Bool {
        (a.topic, a.partition) < (b.topic, b.partition)
    }
}

extension TopicPartition: CustomStringConvertible {
    public var description: String { "\(topic)-\(partition)" }
}
