import Testing

@testable import KCore

/// Histories of coordinators; many more run with `make simulate`.
@Suite struct CoordinatorsSimulationTests {
    @Test(arguments: CoordinatorsPlan.Kind.allCases)
    func `no seed breaks a rule of groups, offsets or transactions`(kind: CoordinatorsPlan.Kind) {
        var counts: [String: Int] = [:]
        for seed in UInt64(0)..<100 where CoordinatorsPlan(seed: seed).kind == kind {
            let failure = CoordinatorsRun.failure(CoordinatorsPlan(seed: seed)) {
                counts.merge($0, uniquingKeysWith: +)
            }
            #expect(failure == nil, "replay with: make simulate OF=coordinators SEED=\(seed)")
        }
        // Otherwise nothing was put to the test.
        for what in [
            "assignments", "commits", "commits refused", "transactions committed", "leaves", "works of another thread",
        ] {
            #expect(counts[what, default: 0] > 20, "\(what)")
        }
        if kind == .transactions { #expect(counts["partitions added by writing", default: 0] > 20) }
    }

    @Test(arguments: CoordinatorBug.allCases) func `a mistake around a coordinator is found`(bug: CoordinatorBug) {
        #expect(CoordinatorsRun.seedsUntil(bug, limit: 200) != nil)
    }

    @Test func `the same seed is the same history`() {
        for seed in UInt64(0)..<10 {
            let plan = CoordinatorsPlan(seed: seed)
            let isSame = CoordinatorsRun.trace(plan) == CoordinatorsRun.trace(plan)
            #expect(isSame, "seed \(seed)")
        }
    }
}
