/// Members want different topics. First what nobody has goes to whoever has least; then partitions move one by one, as
/// long as that makes two members more even.
final class UnevenSticky {
    private var assignment: [String: Set<TopicPartition>]
    private var owner: [TopicPartition: String] = [:]
    private let formerOwner: [TopicPartition: String]
    private let topics: [String: Set<String>]
    private let takers: [String: [String]]
    private let partitions: [TopicPartition]
    // What has moved from whom to whom, by topic, so that nothing is sent back where it came from.
    private var moves: [Move: Set<TopicPartition>] = [:]

    private struct Move: Hashable {
        var topic: String
        var from: String
        var to: String
    }

    init(_ counts: [String: Int32], _ members: [AssignorMember], _ claims: ValidClaims) {
        topics = Dictionary(members.map { ($0.id, $0.topics) }, uniquingKeysWith: { first, _ in first })
        assignment = claims.owned.mapValues { Set($0) }
        formerOwner = claims.formerOwner
        var takers: [String: [String]] = [:]
        for member in members { for topic in member.topics { takers[topic, default: []].append(member.id) } }
        self.takers = takers.mapValues { $0.sorted { $0.isLess(than: $1) } }
        // What few can have goes first.
        partitions = StickyAssignor.partitions(counts).enumerated().sorted { a, b in
            (takers[a.element.topic]?.count ?? 0, a.offset) < (takers[b.element.topic]?.count ?? 0, b.offset)
        }.map(\.element)
        for (member, owned) in assignment { for partition in owned { owner[partition] = member } }
    }

    func assign() -> [String: [TopicPartition]] {
        let isFirst = owner.isEmpty
        for partition in partitions where owner[partition] == nil {
            if let member = leastLoaded(partition.topic) { give(partition, to: member) }
        }
        let before = (assignment, owner)
        let spreadBefore = spread
        if rebalance(), !isFirst, spread >= spreadBefore { (assignment, owner) = before }
        return assignment.mapValues { $0.sorted() }
    }

    private func count(_ member: String) -> Int { assignment[member]?.count ?? 0 }

    private func leastLoaded(_ topic: String) -> String? {
        // Ties go to the first by name: `min` keeps the first of equals.
        takers[topic]?.min { count($0) < count($1) }
    }

    private func give(_ partition: TopicPartition, to member: String) {
        if let old = owner[partition] { assignment[old]?.remove(partition) }
        assignment[member, default: []].insert(partition)
        owner[partition] = member
    }

    // The sum of the differences between all pairs of members: the smaller, the more even.
    private var spread: Int {
        let counts = assignment.values.map(\.count).sorted()
        var (sum, total) = (0, 0)
        for (index, count) in counts.enumerated() {
            total += count * index - sum
            sum += count
        }
        return total
    }

    private func rebalance() -> Bool {
        let movable = partitions.filter { (takers[$0.topic]?.count ?? 0) > 1 }
        var hasMoved = false
        while true {
            var moved = false
            for partition in movable {
                guard let member = owner[partition], let target = target(of: partition, from: member) else { continue }
                move(partition, from: member, to: target)
                moved = true
            }
            if !moved { return hasMoved }
            hasMoved = true
        }
    }

    private func target(of partition: TopicPartition, from member: String) -> String? {
        let load = count(member)
        if let former = formerOwner[partition], topics[former]?.contains(partition.topic) == true,
            load > count(former) + 1
        {
            return former
        }
        guard let least = leastLoaded(partition.topic), load > count(least) + 1 else { return nil }
        return least
    }

    // A partition of the same topic that came the other way goes back instead: one change less.
    private func move(_ partition: TopicPartition, from member: String, to target: String) {
        let reverse = Move(topic: partition.topic, from: target, to: member)
        if let returned = moves[reverse]?.filter({ owner[$0] == member }).min() {
            moves[reverse]?.remove(returned)
            return give(returned, to: target)
        }
        moves[Move(topic: partition.topic, from: member, to: target), default: []].insert(partition)
        give(partition, to: target)
    }
}
