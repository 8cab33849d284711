@testable import KCore

/// How far groups have come, as far as that follows from what was answered. Answers leave a coordinator in the order in which
/// it took the requests, so that this is the order in which commits count.
struct OffsetChecker {
    struct Key: Hashable, Comparable {
        var group: String
        var partition: TopicPartition

        static func < (a: Key, b: Key) -> Bool { (a.group, a.partition) < (b.group, b.partition) }
    }

    /// What was committed last.
    private struct Commit: Hashable {
        var offset = OffsetChecker.nothing
        /// Of the answer, or of what kept it from being given; what was answered later is newer. A request that was repeated
        /// has one for each time.
        var order = 0
    }

    private struct Pending {
        var offset: Int64
        /// Of the answer; what was answered later is newer.
        var order: Int
        var takenMs: Int64
        /// Whether it was there at all.
        var isCertain: Bool
        /// False from when it may have been forgotten, or its transaction may be over.
        var isOpen = true

        var commit: Commit { Commit(offset: offset, order: order) }
    }

    private struct Entry {
        /// What can be there: one, unless a crash has left it open.
        var possible: Set<Commit> = [Commit()]
        /// When the last commit was made, at the latest.
        var committedMs: Int64 = .min
        /// It has not been needed for long.
        var mayExpire = false
        /// Taken and not answered, for when there is a crash; as often as it was taken.
        var unanswered: [Int64] = []
        /// Everything that ever was there.
        var former: Set<Int64> = []
        /// What was committed for a topic that is gone, though another one may have its name.
        var buried: Set<Int64> = []

        var offsets: Set<Int64> { Set(possible.map(\.offset)) }

        mutating func isAnswered(_ offset: Int64) {
            if let index = unanswered.firstIndex(of: offset) { unanswered.remove(at: index) }
        }
    }

    static let nothing: Int64 = -1
    private var entries: [Key: Entry] = [:]
    /// By producer id. Several where nobody can know which of them is there.
    private var pending: [Int64: [Key: [Pending]]] = [:]
    private var unansweredPending: [(producerId: Int64, key: Key, offset: Int64)] = []
    private var order = 0

    /// In order. None ever goes, and to sort them is a tenth of a history.
    var keys: [Key] {
        if sorted.keys.count != entries.count { sorted.keys = entries.keys.sorted() }
        return sorted.keys
    }

    private final class Sorted { var keys: [Key] = [] }
    private let sorted = Sorted()

    // MARK: Plain commits

    mutating func taken(_ offset: Int64, _ key: Key) { entries[key, default: Entry()].unanswered.append(offset) }

    /// - Parameter takenMs: when the coordinator took the request.
    mutating func accepted(_ offset: Int64, _ key: Key, _ takenMs: Int64) {
        order += 1
        entries[key]?.isAnswered(offset)
        set(Commit(offset: offset, order: order), key, takenMs)
    }

    private mutating func set(_ commit: Commit, _ key: Key, _ takenMs: Int64) {
        var entry = entries[key, default: Entry()]
        if entry.buried.contains(commit.offset) { return }
        entry.former.formUnion(entry.offsets)
        (entry.possible, entry.committedMs) = ([commit], takenMs)
        entry.mayExpire = false
        entries[key] = entry
    }

    /// - Parameter isCertain: false when it is refused without having been looked at, or after it was written.
    mutating func refused(_ offset: Int64, _ key: Key, isCertain: Bool) {
        entries[key]?.isAnswered(offset)
        if !isCertain { mayBe(offset, key) }
    }

    /// What nobody was told of is newer than all that somebody was told of.
    private mutating func mayBe(_ offset: Int64, _ key: Key) {
        order += 1
        mayBe(Commit(offset: offset, order: order), key)
    }

    private mutating func mayBe(_ commit: Commit, _ key: Key) {
        if entries[key]?.buried.contains(commit.offset) != true {
            entries[key, default: Entry()].possible.insert(commit)
        }
    }

    /// A topic is gone, and with it all that was committed for it, be it in transactions that have yet to end: nobody who asks
    /// from now on is told of it.
    mutating func deletedTopic(_ topic: String) {
        for (key, entry) in entries where key.partition.topic == topic {
            var buried = entry.buried.union(entry.offsets).union(entry.unanswered).union(entry.former)
            for candidates in pending.values { buried.formUnion((candidates[key] ?? []).map(\.offset)) }
            buried.formUnion(unansweredPending.filter { $0.key == key }.map(\.offset))
            for producer in pending.keys { pending[producer]?[key] = nil }
            var next = Entry()
            (next.buried, next.unanswered) = (buried.subtracting([OffsetChecker.nothing]), entry.unanswered)
            entries[key] = next
        }
    }

    /// A topic was made anew under its name, and who coordinates was gone before all that was committed for the one before was
    /// forgotten: it cannot be told from what is committed now.
    mutating func mayReturn(_ topic: String) {
        for (key, entry) in entries where key.partition.topic == topic {
            // It is older than all that transactions may yet commit.
            entries[key]?.possible.formUnion(entry.buried.map { Commit(offset: $0) })
            entries[key]?.possible.insert(Commit())
            entries[key]?.buried = []
        }
    }

    /// Nobody will be told what became of what was not answered.
    mutating func crash() {
        for (key, entry) in entries {
            for offset in entry.unanswered { mayBe(offset, key) }
            entries[key]?.unanswered = []
            guard entry.unanswered.contains(OffsetChecker.nothing) else { continue }
            for producer in pending.keys { mayBeOver(producer, key) }
        }
        for (producerId, key, offset) in unansweredPending {
            addedInTransaction(offset, key, of: producerId, isCertain: false, 0)
        }
        unansweredPending = []
    }

