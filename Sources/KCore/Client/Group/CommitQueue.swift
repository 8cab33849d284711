/// The commits of a group's member: one is on its way at a time, and of what waits meanwhile only the newest of each
/// partition is kept. So a commit that is tried again never overtakes a newer one, and what waits does not grow with time.
/// What the member has lost since is dropped, also when it has got it back: somebody else may have gone on in between.
///
/// A state machine without I/O and clock. Life cycle: ``add(_:deadlineMs:completion:)``; ``next(nowMs:shares:)`` gives
/// what is to be sent, if anything; then ``answered(_:_:mayTryAgain:nowMs:delayMs:)``, and ``next(nowMs:shares:)`` again.
/// Completions run in these calls, each once.
final class CommitQueue {
    struct Entry: Equatable, Sendable {
        var offset: GroupOffset
        /// Since which assignment the reader has had the partition; 0 for one that it does not have.
        var share: Int
    }

    private struct Caller {
        /// What is not known to be stored yet.
        var shares: [TopicPartition: Int]
        /// Part of it was dropped.
        var isPartial = false
        let deadlineMs: Int64
        let completion: (ClientError?) -> Void
    }

    /// For errors: what cannot be done.
    private let action: String
    private var waiting: [TopicPartition: Entry] = [:]
    private var callers: [Caller] = []
    /// What is on its way, and for whom.
    private var sent: (entries: [TopicPartition: Entry], callers: [Caller])?
    private var notBeforeMs: Int64 = 0
    private(set) var failures = 0

    init(action: String) { self.action = action }

    func add(
        _ entries: [TopicPartition: Entry], deadlineMs: Int64, completion: @escaping (ClientError?) -> Void
    ) {
        waiting.merge(entries) { _, new in new }
        callers.append(Caller(shares: entries.mapValues(\.share), deadlineMs: deadlineMs, completion: completion))
    }

    /// Until when somebody waits for something to be stored; nil when nobody does.
    var deadlineMs: Int64? { ((sent?.callers ?? []) + callers).map(\.deadlineMs).max() }

    /// What is to be sent now; nil while a commit is on its way, or one that failed waits, or there is none.
    /// - Parameter shares: what the member has, and since which assignment.
    func next(nowMs: Int64, shares: [TopicPartition: Int]) -> [TopicPartition: GroupOffset]? {
        drop(unless: shares, nowMs)
        guard sent == nil, !waiting.isEmpty, nowMs >= notBeforeMs else { return nil }
        sent = (waiting, callers)
        defer { (waiting, callers) = ([:], []) }
        return waiting.mapValues(\.offset)
    }

    private func drop(unless shares: [TopicPartition: Int], _ nowMs: Int64) {
        waiting = waiting.filter { shares[$0.key] == $0.value.share }
        let asked = callers
        callers = []
        for var caller in asked {
            let mine = caller.shares.filter { shares[$0.key] == $0.value }
            if mine.count < caller.shares.count { (caller.shares, caller.isPartial) = (mine, true) }
            if mine.isEmpty {
                caller.completion(notMine("the partitions are"))
            } else if nowMs >= caller.deadlineMs {
                caller.completion(
                    ClientError(.timeout, "cannot \(action): the commit before it was not answered in time"))
            } else {
                callers.append(caller)
            }
        }
        if callers.isEmpty { waiting = [:] }
    }

    /// What was on its way was answered, or nobody knows.
    /// - Parameters:
    ///   - refused: what was not stored.
    ///   - error: why not.
    ///   - mayTryAgain: whether it may be stored later; those who have not the time are told the error.
    ///   - delayMs: how long to wait before that.
    func answered(
        _ refused: Set<TopicPartition>, _ error: ClientError, mayTryAgain: Bool, nowMs: Int64, delayMs: Int64
    ) {
        guard let (entries, asked) = sent else { return }
        sent = nil
        failures = refused.isEmpty ? 0 : failures + 1
        var left: [Caller] = []
        for var caller in asked {
            caller.shares = caller.shares.filter { refused.contains($0.key) }
            if caller.shares.isEmpty {
                caller.completion(caller.isPartial ? notMine("some of the partitions are") : nil)
            } else if !mayTryAgain || nowMs + delayMs >= caller.deadlineMs {
                caller.completion(error)
            } else {
                left.append(caller)
            }
        }
        guard !left.isEmpty else { return }
        // What was asked for since is newer.
        waiting.merge(entries.filter { refused.contains($0.key) }) { newer, _ in newer }
        callers = left + callers
        notBeforeMs = nowMs + delayMs
    }

    /// There will be no more answers.
    func close(_ error: ClientError) {
        let asked = (sent?.callers ?? []) + callers
        (sent, waiting, callers) = (nil, [:], [])
        for caller in asked { caller.completion(error) }
    }

    private func notMine(_ which: String) -> ClientError {
        ClientError(.broker(.unknownMemberId), "cannot \(action): \(which) not this member's now")
    }
}
