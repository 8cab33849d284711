/// Levels of `metadata.version`, which says what records a metadata log may have, and in which versions.
enum MetadataVersion {
    static let featureName = "metadata.version"
    /// Kafka 3.9-IV0: with directories of replicas. What a new log is made with.
    static let current: Int16 = 21
    /// From Kafka 3.3-IV3, the first with KRaft for production, up to 4.0-IV3.
    static let supported: ClosedRange<Int16> = 7...25
    /// Kafka 3.7-IV2, the first whose records say in which log directories replicas are (KIP-858).
    static let withDirectories: Int16 = 17
}

extension ClusterImage {
    /// The level of `metadata.version`; 0 when no record says one.
    var metadataVersion: Int16 { features[MetadataVersion.featureName] ?? 0 }

    /// Whether records may name log directories: an older Kafka could not read one that does.
    var hasDirectories: Bool { metadataVersion >= MetadataVersion.withDirectories }
}
