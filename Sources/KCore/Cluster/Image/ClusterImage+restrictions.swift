extension ClusterImage {
    /// What the metadata of a directory that Kafka wrote keeps clients from and nothing here does, a sentence each.
    var unenforcedRestrictions: [String] {
        func count(_ isOne: (MetadataLogRecord) -> Bool) -> Int { undescribed.count { isOne($0) } }
        let rules = count { if case .accessControlEntry = $0 { true } else { false } }
        let quotas = count { if case .clientQuota = $0 { true } else { false } }
        var sentences: [String] = []
        if rules > 0 {
            sentences.append("the ACLs in the metadata are kept and not enforced: everybody may do everything")
        }
        if quotas > 0 { sentences.append("the client quotas in the metadata are kept and not enforced") }
        return sentences
    }
}
