/// The states of producers by their ids.
///
/// A copy is kept for every snapshot while the log goes on changing, and there can be millions of producers. So that each change
/// copies only a few of them, many are kept in many dictionaries, which are copied one by one when they are written to.
struct ProducerTable: Sendable {
    typealias Element = (key: Int64, value: ProducerState)

    /// One as long as there are few producers; a power of two.
    private var shards: [[Int64: ProducerState]] = [[:]]
    private(set) var count = 0

    private static let manyShards = 256
    /// More than these in one dictionary take longer to copy than an append takes.
    private static let fewProducers = 512

    var isEmpty: Bool { count == 0 }

    subscript(producerId: Int64) -> ProducerState? {
        get { shards[shard(of: producerId)][producerId] }
        set {
            let shard = shard(of: producerId)
            let before = shards[shard].count
            shards[shard][producerId] = newValue
            count += shards[shard].count - before
            if shards.count == 1 && count > ProducerTable.fewProducers { split() }
        }
    }

    /// Takes a state out, so that it can be changed without a copy.
    mutating func remove(_ producerId: Int64) -> ProducerState? {
        guard let state = shards[shard(of: producerId)].removeValue(forKey: producerId) else { return nil }
        count -= 1
        return state
    }

    // Ids are given one after the other.
    private func shard(of producerId: Int64) -> Int { Int(truncatingIfNeeded: producerId) & (shards.count - 1) }

    private mutating func split() {
        let all = shards[0]
        shards = Array(repeating: [:], count: ProducerTable.manyShards)
        for (id, state) in all { shards[shard(of: id)][id] = state }
    }
}

extension ProducerTable: Sequence {
    /// In no particular order.
    func makeIterator() -> some IteratorProtocol<Element> { shards.lazy.joined().makeIterator() }
}

extension ProducerTable: Equatable {
    static func == (one: ProducerTable, other: ProducerTable) -> Bool {
        one.count == other.count && one.allSatisfy { id, state in other[id] == state }
    }
}
