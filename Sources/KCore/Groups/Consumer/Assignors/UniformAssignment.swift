/// Equal shares: what a member has stays with it as far as its share allows; the rest goes to whoever has least.
///
/// With `m` members and `p` partitions it takes time in the order of `p + m`, and of `log m` for each partition that gets
/// another member.
struct UniformAssignment {
    private struct Topic {
        let id: Uuid
        let partitionCount: Int32
        /// Numbers of members.
        var readers: [Int] = []
        var unassigned: [Int32] = []
    }

    private struct Member {
        let id: String
        var share: TopicShares
        var count: Int
        /// What it got here, the last at the end, which goes first when something has to go.
        var got: [(topic: Uuid, partition: Int32)] = []
    }

    /// In the order of their ids, so that no order of a dictionary decides.
    private var topics: [Topic]
    private var members: [Member]

    init(_ members: [ConsumerAssignor.Member], _ partitionCounts: [Uuid: Int32]) {
        topics = partitionCounts.sorted { $0.key < $1.key }.map { Topic(id: $0.key, partitionCount: max($0.value, 0)) }
        let members = members.sorted { ExactName($0.id) < ExactName($1.id) }
        self.members = members.map { Member(id: $0.id, share: $0.before, count: 0) }
        for index in topics.indices {
            topics[index].readers = members.indices.filter { members[$0].topics.contains(topics[index].id) }
        }
        keepWhatIsThere(members)
    }

    consuming func run() -> NameMap<TopicShares> {
        spread()
        level()
        var shares = NameMap<TopicShares>(minimumCapacity: members.count)
        for member in members { shares[member.id] = member.share }
        return shares
    }

    /// Takes away what a member no longer reads, what there is not, and what another has too.
    private mutating func keepWhatIsThere(_ wishes: [ConsumerAssignor.Member]) {
        let numbers = Dictionary(topics.enumerated().map { ($1.id, $0) }) { first, _ in first }
        var isTaken = topics.map { [Bool](repeating: false, count: Int($0.partitionCount)) }
        for index in members.indices {
            for (id, partitions) in members[index].share.topics {
                guard wishes[index].topics.contains(id), let topic = numbers[id] else {
                    members[index].share[id] = []
                    continue
                }
                for partition in partitions {
                    if isTaken[topic].indices.contains(Int(partition)), !isTaken[topic][Int(partition)] {
                        isTaken[topic][Int(partition)] = true
                    } else {
                        members[index].share.remove(id, partition)
                    }
                }
            }
            members[index].count = members[index].share.count
        }
        for topic in topics.indices {
            topics[topic].unassigned = isTaken[topic].indices.filter { !isTaken[topic][$0] }.map { Int32($0) }
        }
    }

    /// Topics that few can read first, each partition to whoever has least.
    private mutating func spread() {
        let order = topics.indices.sorted { (topics[$0].readers.count, $0) < (topics[$1].readers.count, $1) }
        for topic in order where !topics[topic].unassigned.isEmpty && !topics[topic].readers.isEmpty {
            var takers = MemberQueue(topics[topic].readers.map { (members[$0].count, $0) }, by: <)
            for partition in topics[topic].unassigned {
                guard let taker = takers.pop() else { break }
                give(taker.member, topics[topic].id, partition)
                takers.push(members[taker.member].count, taker.member)
            }
        }
    }

    /// Moves partitions from who has two more than another that can read them. Each move makes the shares more equal, so
    /// it ends.
    private mutating func level() {
        var isLevel = false
        while !isLevel {
            isLevel = true
            for topic in topics.indices where level(topic) { isLevel = false }
        }
    }

    /// - Returns: whether anything was moved.
    private mutating func level(_ topic: Int) -> Bool {
        let id = topics[topic].id
        let readers = topics[topic].readers
        let counts = readers.map { members[$0].count }
        guard let least = counts.min(), let most = counts.max(), most - least >= 2 else { return false }
        let entries = readers.map { (members[$0].count, $0) }
        var givers = MemberQueue(entries.filter { members[$0.1].share.topics[id] != nil }, by: >)
        var takers = MemberQueue(entries, by: <)
        var hasMoved = false
        while let giver = givers.first(where: { members[$0].count }),
            let taker = takers.first(where: { members[$0].count }),
            giver.count - taker.count >= 2, let partition = take(from: giver.member, id)
        {
            give(taker.member, id, partition)
            hasMoved = true
            for member in [giver.member, taker.member] {
                takers.push(members[member].count, member)
                if members[member].share.topics[id] != nil { givers.push(members[member].count, member) }
            }
        }
        return hasMoved
    }

    private mutating func give(_ member: Int, _ topic: Uuid, _ partition: Int32) {
        members[member].share.insert(topic, partition)
        members[member].count += 1
        members[member].got.append((topic, partition))
    }

    /// Takes a partition of a topic from a member: the last that it got here, or else the last that it had.
    private mutating func take(from member: Int, _ topic: Uuid) -> Int32? {
        var last = members[member].share.topics[topic]?.max()
        if let position = members[member].got.lastIndex(where: { $0.topic == topic }) {
            last = members[member].got.remove(at: position).partition
        }
        guard let last else { return nil }
        members[member].share.remove(topic, last)
        members[member].count -= 1
        return last
    }
}

/// Members by how much they have. Of two with the same, the one with the lower number goes first.
private struct MemberQueue {
    typealias Entry = (count: Int, member: Int)

    private var heap: [Entry] = []
    private let isBetter: (Int, Int) -> Bool

    init(_ entries: [Entry], by isBetter: @escaping (Int, Int) -> Bool) {
        self.isBetter = isBetter
        // What is in order is a heap.
        heap = entries.sorted { $0.count == $1.count ? $0.member < $1.member : isBetter($0.count, $1.count) }
    }

    /// The first whose count is still what it was; all in front of it are let go.
    mutating func first(where count: (Int) -> Int) -> Entry? {
        while let first = heap.first {
            if count(first.member) == first.count { return first }
            _ = pop()
        }
        return nil
    }

    mutating func push(_ count: Int, _ member: Int) {
        heap.append((count, member))
        var index = heap.count - 1
        while index > 0, isBefore(index, (index - 1) / 2) {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    mutating func pop() -> Entry? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count && isBefore(child, least) {
                least = child
            }
            if least == index { return first }
            heap.swapAt(index, least)
            index = least
        }
    }

    private func isBefore(_ a: Int, _ b: Int) -> Bool {
        let (x, y) = (heap[a], heap[b])
        return x.count == y.count ? x.member < y.member : isBetter(x.count, y.count)
    }
}
