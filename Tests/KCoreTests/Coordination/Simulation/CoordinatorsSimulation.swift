@testable import KCore

/// A broker that coordinates a group and transactions, members and producers that use it, and somebody who administers it,
/// over a network that loses, delays and repeats. Coordinators crash and load, members come and go.
///
/// `@unchecked Sendable`: one thread runs it; coordinators answer on that thread.
final class CoordinatorsSimulation: @unchecked Sendable {
    static let sessionMs: Int64 = 10_000
    static let maxPollMs: Int64 = 20_000
    static let transactionTimeoutMs: Int64 = 8000

    let plan: CoordinatorsPlan
    let bug: CoordinatorBug?
    let network: SimulatedNetwork
    let topics = TopicsForGroups(
        [
            "t": 4, CoordinatorsSimulation.committed: CoordinatorsSimulation.committedCount,
            CoordinatorsSimulation.data: 2, CoordinatorsSimulation.doomed: 1,
        ])
    /// As the topics were at first: for mistakes.
    let firstImage: ClusterImage
    /// How often topics were deleted.
    var deletions: [String: Int] = [:]
    /// The deletion whose offsets the groups' log may have still.
    var unforgotten: Int?
    /// Who was to forget it is gone, and nobody has said since that it is forgotten.
    var isOrphaned = false
    let readers: SimulatedReaders
    let ends = SimulatedEnds()
    let groups: SimulatedCoordinator<GroupCoordinator>
    let transactions: SimulatedCoordinator<TransactionMachine>
    let settings: GroupSettings
    /// Of each group that has members.
    var ownership: [String: OwnershipChecker]
    var offsetChecker = OffsetChecker()
    var transactionChecker = TransactionChecker(timeoutMs: CoordinatorsSimulation.transactionTimeoutMs)
    var places = [SimulatedPlace](repeating: SimulatedPlace(), count: 3)
    var producers: [SimulatedProducer] = []
    /// Which attempt ends with a producer's epoch, where that is known.
    var endings: [Ending: Int?] = [:]
    var groupMarkers: [Int: SimulatedGroupMarker] = [:]
    var groupMarkersTaken = 0
    var decided: Set<Ending> = []
    lazy var marked = SimulatedMarkedPartitions(self)
    var attempts = 0
    var calls = 0
    var offset: Int64 = 0
    var nextProducerId: Int64 = 1000
    var lastAssigned: [String: (epoch: Int32, partition: TopicPartition)] = [:]
    /// How often what happened: a history in which nothing happens shows nothing.
    private(set) var counts: [String: Int] = [:]
    private(set) var problem: String?
    private(set) var lines: [String]?
    /// As they were told last.
    var lastGroups: [String: String] = [:]
    private let assignors: [Assignor]
    private var groupsLife: Int32 = 0
    private var comesBackMs: Int64 = 0

