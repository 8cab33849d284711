/// How far a group has come in a partition.
public struct GroupOffset: Sendable, Equatable {
    /// Of the first record that is not handled yet.
    public var offset: Int64
    /// Of the last record that was handled; -1 when not known.
    public var leaderEpoch: Int32
    /// What the committer noted beside it.
    public var metadata: String

    public init(_ offset: Int64, leaderEpoch: Int32 = -1, metadata: String = "") {
        self.offset = offset
        self.leaderEpoch = leaderEpoch
        self.metadata = metadata
    }
}

/// What happens to a member's share of the partitions.
enum GroupEvent: Sendable, Equatable {
    /// With a number of its own for each time, which commits of these partitions say.
    case assigned([TopicPartition], share: Int)
    /// Their topic was deleted and made anew. They stay with the reader, by this number.
    case madeAnew([TopicPartition], share: Int, isReadOn: Bool)
    /// Of these there was no stored offset, or one that does not exist any more: they begin here.
    case began([TopicPartition: Int64])
    /// This cannot be read now, for this reason.
    case waits(TopicPartition, ErrorCode)
    /// The coordinator does not let this member begin, for this reason.
    case blocked(ClientError)
    /// To be answered with the number once the reader has let go.
    case revoking([TopicPartition], number: Int)
    case lost([TopicPartition])
}

/// Which topics a member of a group wants.
public enum GroupTopics: Sendable {
    case named([String])
    /// Those of all topics that this picks, also such as are created later.
    case matching(@Sendable ([String]) -> [String])
}
