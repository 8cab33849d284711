import Glibc
import Testing

@testable import KCore

/// What a test waited for did not happen.
struct NeverHappened: Error, CustomStringConvertible {
    let description: String
}

/// Looks again and again until `condition` holds. So long that only what never happens is not seen, so that a test that
/// waits for it fails and the run goes on.
/// - Throws: ``NeverHappened``, which says what was waited for.
func eventually(_ what: String, _ condition: () throws -> Bool) throws {
    let deadline = SystemClock().monotonicMs + 30_000
    while try !condition() {
        guard SystemClock().monotonicMs < deadline else { throw NeverHappened(description: "never: \(what)") }
        sched_yield()
    }
}

/// ``eventually(_:_:)`` where nothing can be thrown: what never happens is an issue of the test.
func expectEventually(_ what: String, _ condition: () throws -> Bool) {
    do { try eventually(what, condition) } catch { Issue.record(error) }
}
