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