    /// Somebody asked for the offset to be forgotten. Those that open transactions may yet commit go with it, if there is one
    /// or the whole group goes.
    mutating func deleted(_ key: Key, withGroup: Bool, isCertain: Bool) {
        var before = entries[key]?.offsets ?? [OffsetChecker.nothing]
        if entries[key]?.mayExpire == true { before.insert(OffsetChecker.nothing) }
        entries[key]?.isAnswered(OffsetChecker.nothing)
        for producer in pending.keys {
            if isCertain { pending[producer]?[key] = nil }
            for index in pending[producer]?[key]?.indices ?? 0..<0 {
                pending[producer]?[key]?[index].isCertain = false
            }
        }
        if before == [OffsetChecker.nothing] && !withGroup { return }
        if isCertain {
            order += 1
            set(Commit(order: order), key, .min)
        } else {
            mayBe(OffsetChecker.nothing, key)
        }
    }

    // MARK: Transactions

    mutating func takenInTransaction(_ offset: Int64, _ key: Key, of producerId: Int64) {
        if entries[key] == nil { entries[key] = Entry() }
        unansweredPending.append((producerId, key, offset))
    }

    mutating func refusedInTransaction(_ offset: Int64, isCertain: Bool) {
        guard let index = unansweredPending.firstIndex(where: { $0.offset == offset }) else { return }
        let (producerId, key, _) = unansweredPending.remove(at: index)
        if !isCertain { addedInTransaction(offset, key, of: producerId, isCertain: false, 0) }
    }

    mutating func addedInTransaction(
        _ offset: Int64, _ key: Key, of producerId: Int64, isCertain: Bool, _ takenMs: Int64
    ) {
        order += 1
        if isCertain { unansweredPending.removeAll { $0.offset == offset } }
        if entries[key]?.buried.contains(offset) == true { return }
        if entries[key] == nil { entries[key] = Entry() }
        let entry = Pending(offset: offset, order: order, takenMs: takenMs, isCertain: isCertain)
        if isCertain {
            pending[producerId, default: [:]][key] = [entry]
        } else {
            pending[producerId, default: [:]][key, default: []].append(entry)
        }
    }

    /// The marker is there.
    /// - Parameter isCertain: false when nobody was told so.
    mutating func ended(_ producerId: Int64, isCommit: Bool, isCertain: Bool) {
        let offsets = pending[producerId] ?? [:]
        if isCertain { pending[producerId] = nil }
        for key in offsets.keys { mayBeOver(producerId, key) }
        guard isCommit else { return }
        for (key, candidates) in offsets.sorted(by: { $0.key < $1.key }) {
            let entry = entries[key, default: Entry()]
            if isCertain, candidates.count == 1, candidates[0].isCertain, !entry.mayExpire {
                commit(candidates[0], key)
            } else {
                for candidate in candidates { mayBe(candidate.commit, key) }
            }
        }
    }

    /// Nobody can say whether what the transaction has of this still waits for its end.
    private mutating func mayBeOver(_ producerId: Int64, _ key: Key) {
        for index in pending[producerId]?[key]?.indices ?? 0..<0 { pending[producerId]?[key]?[index].isOpen = false }
    }

    /// What was committed since then is newer: it stays, where it is there.
    private mutating func commit(_ candidate: Pending, _ key: Key) {
        let newer = entries[key, default: Entry()].possible.filter { $0.order > candidate.order }
        if newer.isEmpty { return set(candidate.commit, key, candidate.takenMs) }
        guard var entry = entries[key], newer != entry.possible else { return }
        entry.former.formUnion(entry.offsets)
        entry.possible = newer.union([candidate.commit])
        entries[key] = entry
    }

    // MARK: What is told

    /// Nobody has needed some offsets for as long as offsets are kept.
    mutating func mayExpire(where isOver: (_ key: Key, _ committedMs: Int64) -> Bool) {
        var found: [Key] = []
        for (key, entry) in entries where !entry.mayExpire && isOver(key, entry.committedMs) { found.append(key) }
        for key in found { entries[key]?.mayExpire = true }
    }

    /// Who asks for what no transaction will change (KIP-447) is told an offset, or that there is such a transaction.
    /// - Returns: what is wrong with that.
    func toldStable(_ isStable: Bool, _ key: Key) -> String? {
        let what = "\(key.partition) of \(key.group)"
        let candidates = pending.values.flatMap { $0[key] ?? [] }
        if isStable {
            let open = candidates.first { $0.isCertain && $0.isOpen }
            return open.map { "the offset of \(what) is told as stable while a transaction makes it \($0.offset)" }
        }
        let isKnown = candidates.isEmpty && !unansweredPending.contains { $0.key == key }
        return isKnown ? "the offset of \(what) is told as unstable, and no transaction changes it" : nil
    }

    /// - Returns: what is wrong with it.
    mutating func fetched(_ offset: Int64, _ key: Key) -> String? {
        guard var entry = entries[key] else {
            return offset == OffsetChecker.nothing
                ? nil : "\(key.partition) of \(key.group) is at \(offset) from nowhere"
        }
        let told = entry.possible.filter { $0.offset == offset }
        guard !told.isEmpty || offset == OffsetChecker.nothing && entry.mayExpire else {
            let known = entry.offsets.sorted()
            if entry.buried.contains(offset) {
                return "the offset of \(key.partition) of \(key.group) is \(offset), which was of a topic that is gone"
            }
            let what = entry.former.contains(offset) ? "goes back to" : "is told as"
            return "the offset of \(key.partition) of \(key.group) \(what) \(offset), it was \(known)"
        }
        entry.former.formUnion(entry.offsets)
        entry.possible = told.isEmpty ? [Commit()] : told
        entries[key] = entry
        return nil
    }
}