    init(_ plan: CoordinatorsPlan, bug: CoordinatorBug? = nil, isTracing: Bool = false) throws {
        (self.plan, self.bug) = (plan, bug)
        firstImage = topics.image
        lines = isTracing ? [] : nil
        let network = SimulatedNetwork(seed: plan.seed)
        self.network = network
        readers = SimulatedReaders(network)
        var settings = GroupSettings()
        settings.initialRebalanceDelayMs = Int64(network.int(0...2)) * 700
        settings.consumerHeartbeatIntervalMs = 1000
        settings.consumerSessionTimeoutMs = bug == .forgetsSessions ? 1_000_000 : Self.sessionMs
        settings.maxSessionTimeoutMs = 1_000_000
        settings.maxSize = network.int(4...8)
        settings.consumerMaxSize = network.int(4...8)
        settings.assignors = network.int(0...1) == 0 ? [.uniform, .range] : [.range]
        settings.offsetsRetentionMs = Int64(network.int(15...60)) * 1000
        settings.offsetsRetentionCheckIntervalMs = 3000
        self.settings = settings
        var transactionSettings = TransactionMachine.Settings()
        transactionSettings.abortIntervalMs = 1000
        if plan.seed % 4 == 0 {
            (transactionSettings.idExpirationMs, transactionSettings.expiryIntervalMs) = (30_000, 5000)
        }
        let (ends, memberSeed) = (ends, network.random.next())
        let groupsLog = SimulatedCoordinatorLog(
            Self.groupsPlace.topic, clock: network.clock, segmentBytes: plan.hasSmallBatches ? 6000 : 1 << 30, bug: bug)
        let transactionsLog = SimulatedCoordinatorLog("__transaction_state", clock: network.clock, bug: bug)
        var lives: UInt64 = 0
        nonisolated(unsafe) let topics = topics
        groups = try SimulatedCoordinator(groupsLog, network) {
            let before = topics.image
            return { machine, turn in machine.forgetTopicsGone(before: before, now: topics.image, &turn) }
        } _: { [settings] in
            lives += 1
            return GroupCoordinator(settings: settings, random: SeededGenerator(seed: memberSeed &+ lives))
        }
        transactions = try SimulatedCoordinator(transactionsLog, network) { [transactionSettings] in
            TransactionMachine(partition: 0, settings: transactionSettings, writeMarkers: { ends.decide($0) })
        }
        let isClassic = plan.kind != .consumer && plan.kind != .mixed
        let checker = OwnershipChecker(isClassic: isClassic, isMixed: plan.kind == .mixed)
        ownership = Dictionary(uniqueKeysWithValues: plan.groups.map { ($0, checker) })
        assignors = plan.kind == .cooperative || plan.seed % 3 == 0 ? [.cooperativeSticky] : [.range, .sticky]
        readers.topics = { [unowned self] in found }
        readers.ask = { [unowned self] in take($0, $1) }
        ends.decide = { [unowned self] in decide($0) }
        transactions.begins = { [unowned self] in begins($0) }
        begins(transactions.process)
        (groups.isCleaned, transactions.isCleaned) = (plan.isCleaned, plan.isCleaned)
        addProducers()
    }

    private func addProducers() {
        if plan.kind == .transactions {
            // Two who believe to be the same producer, and others.
            for (number, id) in ["a", "a", "b", "c"].enumerated() {
                // An id may have been given to a newer client.
                let adds = id == "b" || number == 1 && plan.seed % 2 == 0
                producers.append(
                    SimulatedProducer(id: id, bumpsEpoch: id != "c", addsByWriting: adds, isMember: number > 0))
            }
        } else {
            let (bumps, adds) = (plan.seed % 2 == 0, plan.seed % 4 == 0)
            producers.append(SimulatedProducer(id: "a", bumpsEpoch: bumps, addsByWriting: adds, isMember: true))
        }
        if plan.seed % 3 == 0 { transactions.exhaust("a", producerId: nextProducerId) }
    }

    var nowMs: Int64 { network.nowMs }

    private var found: [FoundTopic] {
        (overlooksNewPartitions(.leadersOverlookNewPartitions, "g") ? firstImage : topics.image).topics.map {
            FoundTopic(name: $0.name, id: $0.id, partitionCount: Int32($0.partitions.count))
        }
    }

    /// Whether a mistake is made that only static members could be an excuse for, and they are not: none leads.
    func overlooksNewPartitions(_ planted: CoordinatorBug, _ group: String) -> Bool {
        guard bug == planted else { return false }
        let classic = groups.machine?.groups[group]?.classic
        let leader = classic.flatMap { group in group.leader.flatMap { group.members[$0] } }
        return leader?.instanceId == nil
            && readers.living.contains { readers.all[$0].member.settings.instanceId != nil }
    }

    // MARK: What is found

    func count(_ what: String) { counts[what, default: 0] += 1 }
    func note(_ problem: String?) { if self.problem == nil, let problem { self.problem = problem } }

    func trace(_ line: @autoclosure () -> String) {
        if lines != nil { lines?.append("\(nowMs - 1_700_000_000_000) ms: \(line())") }
    }

    /// - Returns: to be called with each answer of a request: it is answered once.
    func once(_ what: String) -> () -> Bool {
        var answers = 0
        return { [unowned self] in
            answers += 1
            if answers > 1 { note("\(what) was answered twice") }
            return answers == 1
        }
    }

    // MARK: Running

