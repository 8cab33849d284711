import Testing

@testable import KCore

/// Histories of log directories that lose power; many more run with `make simulate`.
@Suite struct SimulationTests {
    @Test(arguments: 0..<6) func `what was promised survives every crash, and nothing else appears`(part: UInt64) {
        for seed in (part * 50)..<(part * 50 + 50) {
            let failure = SimulationRun.failure(SimulationPlan(seed: seed))
            #expect(failure == nil, "replay with: make simulate SEED=\(seed)")
        }
    }

    @Test(arguments: PlantedBug.allCases) func `a mistake under the log is found`(bug: PlantedBug) {
        #expect(SimulationRun.seedsUntil(bug, limit: 1000) != nil)
    }

    @Test func `the same seed is the same history`() {
        for seed in UInt64(0)..<20 {
            let plan = SimulationPlan(seed: seed)
            let isSame = SimulationRun.trace(plan) == SimulationRun.trace(plan)
            #expect(isSame, "seed \(seed)")
        }
    }
}
