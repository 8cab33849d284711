@testable import KCore

/// Runs seeds, and tells about one that fails so that a person can see why.
enum SimulationRun {
    /// - Returns: what was found; nil when nothing was.
    static func failure(_ plan: SimulationPlan, bug: PlantedBug? = nil) -> String? {
        do {
            try Simulation(plan, bug: bug).run()
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// How many seeds it takes until a planted bug is found; nil when that takes more than `limit`.
    static func seedsUntil(_ bug: PlantedBug, limit: UInt64) -> UInt64? {
        for seed in 0..<limit {
            let plan = SimulationPlan(seed: seed)
            guard let found = failure(plan, bug: bug), bug.evidence.isEmpty || found.contains(bug.evidence) else {
                continue
            }
            // What is found without it, too, is another one.
            if failure(plan) == nil { return seed + 1 }
        }
        return nil
    }

    /// The same plan without the steps that the failure does not need: as few as leaving out one after the other gives.
    static func minimised(_ plan: SimulationPlan, bug: PlantedBug? = nil) -> SimulationPlan {
        var best = plan
        var isShorter = true
        while isShorter {
            isShorter = false
            for life in best.lives.indices.reversed() {
                var step = best.lives[life].steps.count - 1
                while step >= 0 {
                    let shorter = best.without(step: step, life: life)
                    if failure(shorter, bug: bug) != nil {
                        best = shorter
                        isShorter = true
                    }
                    step -= 1
                }
            }
        }
        return best
    }

    /// What happened, step by step, up to the failure.
    static func trace(_ plan: SimulationPlan, bug: PlantedBug? = nil) -> [String] {
        let simulation = Simulation(plan, bug: bug, isTracing: true)
        do {
            try simulation.run()
            simulation.tell("nothing was found")
        } catch {
            simulation.tell("FOUND: \(error)")
        }
        return simulation.trace ?? []
    }
}

extension SimulationPlan {
    fileprivate func without(step: Int, life: Int) -> SimulationPlan {
        var plan = self
        plan.lives[life].steps.remove(at: step)
        if let crash = plan.lives[life].crash, crash.step > step { plan.lives[life].crash?.step -= 1 }
        return plan
    }
}