    /// - Throws: ``SimulationFailure``, what is wrong.
    func run() throws {
        defer {
            network.end()
            groups.end()
            transactions.end()
        }
        for _ in 0..<3 { addReader() }
        for _ in 0..<plan.steps {
            try disturb()
            try step(CoordinatorsPlan.stepMs)
        }
        network.isCalm = true
        groups.settle()
        transactions.settle()
        trace("peace")
        // Two of one name would go on for ever to take each other's place.
        var names: Set<String> = []
        for index in readers.living {
            guard let name = readers.all[index].member.settings.instanceId else { continue }
            if !names.insert("\(readers.group(of: index)) \(name)").inserted { readers.crash(index) }
        }
        for number in 0..<240 {
            // Some give up whose name somebody else still has.
            for group in plan.groups where number < 100 && living(of: group).isEmpty {
                addReader(to: group, isStatic: false)
            }
            if number == 120 { for index in producers.indices { producers[index].isGone = true } }
            try step(250)
        }
        try checkPeace()
        try end()
    }

    private func step(_ ms: Int64) throws {
        network.pass(ms: ms)
        groups.endTurn()
        transactions.endTurn()
        if groupsLife != groups.life { for group in plan.groups { ownership[group]?.reloads(nowMs) } }
        groupsLife = groups.life
        readers.step()
        stepProducers()
        for group in plan.groups { ownership[group]?.look(nowMs) }
        lookAtAge()
        note(readers.problems.first)
        note(groups.problem ?? transactions.problem)
        counts["works of another thread"] = groups.lateWorks + transactions.lateWorks
        for group in plan.groups {
            traceGroup(group)
            try lookInside(group)
        }
        if let problem { throw SimulationFailure(problem) }
    }

    // MARK: Disturbances

    private func disturb() throws {
        if network.chance(0.4) {
            try compareWithLog()
            crashGroups()
        }
        if network.chance(0.4) { crashTransactions() }
        if network.chance(0.2) { failAppends() }
        if plan.isCleaned && network.chance(0.6) { try clean() }
        if network.chance(15), let key = offsetChecker.keys.randomElement(using: &network.random) {
            fetch(key, isStable: network.chance(50))
        }
        if network.chance(2) { seek() }
        administer()
        disturbTopics()
        if nowMs < comesBackMs { return }
        if readers.living.isEmpty || network.chance(1.5) && readers.living.count < 6 { addReader() }
        for index in readers.living where network.chance(5) {
            if network.int(0...4) == 0 { fetch(index) } else { commit(index) }
        }
        guard let index = readers.living.randomElement(using: &network.random) else { return }
        if network.chance(0.7) {
            trace("reader \(index) is gone")
            readers.crash(index)
        } else if network.chance(0.7) {
            trace("reader \(index) leaves")
            readers.leave(index)
        }
        plantExpiry()
    }

    /// The cleaner goes through a log, while it is coordinated.
    private func clean() throws {
        if network.chance(50) {
            groups.settle()
            try groups.log.clean(&network.random)
        } else {
            transactions.settle()
            try transactions.log.clean(&network.random)
        }
        count("cleanings")
        try compareWithLog()
    }

    private func failAppends() {
        trace("appends fail")
        if network.chance(50) {
            groups.failAppends(.notEnoughReplicas)
        } else {
            transactions.failAppends(.notEnoughReplicas)
        }
    }

    private func addReader(to group: String? = nil, isStatic: Bool? = nil) {
        var settings = MembershipSettings(groupId: group ?? someGroup())
        settings.isConsumerProtocol =
            switch plan.kind {
            case .consumer: true
            case .mixed: network.int(0...1) == 0
            default: false
            }
        settings.sessionTimeoutMs = Self.sessionMs
        (settings.heartbeatIntervalMs, settings.maxPollIntervalMs) = (1000, Self.maxPollMs)
        (settings.requestTimeoutMs, settings.assignors) = (3000, assignors)
        if isStatic ?? (network.int(0...2) == 0) { settings.instanceId = someInstance() }
        trace(
            "reader \(readers.all.count) comes to \(settings.groupId)\(settings.instanceId.map { " as \($0)" } ?? "")")
        readers.add(settings, topics: ["t"])
    }

    /// One that has members.
    func someGroup() -> String { plan.groups[network.int(0...(plan.groups.count - 1))] }

    private func living(of group: String) -> [Int] { readers.living.filter { readers.group(of: $0) == group } }

    /// Members that nobody can have put out.
    func certain(of group: String) -> [String] { ownership[group]?.certain(nowMs) ?? [] }

