/// The names of partition directories: `topic-3`; `topic-3.<id>-delete` while one waits to be removed; `-future` for one
/// that is being copied from another log directory; `-stray` for one whose topic the cluster does not have, which is
/// kept for people to look at.
enum LogDirectoryName {
    static let deleteSuffix = "-delete"
    static let straySuffix = "-stray"
    static let futureSuffix = "-future"
    static let cleanStopMarker = ".kafka_cleanshutdown"
    static let lockFile = ".lock"
    /// Kept by the cluster layer, not a log of this one.
    static let metadataTopic = "__cluster_metadata"

    static func isDeleted(_ name: String) -> Bool { name.hasSuffix(deleteSuffix) && name.contains(".") }
    static func isFuture(_ name: String) -> Bool { name.hasSuffix(futureSuffix) && name.contains(".") }

    /// The partition; nil for every other name.
    static func parse(_ name: String) -> TopicPartition? {
        guard let dash = name.utf8.lastIndex(of: UInt8(ascii: "-")), dash != name.startIndex,
            let partition = Int32(name[name.index(after: dash)...]), partition >= 0
        else { return nil }
        let digits = name[name.index(after: dash)...]
        guard digits.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else { return nil }
        return TopicPartition(topic: String(name[..<dash]), partition: partition)
    }

    /// The partition whose directory waits to be removed; nil for every other name, and for one that had to be shortened.
    static func parseDeleted(_ name: String) -> TopicPartition? {
        guard isDeleted(name), name.utf8.count < 255, let dot = name.lastIndex(of: ".") else { return nil }
        return parse(String(name[..<dot]))
    }

    /// What a directory is renamed to when its partition is deleted, at most 255 bytes.
    static func deleted(_ topicPartition: TopicPartition) -> String { renamed(topicPartition, deleteSuffix) }

    /// What the directory of a partition that the cluster does not have is renamed to, at most 255 bytes.
    static func stray(_ topicPartition: TopicPartition) -> String { renamed(topicPartition, straySuffix) }

    private static func renamed(_ topicPartition: TopicPartition, _ mark: String) -> String {
        let random = Uuid.random()
        let id = hexadecimal(random.high) + hexadecimal(random.low)
        let suffix = "-\(topicPartition.partition).\(id)\(mark)"
        var topic = topicPartition.topic
        while topic.utf8.count + suffix.utf8.count > 255 { topic.removeLast() }
        return topic + suffix
    }

    private static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
