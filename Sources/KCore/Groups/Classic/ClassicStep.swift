/// What one step of a classic group is told, and what it gives out.
struct ClassicStep: Sendable {
    let nowMs: Int64
    let wallMs: Int64
    let settings: GroupSettings
    private(set) var effects: [CoordinatorEffect] = []
    private(set) var timers: [GroupTimer] = []
    /// The group as it is after the step is to be kept in the log.
    var mustKeep = false

    init(nowMs: Int64, wallMs: Int64, settings: GroupSettings) {
        self.nowMs = nowMs
        self.wallMs = wallMs
        self.settings = settings
    }

    mutating func send<Response>(_ response: Response, to reply: CoordinatorReply<Response>) {
        effects.append(CoordinatorEffect(run: { reply.send(response) }, refuse: reply.refuse))
    }

    mutating func setTimer(_ groupId: String, member: String? = nil, atMs: Int64) {
        timers.append(GroupTimer(deadlineMs: atMs, groupId: groupId, memberId: member))
    }
}
