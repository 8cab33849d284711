@testable import KCore

extension GroupMember {
    func found(_ counts: [String: Int32], nowMs: Int64) { found(FoundTopic.all(counts), nowMs: nowMs) }
    func changed(_ counts: [String: Int32]) { changed(FoundTopic.all(counts)) }
}

extension FoundTopic {
    /// Topics by their numbers of partitions, without ids.
    static func all(_ counts: [String: Int32]) -> [FoundTopic] {
        counts.sorted { $0.key < $1.key }.map { FoundTopic(name: $0.key, id: .zero, partitionCount: $0.value) }
    }
}
