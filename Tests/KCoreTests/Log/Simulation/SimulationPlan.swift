/// What happens to a broker's log directories from a seed: lives, each of steps, each life with its end. Every step draws
/// what it needs from a seed of its own, so that a step can be left out and the others stay what they are.
struct SimulationPlan: Sendable {
    enum Kind: String, CaseIterable, Sendable {
        case append, appendIdempotent, appendReplicated, appendSeveral, resend
        case beginTransaction, endTransaction
        case flush, rollByTime, retain, deleteRecords, truncate, truncateFully, clean
        case checkpoint, tick, runJobs, read
        case createLog, createSeveral, deleteLog, recreateLog, changeConfig, raiseEpoch
        case fillDisk, freeDisk, failDisk, refuse

        /// How often it comes, compared with the others.
        var weight: Int {
            switch self {
            case .append: 24
            case .appendIdempotent: 14
            case .appendReplicated, .appendSeveral, .flush, .runJobs, .tick: 6
            case .truncate, .deleteRecords, .checkpoint, .retain, .clean: 4
            case .resend, .beginTransaction, .endTransaction, .raiseEpoch, .rollByTime, .read: 3
            case .changeConfig, .createLog, .failDisk, .refuse: 2
            case .truncateFully, .createSeveral, .deleteLog, .recreateLog, .fillDisk, .freeDisk: 1
            }
        }

        /// The same, in a life that is about compaction.
        var weightInCompaction: Int {
            switch self {
            case .clean: 14
            case .append: 20
            case .beginTransaction, .endTransaction, .appendIdempotent: 6
            case .rollByTime, .tick, .runJobs: 4
            case .appendReplicated, .appendSeveral, .flush, .checkpoint, .freeDisk, .refuse: 2
            case .truncate, .deleteRecords, .retain, .resend, .read, .createLog, .fillDisk, .failDisk, .raiseEpoch: 1
            case .truncateFully, .createSeveral, .deleteLog, .recreateLog, .changeConfig: 0
            }
        }

        static let lottery = allCases.flatMap { Array(repeating: $0, count: $0.weight) }
        static let compactionLottery = allCases.flatMap { Array(repeating: $0, count: $0.weightInCompaction) }
    }

    struct Step: Sendable {
        var kind: Kind
        var seed: UInt64
    }

    enum End: String, Sendable {
        /// The broker stops in order.
        case cleanStop
        /// The process dies, the page cache lives.
        case kill
        /// Power fails.
        case powerLoss
    }

    /// What somebody does to the files while no broker runs.
    enum Meddling: String, CaseIterable, Sendable {
        case damagesIndexes, movesPartition, removesRecoveryPoints, spoilsRecoveryPoints
    }

    /// Where a life's end comes.
    struct Crash: Sendable {
        /// In this step: `steps.count` for the stop itself, -1 for the start.
        var step: Int
        /// At this change of the disk.
        var change: Int
        /// Counted from where a cleaned segment begins to be swapped in, after so many others; nil for from the step's begin.
        var swap: Int?
    }

    struct Life: Sendable {
        var steps: [Step]
        var end: End
        /// Nil for behind the last step.
        var crash: Crash?
        /// What comes after the end.
        var meddling: Meddling?
        var seed: UInt64
    }

    let seed: UInt64
    var lives: [Life]
    /// Decides how topics are set up.
    var worldSeed: UInt64
    /// Whether it is about compaction more than about anything else.
    var isCompaction: Bool
    /// Whether a bit of what had been flushed tips over at the end.
    var endsInCorruption: Bool

    init(seed: UInt64) {
        self.seed = seed
        var random = SimulatedDisk.Random(seed: seed)
        worldSeed = random.next()
        let isCompaction = random.oneIn(3)
        self.isCompaction = isCompaction
        lives = (0..<random.int(2...4)).map { _ in SimulationPlan.life(&random, isCompaction) }
        if random.oneIn(6) { SimulationPlan.loseFlushed(&lives, &random) }
        endsInCorruption = random.oneIn(8)
    }

