extension SimulationSubject {
    /// Groups and transactions whose coordinators crash. A history ends with its failure; there is no shorter one.
    static var current: SimulationSubject {
        var counts: [String: Int] = [:]
        return SimulationSubject(
            name: "coordinators",
            failure: { seed in
                CoordinatorsRun.failure(CoordinatorsPlan(seed: seed)) { counts.merge($0, uniquingKeysWith: +) }
            },
            trace: { seed, _ in CoordinatorsRun.trace(CoordinatorsPlan(seed: seed)) },
            bugs: CoordinatorBug.allCases.map { bug in
                (bug.rawValue, { CoordinatorsRun.seedsUntil(bug, limit: $0) })
            },
            counts: { counts })
    }
}
