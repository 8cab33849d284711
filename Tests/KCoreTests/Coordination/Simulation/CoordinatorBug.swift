/// A mistake that a coordinator could make, made around it: what it is asked, what it answers, or what its log keeps is
/// changed on the way. The simulation must find each.
enum CoordinatorBug: String, CaseIterable, Sendable {
    /// A member of the classic protocol is given what another one of its generation has, too.
    case assignsTwice
    /// A member is given what another one has not let go of yet (KIP-848).
    case givesBeforeRelease
    /// A commit counts in whichever generation it was made.
    case acceptsFormerGenerations
    /// A commit counts in whichever epoch it was made (KIP-848).
    case acceptsFormerEpochs
    /// A static member commits after another one has taken its place.
    case acceptsFencedInstances
    /// A transaction commits the offsets of a member of a former generation.
    case acceptsFormerGenerationsInTransactions
    /// Leaders do not learn that a topic has got more partitions, while somebody else is a static member.
    case leadersOverlookNewPartitions
    /// Who assigns by itself (KIP-848) does not learn that either.
    case coordinatorOverlooksNewPartitions
    /// Who is silent stays a member.
    case forgetsSessions
    /// The same in one of two groups only.
    case forgetsSessionsOfOne
    /// What is committed for one group counts for another one, too.
    case confusesGroups
    /// The offsets that a transaction commits count, though newer ones were committed since.
    case lateTransactionWins
    /// The tombstone of an offset is written while its group has members.
    case expiresOffsetsOfMembers
    /// Answers do not wait for what they tell to be kept.
    case answersTooEarly
    /// The last batch that was kept is gone after a crash.
    case losesWhatIsKept
    /// Records of members' assignments are not written.
    case forgetsAssignments
    /// An answer is sent a second time.
    case answersTwice
    /// An answer is not sent.
    case answersNever
    /// One partition of a transaction is left without its marker.
    case forgetsMarker
    /// Markers have the epoch of the records, and not the one that the transaction ended with.
    case marksWithFormerEpoch
    /// Partitions are told that every transaction has failed when its markers are written a second time.
    case forgetsDecision
    /// The end of a transaction ends whichever is open (KAFKA-17754).
    case acceptsLateEnds
    /// Whoever had a transactional id before may go on with it.
    case acceptsZombieProducers
    /// Who had a transactional id before is given the next epoch for the one it had (KIP-360).
    case renewsZombieProducers
    /// Transactions are aborted at once.
    case abortsTooEarly
    /// What is late from one transaction is taken as part of the next, and makes its partition part of that.
    case takesLateWrites
    /// A record is written before its partition is part of the transaction, where writing adds partitions.
    case appendsBeforeAdding
    /// Offsets count before their transaction has ended.
    case showsOpenTransactions
    /// Who asks for offsets that no transaction will change is told others, too.
    case showsUnstableOffsets
    /// What a transaction changes for one partition is unstable for all of the group.
    case confusesUnstableOffsets
    /// Who is no member any more is told where the group is, as if it had not said who it is (KIP-848).
    case tellsFormerMembers
    /// Offsets of a topic outlive it.
    case keepsOffsetsOfDeletedTopics
    /// Transactions wait for partitions that are gone.
    case waitsForDeletedTopics
    /// Of a commit for several partitions that of the first is kept, and all are answered.
    case keepsOnlyTheFirst
    /// Offsets are kept of partitions that are not there.
    case keepsWhatIsMissing
    /// Each batch is kept by itself, also of those that belong together.
    case dividesCommits
    /// What is too much for one batch is not divided.
    case dividesNothing
    /// The cleaner takes markers away while their transactions' records are there.
    case cleansMarkers
    /// The cleaner keeps an older record of a key, and not the last one.
    case cleansTheLast
    /// The cleaner takes tombstones away that hide something.
    case cleansTombstones

    /// What the finding must say.
    var evidence: [String] {
        switch self {
        case .assignsTwice: ["two owners", "while"]
        case .givesBeforeRelease: ["while", "two owners"]
        case .acceptsFormerGenerations, .acceptsFormerEpochs, .acceptsFencedInstances,
            .acceptsFormerGenerationsInTransactions:
            ["a commit of a fenced member"]
        case .leadersOverlookNewPartitions, .coordinatorOverlooksNewPartitions: ["in peace"]
        case .confusesGroups: ["is told as", "goes back"]
        case .forgetsSessions, .forgetsSessionsOfOne: ["silent", "in peace"]
        case .lateTransactionWins: ["goes back", "is told as"]
        case .expiresOffsetsOfMembers: ["is told as -1", "goes back to -1"]
        case .answersTooEarly, .losesWhatIsKept: ["goes back", "is told as", "goes from", "two owners", "while"]
        case .forgetsAssignments: ["the log says", "goes from", "two owners", "while"]
        case .answersTwice: ["answered twice"]
        case .answersNever: ["not answered"]
        case .forgetsMarker: ["hangs"]
        case .marksWithFormerEpoch: ["is ended with epoch"]
        case .forgetsDecision: ["is torn", "is another now", "were told", "is committed", "are there"]
        case .acceptsLateEnds, .abortsTooEarly: ["nobody asked"]
        case .acceptsZombieProducers: ["zombie"]
        case .renewsZombieProducers: ["begins anew"]
        case .takesLateWrites: ["the marker of transaction", "zombie"]
        case .appendsBeforeAdding: ["hangs", "the marker of transaction", "is torn", "are there"]
        case .showsOpenTransactions: ["is told as"]
        case .showsUnstableOffsets: ["as stable"]
        case .confusesUnstableOffsets: ["as unstable"]
        case .tellsFormerMembers: ["a fenced member is told"]
        case .keepsOffsetsOfDeletedTopics: ["of a topic that is gone"]
        case .waitsForDeletedTopics: ["is not over"]
        case .keepsOnlyTheFirst: ["is told as", "goes back"]
        case .keepsWhatIsMissing: ["not there"]
        case .dividesCommits: ["is torn"]
        case .dividesNothing: ["does not come up"]
        case .cleansMarkers, .cleansTheLast, .cleansTombstones:
            ["the log says", "has cleaned", "goes back", "is told as"]
        }
    }
}
