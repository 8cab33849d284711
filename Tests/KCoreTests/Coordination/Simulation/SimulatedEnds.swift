@testable import KCore

/// Where decisions go when they are kept, and what the broker of today makes of them.
///
/// `@unchecked Sendable`: one thread runs a simulation.
final class SimulatedEnds: @unchecked Sendable {
    var decide: (TransactionEnd) -> Void = { _ in }
    var current: TransactionEnds?
}
