internal import Synchronization

/// The answers to the parts of one request, which come from several places in any order, until all are there.
final class OrderedAnswers<Answer: Sendable>: Sendable {
    private struct State: Sendable {
        var answers: [Answer?]
        var missing: Int
    }

    private let state: Mutex<State>
    private let loop: EventLoop
    private let completion: @Sendable ([Answer]) -> Void

    /// - Parameters:
    ///   - loop: where the whole is made of the parts: not where a coordinator has others to serve.
    ///   - completion: called once there, unless the loop has ended.
    init(count: Int, on loop: EventLoop, _ completion: @escaping @Sendable ([Answer]) -> Void) {
        state = Mutex(State(answers: Array(repeating: nil, count: count), missing: count))
        self.loop = loop
        self.completion = completion
        if count == 0 { loop.execute { completion([]) } }
    }

    func set(_ index: Int, _ answer: Answer) {
        let all = state.withLock { state -> [Answer?]? in
            guard state.answers[index] == nil else { return nil }
            state.answers[index] = answer
            state.missing -= 1
            return state.missing == 0 ? state.answers : nil
        }
        guard let all else { return }
        loop.execute { [completion] in completion(all.compactMap { $0 }) }
    }
}
