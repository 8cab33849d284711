extension SimulationSubject {
    /// Log directories that lose power.
    static var current: SimulationSubject {
        SimulationSubject(
            name: "log",
            failure: { SimulationRun.failure(SimulationPlan(seed: $0)) },
            trace: { seed, shortly in
                var plan = SimulationPlan(seed: seed)
                if shortly && SimulationRun.failure(plan) != nil { plan = SimulationRun.minimised(plan) }
                return SimulationRun.trace(plan)
            },
            bugs: PlantedBug.allCases.map { bug in
                (bug.rawValue, { SimulationRun.seedsUntil(bug, limit: $0) })
            },
            counts: { [:] })
    }
}
