internal import Synchronization

/// Hands out producer ids from blocks that the controller reserves durably, so that no id is ever given twice, whatever
/// crashes (KIP-730). What is left of a block when the broker stops is never used.
final class ProducerIdAllocator: Sendable {
    enum Outcome: Sendable {
        case success(Int64)
        case failure(ErrorCode)
    }
    typealias Completion = @Sendable (Outcome) -> Void
    /// Asks the controller for a block: its first id and how many.
    typealias BlockSource = @Sendable (@escaping @Sendable (AllocateProducerIds.Block) -> Void) -> Void

    private struct State {
        var next: Int64 = 0
        var end: Int64 = 0
        var isFetching = false
        var waiting: [Completion] = []
    }

    private let state = Mutex(State())
    private let requestBlock: BlockSource

    init(requestBlock: @escaping BlockSource) { self.requestBlock = requestBlock }

    /// Calls `completion` with a new id, at once or when a new block has come.
    func next(_ completion: @escaping Completion) {
        enum Step { case give(Int64), fetch, wait }
        let step = state.withLock { state -> Step in
            if state.next < state.end {
                defer { state.next += 1 }
                return .give(state.next)
            }
            state.waiting.append(completion)
            defer { state.isFetching = true }
            return state.isFetching ? .wait : .fetch
        }
        switch step {
        case .give(let id): completion(.success(id))
        case .wait: break
        case .fetch: fetchBlock()
        }
    }

    private func fetchBlock() {
        requestBlock { [self] block in
            let waiting = state.withLock { state in
                state.isFetching = false
                if block.errorCode == .none {
                    state.next = block.ids.lowerBound
                    state.end = block.ids.upperBound
                }
                defer { state.waiting = [] }
                return state.waiting
            }
            for completion in waiting {
                // More may wait than a block holds: those ask again, and one of them fetches the next.
                if block.errorCode == .none { next(completion) } else { completion(.failure(block.errorCode)) }
            }
        }
    }
}
