internal import Synchronization

/// Chooses which log is cleaned next, and keeps what came of it. Any number of threads may ask at the same time; a log is
/// cleaned by one of them.
public final class LogCleaner: Sendable {
    let throttle: CleanerThrottle
    private let clock: any Clock
    private let logger: Logger
    private let state: Mutex<State>
    /// How often a long cleaning says where it is.
    private static let progressIntervalMs: Int64 = 30_000

    private struct State: Sendable {
        var options: CleanerOptions
        var status = CleanerStatus()
        /// Logs that cannot be cleaned as they are.
        var damaged: [TopicPartition: Damage] = [:]
        /// Why the last attempt failed, which is said once: with no room it is tried again for as long as that takes.
        var failing: [TopicPartition: String] = [:]
    }

    private struct Damage: Sendable {
        /// Another one with the same name is not damaged by that.
        weak var log: Log?
        /// The segment that cannot be read.
        var baseOffset: Int64
    }

    init(_ options: CleanerOptions, clock: any Clock, logger: Logger) {
        state = Mutex(State(options: options))
        self.clock = clock
        self.logger = logger
        throttle = CleanerThrottle(maxBytesPerSecond: options.maxBytesPerSecond, clock: clock)
    }

    /// What is set now.
    var options: CleanerOptions { state.withLock { $0.options } }

    /// Has other settings in force for what is cleaned next, and the new rate at once.
    func change(_ options: CleanerOptions) {
        state.withLock { $0.options = options }
        throttle.change(maxBytesPerSecond: options.maxBytesPerSecond)
    }

    public var status: CleanerStatus { state.withLock { $0.status } }

    // MARK: Choosing

    private struct Choice {
        var log: Log
        var range: CleanableRange
    }

    /// The log with the largest dirty share among those that are worth it, taken out of the others' reach until
    /// ``release(_:)``.
    private func choose(among logs: [Log], except failed: Set<TopicPartition>) -> Choice? {
        while let best = best(among: logs, except: failed) {
            // Another thread can have come first.
            if take(best) { return best }
        }
        return nil
    }

    private func best(among logs: [Log], except failed: Set<TopicPartition>) -> Choice? {
        var best: Choice?
        let nowMs = clock.wallMs
        let taken = Set(status.inProgress.map(\.topicPartition)).union(failed)
        for log in logs where log.config.cleanupPolicy.contains(.compact) && isFree(log) {
            if taken.contains(log.topicPartition) { continue }
            do throws(LogError) {
                let range = try log.cleanableRange(nowMs: nowMs)
                guard range.isWorthIt(log.config), range.dirtyRatio > best?.range.dirtyRatio ?? -1 else { continue }
                best = Choice(log: log, range: range)
            } catch {
                logger.warning("a log cannot be looked at", ["partition": log.topicPartition, "error": error])
            }
        }
        return best
    }

    private func isFree(_ log: Log) -> Bool {
        if log.isOffline || log.isDeleted.load(ordering: .acquiring) { return false }
        let partition = log.topicPartition
        guard let damaged = state.withLock({ $0.damaged[partition] }) else { return true }
        // Until the segment is no longer part of the log.
        if damaged.log === log && log.hasSegment(at: damaged.baseOffset) { return false }
        state.withLock { state in
            state.damaged[partition] = nil
            state.status.uncleanable[partition] = nil
        }
        return true
    }

    /// Forgets what came of logs that are no more.
    /// - Parameter logs: all there are.
    func forgetOthers(than logs: [Log]) {
        let names = Set(logs.map(\.topicPartition))
        state.withLock { state in
            state.status.last = state.status.last.filter { names.contains($0.key) }
            state.status.uncleanable = state.status.uncleanable.filter { names.contains($0.key) }
            state.damaged = state.damaged.filter { names.contains($0.key) }
            state.failing = state.failing.filter { names.contains($0.key) }
        }
    }

    private func take(_ choice: Choice) -> Bool {
        let startedMs = clock.monotonicMs
        return state.withLock { state in
            let partition = choice.log.topicPartition
            guard !state.status.inProgress.contains(where: { $0.topicPartition == partition }) else { return false }
            state.status.inProgress.append(
                CleanerStatus.Progress(
                    topicPartition: partition, bytesToRead: choice.range.cleanBytes + 2 * choice.range.dirtyBytes,
                    bytesRead: 0, startedMs: startedMs))
            return true
        }
    }

    private func release(_ log: Log) {
        state.withLock { state in
            state.status.inProgress.removeAll { $0.topicPartition == log.topicPartition }
        }
    }

    // MARK: Cleaning

    /// Removes what has grown too old, or too much, from logs that are both compacted and deleted from: each time the cleaner
    /// looks, as Apache Kafka does. What goes wrong is told by retention, which comes less often.
    func deleteOldSegments(of logs: [Log]) {
        for log in logs where log.config.cleanupPolicy == [.compact, .delete] {
            if log.isOffline || log.isDeleted.load(ordering: .acquiring) { continue }
            _ = try? log.deleteOldSegments(nowMs: clock.wallMs)
        }
    }

