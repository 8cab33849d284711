@testable import KCore

/// A consumer of the classic protocol that goes one step at a time, also in a group that has become a consumer group. It
/// reads the topic `t`.
final class ClassicConsumer {
    let bench: GroupBench
    let instance: String?
    /// Whether it keeps reading what it has while it joins.
    let isCooperative: Bool
    /// Whether it says in which generation it had what it has (KIP-792).
    let namesGeneration: Bool
    private(set) var id = ""
    private(set) var generation: Int32 = -1
    private(set) var owned: Set<Int32> = []
    private(set) var joins = 0
    var error = ErrorCode.none
    private var pendingJoin: Pending<JoinGroupResponse>?
    private var pendingSync: Pending<SyncGroupResponse>?

    init(_ bench: GroupBench, instance: String? = nil, isCooperative: Bool = false, namesGeneration: Bool = false) {
        self.bench = bench
        self.namesGeneration = namesGeneration
        self.instance = instance
        self.isCooperative = isCooperative
    }

    var isWaiting: Bool {
        if let pendingJoin { return pendingJoin.response == nil }
        return pendingSync.map { $0.response == nil } ?? false
    }

    /// Does what is next; nothing while an answer is awaited.
    func step() {
        if let answer = pendingJoin?.response {
            pendingJoin = nil
            joined(answer)
        } else if let answer = pendingSync?.response {
            pendingSync = nil
            synced(answer)
        } else if pendingJoin == nil && pendingSync == nil {
            if generation < 0 { return join() }
            refused(bench.heartbeat(id, generation, instance: instance) ?? .unknownServerError)
        }
    }

    func leave() {
        _ = bench.leave(id, instance: instance)
        forget()
    }

    func commit(_ offset: Int64, partition: Int32) -> ErrorCode? {
        bench.commit(offset, id, generation, instance: instance, partition: partition)
    }

    func forget() {
        (id, generation, owned, pendingJoin, pendingSync) = ("", -1, [], nil, nil)
    }

    private func join() {
        joins += 1
        if !isCooperative { owned = [] }
        pendingJoin = bench.join(
            id, instance: instance, protocols: ["range"], owned: owned.sorted(),
            generation: namesGeneration ? generation : -1)
    }

    private func joined(_ answer: JoinGroupResponse) {
        guard answer.errorCode == .none else {
            if answer.errorCode == .memberIdRequired {
                id = answer.memberId
                return join()
            }
            return refused(answer.errorCode)
        }
        (id, generation) = (answer.memberId, answer.generationId)
        var shares: [String: Bytes] = [:]
        if answer.leader == id && !answer.skipAssignment {
            let count = Int32(bench.topics.image.topic("t")?.partitions.count ?? 0)
            for (index, member) in answer.members.enumerated() {
                var share = ConsumerProtocolAssignment.TopicPartition()
                share.topic = "t"
                share.partitions = (0..<count).filter { Int($0) % answer.members.count == index }
                var assignment = ConsumerProtocolAssignment()
                assignment.assignedPartitions = [share]
                shares[member.memberId] = try? assignment.versioned(1)
            }
        }
        pendingSync = bench.sync(id, generation, instance: instance, shares: shares, protocolName: "range")
    }

    private func synced(_ answer: SyncGroupResponse) {
        guard answer.errorCode == .none else { return refused(answer.errorCode) }
        let assignment = try? ConsumerProtocolAssignment(versioned: answer.assignment)
        let given = Set(assignment?.assignedPartitions.flatMap(\.partitions) ?? [])
        let mustJoin = isCooperative && !owned.isSubset(of: given)
        owned = given
        if mustJoin { join() }
    }

    private func refused(_ code: ErrorCode) {
        error = code
        switch code {
        case .none: break
        case .rebalanceInProgress: join()
        case .illegalGeneration: (generation, owned) = (-1, [])
        default: forget()
        }
    }
}
