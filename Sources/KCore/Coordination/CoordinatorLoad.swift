internal import Synchronization

/// One reading of a partition's log: who began it says when nobody wants what it brings any more, and whoever reads looks
/// before each read.
final class CoordinatorLoad: Sendable {
    private let isGivenUp = Atomic<Bool>(false)

    var isWanted: Bool { !isGivenUp.load(ordering: .relaxed) }

    func giveUp() { isGivenUp.store(true, ordering: .relaxed) }
}
