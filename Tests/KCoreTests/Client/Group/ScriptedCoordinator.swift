@testable import KCore

/// A coordinator of one group of the classic protocol, as small as members can tell: what Kafka's does about joining,
/// generations, heartbeats and silence. Without I/O; who is answered when comes out of ``replies``.
final class ScriptedCoordinator {
    enum Phase { case empty, preparing, completing, stable }

    typealias Call = SimulatedReaders.Call

    private struct Member {
        var protocols: [JoinGroupRequest.JoinGroupRequestProtocol]
        var instanceId: String?
        var sessionTimeoutMs: Int64
        var seenMs: Int64
        var join: Call?
        var sync: Call?
        var assignment = Bytes()
    }

    private(set) var phase = Phase.empty
    private(set) var generation: Int32 = 0
    private(set) var leader = ""
    private var members: [String: Member] = [:]
    private var expected: Set<String> = []
    private var nextId = 0
    private var deadlineMs: Int64 = .max
    private let rebalanceTimeoutMs: Int64
    var replies: [(Call, GroupAnswer)] = []

    init(rebalanceTimeoutMs: Int64) { self.rebalanceTimeoutMs = rebalanceTimeoutMs }

    var memberIds: Set<String> { Set(members.keys) }

    func handle(_ request: GroupRequest, _ call: Call, nowMs: Int64) {
        switch request {
        case .findCoordinator: replies.append((call, GroupRequest.foundCoordinator))
        case .join(let request): join(request, call, nowMs)
        case .sync(let request): sync(request, call, nowMs)
        case .heartbeat(let request): replies.append((call, .beat(beat(request, nowMs))))
        case .consumerHeartbeat: break
        case .leave(let request):
            for member in request.members { remove(member.memberId, nowMs) }
            replies.append((call, .left(LeaveGroupResponse())))
        }
    }

    /// Takes out who is silent, and ends a rebalance that has waited long enough.
    func tick(nowMs: Int64) {
        for (id, member) in members where member.join == nil && member.seenMs + member.sessionTimeoutMs < nowMs {
            remove(id, nowMs)
        }
        guard phase == .preparing, nowMs >= deadlineMs else { return }
        for (id, member) in members where member.join == nil { members[id] = nil }
        complete(nowMs)
    }

    private func join(_ request: JoinGroupRequest, _ call: Call, _ nowMs: Int64) {
        var refusal = JoinGroupResponse()
        var id = request.memberId
        if id.isEmpty, let instance = request.groupInstanceId {
            nextId += 1
            id = "s\(nextId)"
            if let (old, member) = members.first(where: { $0.value.instanceId == instance }) {
                members[old] = nil
                members[id] = member
            }
        } else if id.isEmpty {
            nextId += 1
            refusal.errorCode = .memberIdRequired
            refusal.memberId = "m\(nextId)"
            expected.insert(refusal.memberId)
            return replies.append((call, .joined(refusal)))
        } else if members[id] == nil && expected.remove(id) == nil {
            refusal.errorCode = .unknownMemberId
            return replies.append((call, .joined(refusal)))
        }
        let known = members[id]
        members[id] = Member(
            protocols: request.protocols, instanceId: request.groupInstanceId,
            sessionTimeoutMs: Int64(request.sessionTimeoutMs), seenMs: nowMs, join: call,
            assignment: known?.assignment ?? Bytes())
        let isNews = known.map { $0.protocols.map(\.metadata) != request.protocols.map(\.metadata) } ?? true
        if phase == .stable || phase == .completing, !isNews, id != leader {
            // It has missed an answer: the generation is the one that there is.
            members[id]?.join = nil
            return replies.append((call, .joined(joined(id))))
        }
        prepare(nowMs)
        completeIfAllJoined(nowMs)
    }

    private func prepare(_ nowMs: Int64) {
        guard phase != .preparing else { return }
        if phase == .completing { answerSyncs(.rebalanceInProgress) }
        phase = .preparing
        deadlineMs = nowMs + rebalanceTimeoutMs
    }

    private func completeIfAllJoined(_ nowMs: Int64) {
        if phase == .preparing && members.values.allSatisfy({ $0.join != nil }) { complete(nowMs) }
    }

    private func complete(_ nowMs: Int64) {
        guard !members.isEmpty else {
            phase = .empty
            return
        }
        generation += 1
        phase = .completing
        if members[leader] == nil { leader = members.keys.sorted()[0] }
        for id in members.keys.sorted() {
            guard let call = members[id]?.join else { continue }
            members[id]?.join = nil
            members[id]?.seenMs = nowMs
            replies.append((call, .joined(joined(id))))
        }
    }

    private func joined(_ id: String) -> JoinGroupResponse {
        let offers = members.values.map { Set($0.protocols.map(\.name)) }
        let common = members[leader]?.protocols.map(\.name).first { name in offers.allSatisfy { $0.contains(name) } }
        var response = JoinGroupResponse()
        (response.generationId, response.memberId, response.leader) = (generation, id, leader)
        response.protocolName = common
        guard id == leader else { return response }
        response.members = members.sorted { $0.key < $1.key }.map { id, member in
            var entry = JoinGroupResponse.JoinGroupResponseMember()
            (entry.memberId, entry.groupInstanceId) = (id, member.instanceId)
            entry.metadata = member.protocols.first { $0.name == common }?.metadata ?? Bytes()
            return entry
        }
        return response
    }

    private func sync(_ request: SyncGroupRequest, _ call: Call, _ nowMs: Int64) {
        var response = SyncGroupResponse()
        response.errorCode = check(request.memberId, request.generationId)
        if response.errorCode == .none, phase == .preparing { response.errorCode = .rebalanceInProgress }
        guard response.errorCode == .none else { return replies.append((call, .synced(response))) }
        members[request.memberId]?.seenMs = nowMs
        members[request.memberId]?.sync = call
        if phase == .completing && request.memberId == leader {
            for id in members.keys { members[id]?.assignment = Bytes() }
            for entry in request.assignments { members[entry.memberId]?.assignment = entry.assignment }
            phase = .stable
        }
        if phase == .stable { answerSyncs(.none) }
    }

    private func answerSyncs(_ code: ErrorCode) {
        for id in members.keys.sorted() {
            guard let call = members[id]?.sync else { continue }
            members[id]?.sync = nil
            var response = SyncGroupResponse()
            response.errorCode = code
            if code == .none { response.assignment = members[id]?.assignment ?? Bytes() }
            replies.append((call, .synced(response)))
        }
    }

    private func check(_ id: String, _ generation: Int32) -> ErrorCode {
        if members[id] == nil { return .unknownMemberId }
        return generation == self.generation ? .none : .illegalGeneration
    }

    private func beat(_ request: HeartbeatRequest, _ nowMs: Int64) -> HeartbeatResponse {
        var response = HeartbeatResponse()
        response.errorCode = check(request.memberId, request.generationId)
        guard response.errorCode == .none else { return response }
        members[request.memberId]?.seenMs = nowMs
        if phase == .preparing { response.errorCode = .rebalanceInProgress }
        return response
    }

    private func remove(_ id: String, _ nowMs: Int64) {
        guard members.removeValue(forKey: id) != nil else { return }
        if phase == .stable || phase == .completing { prepare(nowMs) }
        completeIfAllJoined(nowMs)
    }
}
