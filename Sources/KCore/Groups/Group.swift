/// A group: its members, by one of the protocols, and how far it has come.
struct Group: Sendable {
    /// What the log says of a classic group; nil for one that only commits offsets.
    var kept: GroupMetadataValue?
    /// The classic group as it lives; nil until somebody asks for it.
    var classic: ClassicGroup?
    /// The group of the new protocol; a group is of one kind at a time.
    var consumer: ConsumerGroup?
    var offsets = GroupOffsets()

    /// The generation or epoch that follows one, which comes from a record and may be anything.
    static func epoch(after epoch: Int32) -> Int32 { epoch == .max ? 1 : max(epoch, 0) + 1 }

    /// Nothing says that it is there.
    var isForgettable: Bool {
        kept == nil && consumer == nil && offsets.isEmpty
            && (classic.map { $0.members.isEmpty && $0.pendingMembers.isEmpty } ?? true)
    }
}
