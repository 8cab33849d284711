/// A dictionary whose changed copies share all but a few nodes with the original, so that one change among ten thousand
/// topics copies a few hundred bytes and not ten thousand entries.
///
/// A tree over five bits of the key's hash at a time; a node has only the children that exist (a hash array mapped trie).
struct PersistentMap<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private var root = Node(present: 0, slots: [])
    private(set) var count = 0

    private final class Node: Sendable {
        /// Which of 32 children exist; `slots` has those.
        let present: UInt32
        let slots: [Slot]

        init(present: UInt32, slots: [Slot]) {
            self.present = present
            self.slots = slots
        }
    }

    private enum Slot: Sendable {
        case entry(Key, Value)
        case node(Node)
        /// Keys whose hashes are equal in all bits.
        case collisions([(Key, Value)])
    }

    private static var bits: UInt64 { 5 }
    private static var hashBits: UInt64 { 64 }

    init() {}

    var isEmpty: Bool { count == 0 }

    subscript(key: Key) -> Value? {
        get { value(for: key) }
        set {
            if let newValue { set(key, newValue) } else { remove(key) }
        }
    }

    private func value(for key: Key) -> Value? {
        let hash = Self.hash(key)
        var node = root
        var shift: UInt64 = 0
        while true {
            let bit = Self.bit(hash, shift)
            guard node.present & bit != 0 else { return nil }
            switch node.slots[Self.index(node.present, bit)] {
            case .entry(let other, let value): return other == key ? value : nil
            case .collisions(let entries): return entries.first { $0.0 == key }?.1
            case .node(let child):
                node = child
                shift += Self.bits
            }
        }
    }

    private mutating func set(_ key: Key, _ value: Value) {
        var isNew = false
        root = Self.setting(key, value, hash: Self.hash(key), shift: 0, in: root, isNew: &isNew)
        if isNew { count += 1 }
    }

    private mutating func remove(_ key: Key) {
        guard let changed = Self.removing(key, hash: Self.hash(key), shift: 0, from: root) else { return }
        root = changed
        count -= 1
    }

    /// Calls `body` with every entry, in no particular order.
    func visit(_ body: (Key, Value) -> Void) { Self.visit(root, body) }

    /// All values, in no particular order.
    var values: [Value] {
        var values: [Value] = []
        values.reserveCapacity(count)
        visit { _, value in values.append(value) }
        return values
    }

    // MARK: The tree

    private static func hash(_ key: Key) -> UInt64 { UInt64(bitPattern: Int64(key.hashValue)) }
    private static func bit(_ hash: UInt64, _ shift: UInt64) -> UInt32 { 1 << UInt32((hash >> shift) & 31) }
    private static func index(_ present: UInt32, _ bit: UInt32) -> Int { (present & (bit - 1)).nonzeroBitCount }

    private static func setting(
        _ key: Key, _ value: Value, hash: UInt64, shift: UInt64, in node: Node, isNew: inout Bool
    ) -> Node {
        let bit = bit(hash, shift)
        let index = index(node.present, bit)
        var slots = node.slots
        guard node.present & bit != 0 else {
            isNew = true
            slots.insert(.entry(key, value), at: index)
            return Node(present: node.present | bit, slots: slots)
        }
        switch slots[index] {
        case .entry(let other, _) where other == key:
            slots[index] = .entry(key, value)
        case .entry(let other, let otherValue):
            isNew = true
            slots[index] = split((other, otherValue), (key, value), shift: shift + bits)
        case .collisions(var entries):
            if let place = entries.firstIndex(where: { $0.0 == key }) {
                entries[place] = (key, value)
            } else {
                isNew = true
                entries.append((key, value))
            }
            slots[index] = .collisions(entries)
        case .node(let child):
            slots[index] = .node(setting(key, value, hash: hash, shift: shift + bits, in: child, isNew: &isNew))
        }
        return Node(present: node.present, slots: slots)
    }

    /// What holds two entries whose hashes agree below `shift`.
    private static func split(_ a: (Key, Value), _ b: (Key, Value), shift: UInt64) -> Slot {
        guard shift < hashBits else { return .collisions([a, b]) }
        let bitA = bit(hash(a.0), shift)
        let bitB = bit(hash(b.0), shift)
        if bitA == bitB { return .node(Node(present: bitA, slots: [split(a, b, shift: shift + bits)])) }
        let (first, second) = bitA < bitB ? (a, b) : (b, a)
        return .node(Node(present: bitA | bitB, slots: [.entry(first.0, first.1), .entry(second.0, second.1)]))
    }

    /// Nil when `key` is not there. A node may become empty and stays: names come back, and lookups do not mind.
    private static func removing(_ key: Key, hash: UInt64, shift: UInt64, from node: Node) -> Node? {
        let bit = bit(hash, shift)
        guard node.present & bit != 0 else { return nil }
        let index = index(node.present, bit)
        var slots = node.slots
        switch slots[index] {
        case .entry(let other, _):
            guard other == key else { return nil }
            slots.remove(at: index)
            return Node(present: node.present & ~bit, slots: slots)
        case .collisions(var entries):
            guard let place = entries.firstIndex(where: { $0.0 == key }) else { return nil }
            entries.remove(at: place)
            slots[index] = .collisions(entries)
        case .node(let child):
            guard let changed = removing(key, hash: hash, shift: shift + bits, from: child) else { return nil }
            slots[index] = .node(changed)
        }
        return Node(present: node.present, slots: slots)
    }

    private static func visit(_ node: Node, _ body: (Key, Value) -> Void) {
        for slot in node.slots {
            switch slot {
            case .entry(let key, let value): body(key, value)
            case .collisions(let entries): for (key, value) in entries { body(key, value) }
            case .node(let child): visit(child, body)
            }
        }
    }
}

extension PersistentMap: Equatable where Value: Equatable {
    static func == (a: PersistentMap, b: PersistentMap) -> Bool {
        guard a.count == b.count else { return false }
        var areEqual = true
        a.visit { key, value in if areEqual { areEqual = b[key] == value } }
        return areEqual
    }
}
