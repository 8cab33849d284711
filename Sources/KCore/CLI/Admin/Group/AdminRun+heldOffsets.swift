extension AdminRun {
    /// Names on stderr those of these partitions of which a transaction that has not ended is to store the group's offset: it
    /// may count behind what is changed now, or be lost. A broker that cannot be asked is no obstacle.
    func warnOfHeldOffsets(_ group: String, _ partitions: [TopicPartition]) {
        guard !partitions.isEmpty, !arguments.isGiven(CommonOptions.quiet),
            let offsets = try? admin.stableGroupOffsets(group, of: partitions)
        else { return }
        let held = offsets.filter { _, result in
            if case .failure(let error) = result { error.errorCode == .unstableOffsetCommit } else { false }
        }
        guard !held.isEmpty else { return }
        console.warning(
            "a transaction that has not ended is to store the offset of group \(group) in "
                + held.keys.sorted().map(\.description).joined(separator: ", ")
                + "; kadmin txn list --state Ongoing shows it")
    }
}
