internal import Synchronization

/// Answers of several loops on their way to become one.
final class CoordinatorGathering<Answer: Sendable>: Sendable {
    private struct State {
        var answers: [Answer] = []
        var isLoading = false
        var hasFailed = false
        var missing: Int

        var refusal: ErrorCode {
            isLoading ? .coordinatorLoadInProgress : hasFailed ? .coordinatorNotAvailable : .none
        }
    }

    private let state: Mutex<State>
    private let loop: EventLoop
    private let completion: @Sendable (_ answers: [Answer], _ missing: ErrorCode) -> Void

    /// - Parameters:
    ///   - loop: where the whole is made of the parts: not where a coordinator has others to serve.
    ///   - completion: called once there, unless the loop has ended, with why some answers are missing.
    init(
        shards: Int, on loop: EventLoop,
        _ completion: @escaping @Sendable (_ answers: [Answer], _ missing: ErrorCode) -> Void
    ) {
        state = Mutex(State(missing: shards))
        self.loop = loop
        self.completion = completion
    }

    func add(_ answers: [Answer], isLoading: Bool, hasFailed: Bool = false) {
        let whole = state.withLock { state -> State? in
            state.answers += answers
            state.isLoading = state.isLoading || isLoading
            state.hasFailed = state.hasFailed || hasFailed
            state.missing -= 1
            return state.missing == 0 ? state : nil
        }
        guard let whole else { return }
        loop.execute { [completion] in completion(whole.answers, whole.refusal) }
    }
}
