@testable import KCore

/// Runs histories of coordinators, and tells about one that fails so that a person can see why.
enum CoordinatorsRun {
    /// - Parameter count: told how often what happened.
    /// - Returns: what was found; nil when nothing was.
    static func failure(
        _ plan: CoordinatorsPlan, bug: CoordinatorBug? = nil, count: ([String: Int]) -> Void = { _ in }
    ) -> String? {
        do {
            let simulation = try CoordinatorsSimulation(plan, bug: bug)
            defer { count(simulation.counts) }
            try simulation.run()
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// How many seeds it takes until a planted bug is found; nil when that takes more than `limit`.
    static func seedsUntil(_ bug: CoordinatorBug, limit: UInt64) -> UInt64? {
        for seed in 0..<limit {
            let plan = CoordinatorsPlan(seed: seed)
            guard let found = failure(plan, bug: bug), bug.evidence.contains(where: { found.contains($0) }) else {
                continue
            }
            // What is found without it, too, is another one.
            if failure(plan) == nil { return seed + 1 }
        }
        return nil
    }

    /// What happened, step by step, up to the failure.
    static func trace(_ plan: CoordinatorsPlan, bug: CoordinatorBug? = nil) -> [String] {
        var (result, lines) = ("nothing was found", [String]())
        do {
            let simulation = try CoordinatorsSimulation(plan, bug: bug, isTracing: true)
            defer { lines = simulation.lines ?? [] }
            try simulation.run()
        } catch {
            result = "FOUND: \(error)"
        }
        return ["seed \(plan.seed), \(plan.kind.rawValue)"] + lines + [result]
    }
}