    /// What a disk refused to write is still in memory when the process dies, and gone when power fails after the next start.
    private static func loseFlushed(_ lives: inout [Life], _ random: inout SimulatedDisk.Random) {
        let kinds: [Kind] = [.append, .append, .failDisk, .failDisk, .append, .flush, .flush]
        lives[0].steps += kinds.map { Step(kind: $0, seed: random.next()) }
        lives[0].end = .kill
        lives[0].crash = nil
        lives[0].meddling = nil
        let last = random.oneIn(2) ? [Kind.flush] : [.append, .flush, .flush]
        lives[1].steps = last.map { Step(kind: $0, seed: random.next()) }
        lives[1].end = .powerLoss
        lives[1].crash = nil
    }

    /// A transaction whose records and marker go in one cleaning after the other.
    private static let endedAndCleaned: [Kind] = [
        .beginTransaction, .append, .endTransaction, .append, .append, .rollByTime, .clean, .append, .append, .clean,
        .clean,
    ]
    /// Segments that cannot all go at once.
    private static let refusedRetention: [Kind] = [
        .append, .append, .append, .refuse, .retain, .retain, .append, .append, .append, .retain, .retain,
    ]

    private static func life(_ random: inout SimulatedDisk.Random, _ isCompaction: Bool) -> Life {
        let lottery = isCompaction ? Kind.compactionLottery : Kind.lottery
        let count = random.oneIn(8) ? random.int(0...3) : random.int(4...40)
        var steps: [Step] = []
        for _ in 0..<count { steps.append(Step(kind: random.pick(lottery) ?? .append, seed: random.next())) }
        if random.oneIn(4) {
            let more = isCompaction ? endedAndCleaned : refusedRetention
            steps += more.map { Step(kind: $0, seed: random.next()) }
        }
        let end: End = [.cleanStop, .kill, .powerLoss, .powerLoss, .powerLoss][random.int(0..<5)]
        var crash: Crash?
        if random.oneIn(12) {
            crash = Crash(step: -1, change: random.int(0..<40))
        } else if end == .cleanStop {
            if random.oneIn(3) { crash = Crash(step: steps.count, change: random.int(0..<60)) }
        } else if !random.oneIn(5) {
            let step = max(0, steps.count - 1 - random.int(0..<3))
            crash = Crash(step: step, change: random.int(0..<(random.oneIn(3) ? 40 : 10)))
            if random.oneIn(6) {
                // All that the checkpoints say is at stake, in few changes.
                steps.append(Step(kind: .checkpoint, seed: random.next()))
                crash = Crash(step: steps.count - 1, change: random.int(0..<12))
            }
        }
        if crash != nil, isCompaction, end != .cleanStop {
            if !random.oneIn(3) {
                crash = endInSwap(&steps, &random)
            } else if let index = steps.lastIndex(where: { $0.kind == .clean }) {
                // A cleaning takes many changes.
                crash = Crash(step: index, change: random.int(0..<120))
            }
        }
        let meddling = random.oneIn(3) ? random.pick(Meddling.allCases) : nil
        return Life(steps: steps, end: end, crash: crash, meddling: meddling, seed: random.next())
    }

    /// What there is to be cleaned is cleaned, and power fails while segments take each other's place: few of the disk's
    /// changes, at which all of a log is at stake.
    private static func endInSwap(_ steps: inout [Step], _ random: inout SimulatedDisk.Random) -> Crash {
        for _ in 0..<random.int(2...6) { steps.append(Step(kind: .append, seed: random.next())) }
        steps.append(Step(kind: .clean, seed: random.next()))
        return Crash(step: steps.count - 1, change: random.int(0..<16), swap: random.oneIn(3) ? 1 : 0)
    }

    var stepCount: Int { lives.reduce(0) { $0 + $1.steps.count } }
}

/// What a simulation found.
struct SimulationFailure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
