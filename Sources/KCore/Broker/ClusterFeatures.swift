/// What the cluster has agreed on, as ApiVersions tells it (KIP-584): levels by name.
enum ClusterFeatures {
    /// Groups whose members are given their partitions by the coordinator (KIP-848).
    static let groups = "group.version"
    static let transactions = ApiVersionsResponse.transactionVersion

    /// As `kbroker` has them, in the order of their names.
    static let supported: [(name: String, levels: ClosedRange<Int16>)] = [
        (groups, 0...1), (MetadataVersion.featureName, MetadataVersion.supported), (transactions, 0...2),
    ]

    /// The levels in force, in the order of their names: those of the metadata log, and for what does not depend on it the
    /// highest, whether a cluster has asked for it or is older than it.
    static func finalized(_ image: ClusterImage) -> [(name: String, level: Int16)] {
        supported.compactMap { name, levels in
            let level = name == MetadataVersion.featureName ? image.features[name] ?? 0 : levels.upperBound
            return level > 0 ? (name, level) : nil
        }
    }
}

extension ApiVersionsResponse {
    /// Adds what the cluster has agreed on.
    mutating func add(_ image: ClusterImage, version: Int16) {
        // Readers of version 3 refuse a feature that begins at 0.
        supportedFeatures = ClusterFeatures.supported.filter { version >= 4 || $0.levels.lowerBound > 0 }.map {
            var key = SupportedFeatureKey()
            (key.name, key.minVersion, key.maxVersion) = ($0.name, $0.levels.lowerBound, $0.levels.upperBound)
            return key
        }
        finalizedFeaturesEpoch = max(image.lastOffset, 0)
        finalizedFeatures = ClusterFeatures.finalized(image).map { name, level in
            var key = FinalizedFeatureKey()
            (key.name, key.minVersionLevel, key.maxVersionLevel) = (name, level, level)
            return key
        }
    }
}
