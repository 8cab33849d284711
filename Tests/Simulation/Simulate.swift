import Glibc

/// Runs seeds of a simulation: `FIRST COUNT` for many, `replay SEED` for one, `shorten SEED` for one without what it does not
/// need, `bugs LIMIT` for the planted ones, `bugs LIMIT NAME ...` for some of them.
@main
enum Simulate {
    static func main() {
        let subject = SimulationSubject.current
        let arguments = CommandLine.arguments.dropFirst()
        let numbers = arguments.compactMap { UInt64($0) }
        switch (arguments.first, numbers.count) {
        case ("replay", 1): replay(subject, numbers[0], shortly: false)
        case ("shorten", 1): replay(subject, numbers[0], shortly: true)
        case ("bugs", 1): findBugs(subject, limit: numbers[0], only: arguments.dropFirst(2))
        case (_, 2): run(subject, numbers[0]..<(numbers[0] + numbers[1]))
        default:
            print("usage: \(subject.name) FIRST COUNT | replay SEED | shorten SEED | bugs LIMIT [NAME ...]")
            exit(2)
        }
    }

    private static func run(_ subject: SimulationSubject, _ seeds: Range<UInt64>) {
        var failures = 0
        for seed in seeds {
            guard let failure = subject.failure(seed) else { continue }
            failures += 1
            print("\(subject.name), seed \(seed): \(failure)\n    make simulate OF=\(subject.name) SEED=\(seed)")
            if failures == 20 { break }
        }
        print("\(subject.name): \(seeds.count) seeds from \(seeds.lowerBound) on, \(failures) failed")
        let counts = subject.counts().sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        if !counts.isEmpty { print("    " + counts.joined(separator: ", ")) }
        exit(failures == 0 ? 0 : 1)
    }

    private static func replay(_ subject: SimulationSubject, _ seed: UInt64, shortly: Bool) {
        for line in subject.trace(seed, shortly) { print(line) }
        exit(subject.failure(seed) == nil ? 0 : 1)
    }

    private static func findBugs(_ subject: SimulationSubject, limit: UInt64, only names: ArraySlice<String>) {
        var missed = 0
        for (name, seedsUntil) in subject.bugs where names.isEmpty || names.contains(name) {
            let seeds = seedsUntil(limit)
            if seeds == nil { missed += 1 }
            print("\(name): \(seeds.map { "found by seed \($0 - 1)" } ?? "not found by \(limit) seeds")")
            // Seen at once, in a pipe too.
            fflush(nil)
        }
        exit(missed == 0 ? 0 : 1)
    }
}
