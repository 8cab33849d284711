internal import Synchronization

/// What was done to one log after a stop that was not clean.
struct LogRecovery: Sendable {
    var segments = 0
    /// Bytes that there were above what was known to be sound.
    var bytes: Int64 = 0
    /// Bytes that were cut off, and those of segments that cannot follow what is left.
    var removedBytes: Int64 = 0
    var endOffset: Int64 = 0
}

/// Tells how a start after a stop that was not clean gets on: a line for each log, one a second for all of them, and a sum.
final class RecoveryProgress: Sendable {
    private struct State: Sendable {
        var done = 0
        var failed = 0
        var sum = LogRecovery()
        var lastLineMs: Int64
    }

    private static let intervalMs: Int64 = 1000
    private let logger: Logger
    private let clock: any Clock
    private let count: Int
    private let startMs: Int64
    private let state: Mutex<State>

    /// - Parameter count: logs that are to be recovered.
    init(count: Int, logger: Logger, clock: any Clock) {
        self.count = count
        self.logger = logger
        self.clock = clock
        startMs = clock.monotonicMs
        state = Mutex(State(lastLineMs: startMs))
    }

    func recovered(_ topicPartition: TopicPartition, _ log: LogRecovery, tookMs: Int64) {
        logger.info(
            "log recovered",
            [
                "partition": topicPartition, "logEndOffset": log.endOffset, "segments": log.segments,
                "bytes": log.bytes, "removedBytes": log.removedBytes, "ms": tookMs,
            ])
        ended { state in
            state.sum.segments += log.segments
            state.sum.bytes += log.bytes
            state.sum.removedBytes += log.removedBytes
        }
    }

    /// The log cannot be used. Why is said elsewhere.
    func failed() { ended { $0.failed += 1 } }

    private func ended(_ note: (inout State) -> Void) {
        let nowMs = clock.monotonicMs
        let line = state.withLock { state -> State? in
            state.done += 1
            note(&state)
            guard state.done < count, nowMs - state.lastLineMs >= RecoveryProgress.intervalMs else { return nil }
            state.lastLineMs = nowMs
            return state
        }
        if let line { logger.info("recovered \(line.done) of \(count) logs", ["bytes": line.sum.bytes]) }
    }

    /// Says what it came to.
    func finish() {
        let state = state.withLock { $0 }
        let ms = clock.monotonicMs - startMs
        logger.info(
            "all logs recovered",
            [
                "logs": state.done - state.failed, "refused": state.failed, "bytes": state.sum.bytes,
                "removedBytes": state.sum.removedBytes, "seconds": RecoveryProgress.seconds(ms),
            ])
    }

    private static func seconds(_ ms: Int64) -> String {
        let fraction = String(1000 + ms % 1000).dropFirst()
        return "\(ms / 1000).\(fraction)"
    }
}
