/// As even as can be, with as little change as can be (KIP-54).
enum StickyAssignor {
    static func assign(_ partitionCounts: [String: Int32], to members: [AssignorMember]) -> [String: [TopicPartition]] {
        guard let first = members.first else { return [:] }
        let wanted = members.reduce(into: Set<String>()) { $0.formUnion($1.topics) }
        let counts = partitionCounts.filter { wanted.contains($0.key) }
        if members.allSatisfy({ $0.topics == first.topics }) {
            return EvenSticky(counts, members, ValidClaims(members, counts)).assign()
        }
        return UnevenSticky(counts, members, ValidClaims(members, counts)).assign()
    }

    /// All partitions, by topic and number.
    static func partitions(_ counts: [String: Int32]) -> [TopicPartition] {
        counts.sorted { $0.key.isLess(than: $1.key) }.flatMap { topic, count in
            (0..<max(0, count)).map { TopicPartition(topic: topic, partition: $0) }
        }
    }
}

/// Which claims of members to partitions hold: those of the newest generation, to partitions that there are and that the
/// member still wants. What two members of one generation claim belongs to neither.
struct ValidClaims {
    private(set) var owned: [String: [TopicPartition]] = [:]
    /// Who had a partition in an older generation, and so may have what it needs still at hand.
    private(set) var formerOwner: [TopicPartition: String] = [:]

    init(_ members: [AssignorMember], _ counts: [String: Int32]) {
        var claims: [TopicPartition: [(member: String, generation: Int32)]] = [:]
        for member in members {
            owned[member.id] = []
            for partition in Set(member.owned) {
                guard member.topics.contains(partition.topic), partition.partition >= 0,
                    partition.partition < counts[partition.topic] ?? 0
                else { continue }
                claims[partition, default: []].append((member.id, member.generation))
            }
        }
        for (partition, claimants) in claims {
            let newest = claimants.map(\.generation).max() ?? -1
            let owners = claimants.filter { $0.generation == newest }
            if owners.count == 1 { owned[owners[0].member]?.append(partition) }
            let older = claimants.filter { $0.generation < newest }.max { $0.generation < $1.generation }
            formerOwner[partition] = older?.member
        }
        for member in owned.keys {
            owned[member]?.sort { ($0.partition, $0.topic) < ($1.partition, $1.topic) }
        }
    }
}

/// All members want the same topics, so each can have any partition: nobody gets more than one more than another.
struct EvenSticky {
    private let partitions: [TopicPartition]
    private let members: [String]
    private let claims: ValidClaims
    private let fewest: Int
    private let most: Int
    // How many members get `most`, where that is more than `fewest`.
    private let fullerMembers: Int

    init(_ counts: [String: Int32], _ members: [AssignorMember], _ claims: ValidClaims) {
        partitions = StickyAssignor.partitions(counts)
        self.members = members.map(\.id).sorted { $0.isLess(than: $1) }
        self.claims = claims
        fewest = partitions.count / members.count
        most = (partitions.count + members.count - 1) / members.count
        fullerMembers = partitions.count % members.count
    }

    func assign() -> [String: [TopicPartition]] {
        var result: [String: [TopicPartition]] = [:]
        var below: [String] = []
        var atFewest: [String] = []
        var fuller = 0
        for member in members {
            let owned = claims.owned[member] ?? []
            if owned.count < fewest {
                result[member] = owned
                below.append(member)
            } else if owned.count >= most && fuller < fullerMembers {
                fuller += 1
                result[member] = Array(owned.prefix(most))
            } else {
                result[member] = Array(owned.prefix(fewest))
                atFewest.append(member)
            }
        }
        let kept = Set(result.values.joined())
        var turn = 0
        for partition in partitions where !kept.contains(partition) {
            // First everybody gets the fewest, in turn, then the first ones get one more.
            if below.isEmpty {
                guard fuller < fullerMembers, !atFewest.isEmpty else { break }
                fuller += 1
                result[atFewest.removeFirst(), default: []].append(partition)
                continue
            }
            if turn >= below.count { turn = 0 }
            let member = below[turn]
            result[member, default: []].append(partition)
            if result[member]?.count == fewest {
                below.remove(at: turn)
                atFewest.append(member)
            } else {
                turn += 1
            }
        }
        return result
    }
}
