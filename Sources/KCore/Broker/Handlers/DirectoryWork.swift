internal import Synchronization

/// What a request asks of partitions and may wait for disks, done by threads of the partitions' log directories: a disk that
/// does not answer holds up who asks of it, and nobody else.
enum DirectoryWork {
    private struct Results<Answer: Sendable>: Sendable {
        var answers: [Answer?]
        var missing: Int
    }

    /// - Parameters:
    ///   - log: whose directory a question is about; nil for none.
    ///   - threads: of the log's directory, which do it; one question after the other.
    ///   - body: answers questions about one directory, or none, each.
    ///   - completion: called once, on any thread, with the answers in the order of the questions.
    static func answers<Question: Sendable, Answer: Sendable>(
        to questions: [Question], log: (Question) -> Log?,
        by threads: (LogEnvironment) -> LogEnvironment.Run = { $0.requests },
        _ body: @escaping @Sendable ([Question]) -> [Answer],
        completion: @escaping @Sendable ([Answer]) -> Void
    ) {
        var groups: [String: (log: Log?, indices: [Int])] = [:]
        for (index, question) in questions.enumerated() {
            let log = log(question)
            groups[log?.environment.directory.path ?? "", default: (log, [])].indices.append(index)
        }
        if groups.isEmpty { return completion([]) }
        let results = Mutex(
            Results<Answer>(answers: Array(repeating: nil, count: questions.count), missing: groups.count))
        for (log, indices) in groups.values {
            let job: @Sendable () -> Void = {
                let found = body(indices.map { questions[$0] })
                let all = results.withLock { results -> [Answer]? in
                    for (index, answer) in zip(indices, found) { results.answers[index] = answer }
                    results.missing -= 1
                    return results.missing == 0 ? results.answers.compactMap { $0 } : nil
                }
                if let all { completion(all) }
            }
            if let log { threads(log.environment)(job) } else { job() }
        }
    }
}

extension ArraySlice {
    /// Takes the next elements out: those of a topic, say, from answers that came as one list.
    mutating func take(_ count: Int) -> [Element] {
        defer { self = dropFirst(count) }
        return Array(prefix(count))
    }
}
