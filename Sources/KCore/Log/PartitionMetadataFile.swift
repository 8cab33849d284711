/// `partition.metadata`: says to which topic id a partition's directory belongs.
enum PartitionMetadataFile {
    static let name = "partition.metadata"

    static func write(topicId: Uuid) -> Bytes { Bytes("version: 0\ntopic_id: \(topicId)") }

    /// The topic id; nil when the text is none.
    static func read(_ contents: Bytes) -> Uuid? {
        var version: Substring?
        var id: Uuid?
        for line in contents.utf8String.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            switch line[..<colon] {
            case "version": version = value
            case "topic_id": id = Uuid(value)
            default: break
            }
        }
        return version == "0" ? id : nil
    }
}
