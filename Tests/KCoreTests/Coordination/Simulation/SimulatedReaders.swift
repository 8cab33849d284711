@testable import KCore

/// Readers of a group: members as our client has them, each with somebody who polls, lets go of partitions, falls asleep or
/// is gone, on a network that loses and delays. Who coordinates them is the caller's.
final class SimulatedReaders {
    struct Reader {
        let member: any GroupMembership
        /// What the reader believes that it may read.
        var has: Set<TopicPartition> = []
        var revoking: (partitions: [TopicPartition], number: Int)?
        var isGone = false
        var nextPollMs: Int64 = 0
    }

    /// Where an answer goes.
    struct Call: Hashable, Sendable {
        var reader: Int
        var serial: Int
    }

    let network: SimulatedNetwork
    private(set) var all: [Reader] = []
    private(set) var problems: [String] = []
    /// How many partitions readers were given.
    private(set) var moves = 0
    /// Asks the coordinator, which answers by ``answer(_:_:)``.
    var ask: (GroupRequest, Call) -> Void = { _, _ in }
    /// The topics that there are.
    var topics: () -> [FoundTopic] = { [] }

    init(_ network: SimulatedNetwork) { self.network = network }

    private var nowMs: Int64 { network.nowMs }
    func group(of index: Int) -> String { all[index].member.settings.groupId }
    var living: [Int] { all.indices.filter { !all[$0].isGone } }

    func add(_ settings: MembershipSettings, topics: Set<String>) {
        let seed = network.random.next()
        let member: any GroupMembership =
            settings.isConsumerProtocol
            ? ConsumerMembership(settings, seed: seed, nowMs: nowMs) : GroupMember(settings, seed: seed, nowMs: nowMs)
        member.subscribe(topics)
        all.append(Reader(member: member))
    }

    /// It is gone without a word.
    func crash(_ index: Int) { all[index].isGone = true }

    func leave(_ index: Int) {
        all[index].member.leave(nowMs: nowMs)
        for case .send(let request, let serial, let timeoutMs) in all[index].member.effects {
            send(request, Call(reader: index, serial: serial), timeoutMs)
        }
        all[index].isGone = true
    }

    /// The leaders and members learn that topics are others now.
    func topicsChanged() { for index in living { all[index].member.changed(topics()) } }

    /// Each does what is due.
    func step() { for index in all.indices where !all[index].isGone { step(index) } }

    private func step(_ index: Int) {
        if nowMs >= all[index].nextPollMs {
            all[index].member.polled(nowMs: nowMs)
            if let (partitions, number) = all[index].revoking {
                all[index].revoking = nil
                all[index].has.subtract(partitions)
                all[index].member.revoked(number, nowMs: nowMs)
            }
            // Now and then somebody takes far too long.
            let pauseMs = network.chance(1) ? 30_000 : Int64(network.int(50...(network.isCalm ? 100 : 3000)))
            all[index].nextPollMs = nowMs + pauseMs
        }
        all[index].member.advance(nowMs: nowMs)
        let effects = all[index].member.effects
        all[index].member.effects = []
        for effect in effects { apply(effect, index) }
        let (has, owned) = (all[index].has, all[index].member.owned)
        if !effects.isEmpty && !all[index].isGone && has != owned {
            problems.append("reader \(index) has \(has.sorted()), and its member \(owned.sorted())")
        }
    }

    private func apply(_ effect: MembershipEffect, _ index: Int) {
        switch effect {
        case .send(let request, let serial, let timeoutMs):
            send(request, Call(reader: index, serial: serial), timeoutMs)
        case .revoke(let partitions, let number): all[index].revoking = (partitions, number)
        case .lost(let partitions):
            all[index].revoking = nil
            all[index].has.subtract(partitions)
        case .assign(let partitions):
            moves += partitions.count
            all[index].has.formUnion(partitions)
        case .lookUp(let names):
            network.later(network.delayMs()) { [self] in
                all[index].member.found(topics().filter { names.contains($0.name) }, nowMs: nowMs)
            }
        case .failed(let error):
            all[index].isGone = true
            // That is what becomes of one whose place somebody else has taken, or has still.
            let known: [ErrorCode] = [.fencedInstanceId, .unreleasedInstanceId, .groupMaxSizeReached]
            if !known.contains(where: { error.kind == .broker($0) }) {
                problems.append("member \(index) failed: \(error)")
            }
        }
    }

    private func send(_ request: GroupRequest, _ call: Call, _ timeoutMs: Int64) {
        network.later(min(timeoutMs, 25_000)) { [self] in
            all[call.reader].member.failed(call.serial, ClientError(.timeout, "too late"), nowMs: nowMs)
        }
        network.carry(canRepeat: request.canRepeat) { [self] in ask(request, call) }
    }

    func answer(_ call: Call, _ answer: GroupAnswer) {
        network.carry { [self] in all[call.reader].member.answered(call.serial, answer, nowMs: nowMs) }
    }

    func commitRefused(_ index: Int, _ code: ErrorCode, generation: Int32) {
        network.carry { [self] in
            all[index].member.commitRefused(code, generation: generation, nowMs: nowMs)
        }
    }
}

extension GroupRequest {
    /// Whether it may arrive twice, the second time late: not what begins or ends a membership, which clients send once.
    fileprivate var canRepeat: Bool {
        switch self {
        case .findCoordinator, .heartbeat, .sync: true
        case .consumerHeartbeat(let request): request.memberEpoch > 0
        case .join, .leave: false
        }
    }

    /// What everybody answers who is asked for a coordinator.
    static var foundCoordinator: GroupAnswer { foundCoordinator(of: "g") }

    static func foundCoordinator(of group: String) -> GroupAnswer {
        var response = FindCoordinatorResponse()
        var coordinator = FindCoordinatorResponse.Coordinator()
        (coordinator.key, coordinator.host, coordinator.port) = (group, "h", 1)
        response.coordinators = [coordinator]
        return .coordinator(response)
    }
}