    // Somebody with the same name may still be there, or have gone without a word.
    private func someInstance() -> String { "i\(network.int(1...2))" }

    private func administer() {
        let partitions = topics.image.topic("t")?.partitions.count ?? 0
        if network.chance(0.3) && partitions < 7 { grow() }
        if network.chance(0.2) {
            // Everybody goes, long enough for offsets to expire now and then.
            trace("all readers go")
            for index in readers.living {
                if network.chance(50) { readers.leave(index) } else { readers.crash(index) }
            }
            comesBackMs = nowMs + Int64(network.int(5...80)) * 1000
        }
        if network.chance(0.5), let key = offsetChecker.keys.randomElement(using: &network.random) { forget(key) }
        if network.chance(0.2) { deleteGroup(network.chance(50) ? someGroup() : "s") }
        if network.chance(0.3) {
            var identity = LeaveGroupRequest.MemberIdentity()
            identity.groupInstanceId = someInstance()
            var request = LeaveGroupRequest()
            (request.groupId, request.members) = (someGroup(), [identity])
            leave(request) { _ in }
        }
    }

    private func grow() {
        let partitions = topics.image.topic("t")?.partitions.count ?? 0
        trace("topic t has \(partitions + 1) partitions")
        topics.add("t", partitions + 1)
        readers.topicsChanged()
    }

    private func plantExpiry() {
        guard bug == .expiresOffsetsOfMembers, network.chance(2), !certain(of: "g").isEmpty else {
            return
        }
        if let key = offsetChecker.keys.first(where: { $0.group == "g" }) { plant(nil, key) }
    }

    // MARK: Peace

    /// Everybody who lives is in the group, and each partition has one reader.
    private func checkPeace() throws {
        if groups.machine == nil { throw SimulationFailure("the groups' coordinator does not come up") }
        if transactions.machine == nil { throw SimulationFailure("the transactions' coordinator does not come up") }
        let count = topics.image.topic("t")?.partitions.count ?? 0
        for group in plan.groups {
            let members = living(of: group)
            let read = members.flatMap { Array(readers.all[$0].has) }
            if Set(read).count != read.count || read.count != count && !isOldAssignment(Set(read), of: group) {
                let shares = members.map { "\($0): \(readers.all[$0].has.map(\.partition).sorted())" }
                throw SimulationFailure("in peace \(count) partitions are read by \(shares) of \(group)")
            }
        }
        for key in offsetChecker.keys { fetch(key) }
        for _ in 0..<4 { try step(250) }
    }

    /// A static member that came back as its group's leader goes on with what was assigned before (KIP-814), and does not know of
    /// partitions that were added while it was away.
    private func isOldAssignment(_ read: Set<TopicPartition>, of group: String) -> Bool {
        guard !read.isEmpty, let classic = groups.machine?.groups[group]?.classic, let leader = classic.leader,
            classic.members[leader]?.instanceId != nil
        else { return false }
        count("partitions that a leader came back too late for")
        return read == Set((0..<Int32(read.count)).map { TopicPartition(topic: "t", partition: $0) })
    }

    /// All go, every transaction is over, and offsets expire.
    private func end() throws {
        for index in readers.living { readers.leave(index) }
        for _ in 0..<120 { try step(500) }
        if let problem = transactionChecker.problem(places) { throw SimulationFailure(problem) }
        for (id, state) in transactions.machine?.states ?? NameMap() where state.status == .ongoing || state.isPrepared
        {
            throw SimulationFailure("the transaction of \(id) is not over")
        }
        if let hanging = groups.log.openProducers.first {
            throw SimulationFailure("the transaction of producer \(hanging) hangs in \(Self.groupsPlace)")
        }
        for key in offsetChecker.keys { fetch(key, isStable: true) }
        if plan.commitsWhole { for group in Self.whole { fetchWhole(group) } }
        for _ in 0..<4 { try step(500) }
        // Nobody has asked for something that can wait since all have gone.
        let longAgoMs = nowMs - 10_000
        if let problem = groups.unanswered(before: longAgoMs) ?? transactions.unanswered(before: longAgoMs) {
            throw SimulationFailure(problem)
        }
        if groups.machine?.groups["s"]?.offsets.isEmpty == false, settings.offsetsRetentionMs < 50_000 {
            throw SimulationFailure("offsets of a group without members are kept for ever")
        }
    }
}
