import Glibc

/// Runs seeds of the simulation: `simulate FIRST COUNT` for many, `simulate replay SEED` for one, `simulate bugs LIMIT` for
/// the planted ones.
@main
enum Simulate {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        let numbers = arguments.compactMap { UInt64($0) }
        switch (arguments.first, numbers.count) {
        case ("replay", 1): replay(numbers[0], shortly: false)
        case ("shorten", 1): replay(numbers[0], shortly: true)
        case ("bugs", 1): findBugs(limit: numbers[0])
        case (_, 2): run(numbers[0]..<(numbers[0] + numbers[1]))
        default:
            print("usage: simulate FIRST COUNT | simulate replay SEED | simulate shorten SEED | simulate bugs LIMIT")
            exit(2)
        }
    }

    private static func run(_ seeds: Range<UInt64>) {
        var failures = 0
        for seed in seeds {
            guard let failure = SimulationRun.failure(SimulationPlan(seed: seed)) else { continue }
            failures += 1
            print("seed \(seed): \(failure)\n    make simulate SEED=\(seed)")
            if failures == 20 { break }
        }
        print("\(seeds.count) seeds from \(seeds.lowerBound) on, \(failures) failed")
        exit(failures == 0 ? 0 : 1)
    }

    private static func replay(_ seed: UInt64, shortly: Bool) {
        var plan = SimulationPlan(seed: seed)
        let hasFailed = SimulationRun.failure(plan) != nil
        if shortly && hasFailed { plan = SimulationRun.minimised(plan) }
        for line in SimulationRun.trace(plan) { print(line) }
        exit(hasFailed ? 1 : 0)
    }

    private static func findBugs(limit: UInt64) {
        var missed = 0
        for bug in PlantedBug.allCases {
            let seeds = SimulationRun.seedsUntil(bug, limit: limit)
            if seeds == nil { missed += 1 }
            print("\(bug.rawValue): \(seeds.map { "found by seed \($0 - 1)" } ?? "not found by \(limit) seeds")")
        }
        exit(missed == 0 ? 0 : 1)
    }
}
