internal import Synchronization

/// How much of an answer may be what the request has asked for before: groups, transactional ids or partitions that it
/// names more than once.
///
/// A name takes a few bytes, and what is told of it as many as a group has members and offsets, or a partition producers.
/// Kafka answers each naming in full; here those that come when the allowance is spent are answered with INVALID_REQUEST,
/// so that an answer stays in proportion to the request and to what there is.
final class RepetitionAllowance: Sendable {
    static let bytes = 1 << 20

    private let left = Atomic<Int>(RepetitionAllowance.bytes)

    var isSpent: Bool { left.load(ordering: .relaxed) <= 0 }
    func take(_ bytes: Int) { left.subtract(bytes, ordering: .relaxed) }

    /// The answers to all namings of one thing: to the first in any case.
    /// - Parameters:
    ///   - size: about how many bytes an answer takes.
    ///   - refusal: INVALID_REQUEST.
    func answer<Item, Answer>(
        _ namings: [Item], size: (Answer) -> Int, refusal: (Item) -> Answer, _ body: (Item) -> Answer
    ) -> [Answer] {
        namings.enumerated().map { number, item in
            guard number > 0 else { return body(item) }
            guard !isSpent else { return refusal(item) }
            let answer = body(item)
            take(size(answer))
            return answer
        }
    }

    /// Each of several names, in the order of their first naming, with the places where it is named.
    static func places(of names: [String]) -> [(name: String, places: [Int])] {
        var found: [(name: String, places: [Int])] = []
        var numbers: [ExactName: Int] = [:]
        for (place, name) in names.enumerated() {
            if let number = numbers[ExactName(name)] {
                found[number].places.append(place)
            } else {
                numbers[ExactName(name)] = found.count
                found.append((name, [place]))
            }
        }
        return found
    }
}
