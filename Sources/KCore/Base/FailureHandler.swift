internal import Synchronization

/// Who is told when something fails. Set when somebody is there to be told.
final class FailureHandler: Sendable {
    // In a type of its own: a closure that stands in a mutex by itself is wrapped once more each time that it is looked at.
    private struct Handler: Sendable {
        var call: @Sendable (String) -> Void
    }

    private let handler = Mutex<Handler?>(nil)

    /// Has `call` told from now on, and nobody else.
    func set(_ call: @escaping @Sendable (String) -> Void) { handler.withLock { $0 = Handler(call: call) } }

    /// - Parameter what: what has failed, or why.
    func tell(_ what: String) { handler.withLock { $0 }?.call(what) }
}
