internal import Synchronization

/// The loops of a process. Connections are spread over them in turn and stay where they are.
public final class EventLoopGroup: Sendable {
    public let loops: [EventLoop]
    private let turn = Atomic<UInt>(0)

    /// - Parameters:
    ///   - count: loops, at least 1.
    ///   - readers: threads for reading what is to be sent and not in memory; nil: the loops wait for it.
    public init(
        name: String = "loop", count: Int, clock: any Clock = SystemClock(), readers: WorkerPool? = nil
    ) throws(NetError) {
        var loops: [EventLoop] = []
        do throws(NetError) {
            for number in 0..<max(count, 1) {
                loops.append(try EventLoop(name: "\(name)-\(number)", clock: clock, readers: readers))
            }
        } catch {
            for loop in loops { loop.stop() }
            throw error
        }
        self.loops = loops
    }

    /// The loop whose turn it is.
    public func next() -> EventLoop {
        loops[Int(turn.wrappingAdd(1, ordering: .relaxed).oldValue % UInt(loops.count))]
    }

    /// Ends all loops (see ``EventLoop/stop(drainMs:)``) and waits for them.
    /// - Parameter leftMs: asked how long each may be waited for; nil for as long as it takes.
    public func stop(drainMs: Int64 = 0, leftMs: () -> Int64? = { nil }) {
        // All begin to drain before the first is waited for.
        for loop in loops { loop.beginToStop(drainMs: drainMs) }
        for loop in loops { loop.stop(drainMs: drainMs, timeoutMs: leftMs()) }
    }
}
