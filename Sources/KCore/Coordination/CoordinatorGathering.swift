internal import Synchronization

/// Answers of several loops on their way to become one.
final class CoordinatorGathering<Answer: Sendable>: Sendable {
    private struct State {
        var answers: [Answer] = []
        var isLoading = false
        var missing: Int
    }

    private let state: Mutex<State>
    private let completion: @Sendable (_ answers: [Answer], _ isLoading: Bool) -> Void

    /// - Parameter completion: called once, on the thread that brings the last answers.
    init(shards: Int, _ completion: @escaping @Sendable (_ answers: [Answer], _ isLoading: Bool) -> Void) {
        state = Mutex(State(missing: shards))
        self.completion = completion
    }

    func add(_ answers: [Answer], isLoading: Bool) {
        let whole = state.withLock { state -> State? in
            state.answers += answers
            state.isLoading = state.isLoading || isLoading
            state.missing -= 1
            return state.missing == 0 ? state : nil
        }
        if let whole { completion(whole.answers, whole.isLoading) }
    }
}
