import Synchronization

@testable import KCore

/// The log as one leader of its partition has it: nothing once another one leads, or the broker is gone.
final class SimulatedLeaderLog: CoordinatorLog {
    private struct State {
        var isOver = false
        var waiting: [@Sendable () -> Void] = []
        /// What another thread does for it.
        var works: [@Sendable () -> Void] = []
    }

    private let log: SimulatedCoordinatorLog
    private let state = Mutex(State())

    init(_ log: SimulatedCoordinatorLog) { self.log = log }

    private var isOver: Bool { state.withLock { $0.isOver } }
    var topicPartition: TopicPartition { log.topicPartition }
    var startOffset: Int64 { log.startOffset }
    var endOffset: Int64 { log.endOffset }
    var flushedOffset: Int64 { log.flushedOffset }
    var maxBatchBytes: Int { log.maxBatchBytes }
    /// Nothing is told by who does not lead.
    var highWatermark: Int64 { isOver ? -1 : log.highWatermark }

    func append(_ batch: Bytes) throws(LogError) -> CoordinatorAppended {
        if isOver { throw LogError(.notLeaderOrFollower, "another one leads") }
        return try log.append(batch)
    }

    func check(_ producer: CoordinatorProducer) -> ErrorCode { log.check(producer) }

    var storage: ObjectIdentifier { ObjectIdentifier(log) }
    func appendAtOnce(_ batch: Bytes) throws(LogError) -> CoordinatorAppended? { log.isBusy ? nil : try append(batch) }
    func checkAtOnce(_ producer: CoordinatorProducer) -> ErrorCode? { log.isBusy ? nil : check(producer) }
    func runLate(_ work: @escaping @Sendable () -> Void) { state.withLock { $0.works.append(work) } }

    func read(from offset: Int64, maxBytes: Int) throws(LogError) -> Bytes {
        try log.read(from: offset, maxBytes: maxBytes)
    }

    func whenHighWatermarkMoves(from highWatermark: Int64, _ wake: @escaping @Sendable () -> Void) {
        if isOver { return }
        if log.highWatermark != highWatermark { return wake() }
        state.withLock { $0.waiting.append(wake) }
    }

    // MARK: What the simulation does

    /// The high watermark has moved.
    func wake() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for wake in waiting { wake() }
    }

    /// Does what waits for the disk.
    /// - Returns: how much that was.
    @discardableResult
    func work() -> Int {
        let works = state.withLock { state in
            defer { state.works = [] }
            return state.works
        }
        for work in works { work() }
        return works.count
    }

    func end() {
        state.withLock { state in
            state.isOver = true
            state.waiting = []
        }
    }

    /// What waits for the disk never comes there.
    func forget() { state.withLock { $0.works = [] } }
}