    /// Cleans the log that needs it most; when that does not come to its end, the next one.
    /// - Parameters:
    ///   - logs: those to choose from.
    ///   - map: memory for the cleaning, of the calling thread.
    ///   - pause: waits for some milliseconds; says whether to go on.
    /// - Returns: what was done; nil when there is nothing to clean, or nothing could be.
    @discardableResult
    func cleanNext(
        among logs: [Log], map: OffsetMap, pause: @escaping (Int64) -> Bool = { _ in true }
    ) -> CleaningResult? {
        var failed: Set<TopicPartition> = []
        while let choice = choose(among: logs, except: failed) {
            defer { release(choice.log) }
            if let result = clean(choice, map, pause) { return result }
            failed.insert(choice.log.topicPartition)
            if !pause(0) { return nil }
        }
        return nil
    }

    private func clean(
        _ choice: Choice, _ map: OffsetMap, _ pause: @escaping (Int64) -> Bool
    ) -> CleaningResult? {
        let started = clock.monotonicMs
        var saidMs = started
        if state.withLock({ $0.failing[choice.log.topicPartition] == nil }) {
            logger.info(
                "cleaning begins",
                [
                    "partition": choice.log.topicPartition, "from": choice.range.firstDirtyOffset,
                    "to": choice.range.endOffset, "dirtyMB": LogCleaner.megabytes(choice.range.dirtyBytes),
                    "cleanMB": LogCleaner.megabytes(choice.range.cleanBytes),
                ])
        }
        let cleaning = Cleaning(
            choice.log, choice.range, map: map, bufferBytes: options.bufferBytes, nowMs: clock.wallMs,
            goOn: { [self] read, written in
                note(read, choice, &saidMs)
                return pause(throttle.note(read + written))
            })
        do throws(Cleaning.End) {
            while try cleaning.step() {}
        } catch {
            end(choice.log, error)
            return nil
        }
        var result = cleaning.result
        result.durationMs = clock.monotonicMs - started
        finish(choice.log, result)
        return result
    }

    private func note(_ bytesRead: Int, _ choice: Choice, _ saidMs: inout Int64) {
        let progress = state.withLock { state -> CleanerStatus.Progress? in
            let partition = choice.log.topicPartition
            guard let index = state.status.inProgress.firstIndex(where: { $0.topicPartition == partition }) else {
                return nil
            }
            state.status.inProgress[index].bytesRead += Int64(bytesRead)
            return state.status.inProgress[index]
        }
        let nowMs = clock.monotonicMs
        guard let progress, nowMs - saidMs >= LogCleaner.progressIntervalMs else { return }
        saidMs = nowMs
        let seconds = max(Double(nowMs - progress.startedMs) / 1000, 0.001)
        logger.info(
            "cleaning",
            [
                "partition": progress.topicPartition, "doneMB": LogCleaner.megabytes(progress.bytesRead),
                "ofMB": LogCleaner.megabytes(progress.bytesToRead), "seconds": LogCleaner.tenths(seconds),
                "MBperSecond": LogCleaner.tenths(Double(progress.bytesRead) / 1_048_576 / seconds),
            ])
    }

    private func finish(_ log: Log, _ result: CleaningResult) {
        state.withLock { state in
            state.status.last[log.topicPartition] = result
            state.failing[log.topicPartition] = nil
            state.status.cleanings += 1
            state.status.bytesRead += result.bytesRead
            state.status.bytesWritten += result.bytesWritten
        }
        // Where the next cleaning begins.
        _ = log.environment.checkpoint()
        logger.info(
            "log cleaned",
            [
                "partition": log.topicPartition, "from": result.firstDirtyOffset, "to": result.endOffset,
                "beforeMB": LogCleaner.megabytes(result.bytesBefore),
                "afterMB": LogCleaner.megabytes(result.bytesAfter),
                "readMB": LogCleaner.megabytes(result.bytesRead),
                "writtenMB": LogCleaner.megabytes(result.bytesWritten),
                "seconds": LogCleaner.tenths(Double(result.durationMs) / 1000),
                "MBperSecond": LogCleaner.tenths(result.megabytesPerSecond), "recordsRead": result.recordsRead,
                "recordsKept": result.recordsKept, "keys": result.keys,
                "bufferUtilization": "\(LogCleaner.tenths(result.mapUtilization * 100))%",
            ])
        if result.recordsWithoutKey > 0 {
            logger.warning(
                "records without a key were removed",
                ["partition": log.topicPartition, "count": result.recordsWithoutKey])
        }
    }

    private func end(_ log: Log, _ end: Cleaning.End) {
        switch end {
        case .abandoned:
            logger.debug("a cleaning was abandoned", ["partition": log.topicPartition])
        case .failed(let error):
            let isNews = state.withLock { state in
                state.failing.updateValue(error.message, forKey: log.topicPartition) != error.message
            }
            guard isNews else { return }
            logger.error("a cleaning failed, and is tried again", ["partition": log.topicPartition, "error": error])
        case .uncleanable(let segment, let reason):
            state.withLock { state in
                state.damaged[log.topicPartition] = Damage(log: log, baseOffset: segment)
                state.status.uncleanable[log.topicPartition] = reason
            }
            logger.error(
                "a log cannot be cleaned, and is left as it is until the damaged segment is gone or the broker starts anew",
                ["partition": log.topicPartition, "reason": reason])
        }
    }

    private static func megabytes(_ bytes: Int64) -> String { tenths(Double(bytes) / 1_048_576) }

    private static func tenths(_ value: Double) -> String {
        let tenths = Int64((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}

extension Log {
    func hasSegment(at baseOffset: Int64) -> Bool {
        published.withLock { published in published.segments.contains { $0.baseOffset == baseOffset } }
    }
}
