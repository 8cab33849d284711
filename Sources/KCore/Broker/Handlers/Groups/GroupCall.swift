internal import Synchronization

/// What the handlers of groups share: from a request to the coordinator of its group and back.
extension Call {
    /// Has a step made for `group`, whose answer the client gets.
    func submit<Response: WireStruct>(
        group: String, refusal: @escaping @Sendable (ErrorCode) -> Response,
        _ body:
            @escaping @Sendable (
                inout GroupCoordinator, inout GroupCoordinator.Turn, CoordinatorReply<Response>
            ) -> Void
    ) {
        submit(group: group, CoordinatorReply({ reply($0) }, refusal: refusal), body)
    }

    /// The same with an answer that goes elsewhere.
    func submit<Response>(
        group: String, _ reply: CoordinatorReply<Response>,
        _ body:
            @escaping @Sendable (
                inout GroupCoordinator, inout GroupCoordinator.Turn, CoordinatorReply<Response>
            ) -> Void
    ) {
        guard let partition = Coordinators.partition(ofGroup: group, image) else {
            return reply.refuse(.notCoordinator)
        }
        broker.coordinators.groups.submit(to: partition, reply, body)
    }

    /// Asks for each of several groups, and has `completion` called on the call's loop with all answers in the order of
    /// the groups. What is said of one group is asked for in one step.
    /// - Parameter size: about how many bytes an answer takes, of which a group that is named more than once gets no more
    ///   than a ``RepetitionAllowance``.
    func submit<Item: Sendable, Answer: Sendable>(
        each items: [Item], group: (Item) -> String, size: @escaping @Sendable (Answer) -> Int,
        refusal: @escaping @Sendable (Item, ErrorCode) -> Answer,
        _ body:
            @escaping @Sendable (Item, inout GroupCoordinator, inout GroupCoordinator.Turn) -> Answer,
        completion: @escaping @Sendable ([Answer]) -> Void
    ) {
        let answers = OrderedAnswers<Answer>(count: items.count, on: loop, completion)
        let allowance = RepetitionAllowance()
        for (name, places) in RepetitionAllowance.places(of: items.map(group)) {
            let namings = places.map { items[$0] }
            let reply = CoordinatorReply<[Answer]> {
                for (place, answer) in zip(places, $0) { answers.set(place, answer) }
            } refusal: { code in
                namings.map { refusal($0, code) }
            }
            submit(group: name, reply) { coordinator, turn, reply in
                let told = allowance.answer(namings, size: size, refusal: { refusal($0, .invalidRequest) }) {
                    body($0, &coordinator, &turn)
                }
                turn.send(told, to: reply)
            }
        }
    }

    /// The client as groups remember it.
    var groupClient: GroupClient {
        GroupClient(id: header.clientId ?? "", host: "/\(connection.peer?.host ?? "")")
    }
}

/// Answers that come from several coordinators, until all are there.
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
