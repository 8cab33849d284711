/// What a history of coordinators is about, from its seed.
struct CoordinatorsPlan {
    enum Kind: String, CaseIterable {
        /// Members of the classic protocol that give up everything for a rebalance, or only what moves.
        case eager, cooperative
        /// Members to which the coordinator assigns (KIP-848).
        case consumer
        /// Both: the group changes its protocol back and forth.
        case mixed
        /// Transactional producers above all.
        case transactions
    }

    let seed: UInt64
    var kind: Kind
    /// Steps of ``stepMs`` milliseconds in which things go wrong.
    var steps = 500
    static let stepMs: Int64 = 100
    /// Whether topics are deleted, and made anew.
    var deletesTopics: Bool
    /// Whether a batch of the groups' log has room for some dozen records only.
    var hasSmallBatches: Bool
    /// Whether the cleaner goes through both logs now and then.
    var isCleaned: Bool
    /// Those that have members, one or two.
    var groups: [String]
    /// Whether offsets are committed for many partitions at once.
    var commitsWhole: Bool { deletesTopics || hasSmallBatches }

    init(seed: UInt64) {
        self.seed = seed
        kind = Kind.allCases[Int(seed % UInt64(Kind.allCases.count))]
        // Seven and eleven have nothing to do with what else is taken from the seed.
        let more = seed % 7
        deletesTopics = more < 3
        hasSmallBatches = more == 1 || more == 3
        isCleaned = more == 2 || more > 3
        groups = seed % 11 < 4 ? ["g", "h"] : ["g"]
    }
}
