/// `kconsume -p`: partitions, such as `0,2-4`.
public struct PartitionList: Sendable, Equatable {
    public var ranges: [ClosedRange<Int32>]

    public init(_ text: String) throws(ToolError) {
        ranges = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            guard let first = PartitionList.number(ends[0]), let last = PartitionList.number(ends[ends.count - 1])
            else {
                throw .usage("-p \(text): not partitions such as 3, 0,2 or 0-4")
            }
            guard first <= last else { throw .usage("-p \(text): \(part) ends before it starts") }
            ranges.append(first...last)
        }
    }

    public func contains(_ partition: Int32) -> Bool { ranges.contains { $0.contains(partition) } }

    /// Partitions in order, as they are typed: `0,2-4`.
    static func text(_ partitions: [Int32]) -> String {
        var ranges: [ClosedRange<Int32>] = []
        for partition in partitions.sorted() {
            if let last = ranges.last, partition <= last.upperBound + 1 {
                ranges[ranges.count - 1] = last.lowerBound...max(last.upperBound, partition)
            } else {
                ranges.append(partition...partition)
            }
        }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }

    private static func number(_ text: Substring) -> Int32? {
        text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ? Int32(text) : nil
    }
}
