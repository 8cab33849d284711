/// What is simulated. Which one a program has is said by the file that it is built with.
struct SimulationSubject {
    let name: String
    /// What a seed finds; nil for nothing.
    let failure: (_ seed: UInt64) -> String?
    /// What happens in a seed, as it is told; shortly, without what the failure does not need.
    let trace: (_ seed: UInt64, _ shortly: Bool) -> [String]
    let bugs: [(name: String, seedsUntil: (_ limit: UInt64) -> UInt64?)]
    /// How often what happened in the seeds so far; nothing where nobody counts.
    let counts: () -> [String: Int]
}
