internal import Synchronization

extension Partition {
    /// Parks a fetch that found nothing at `highWatermark`. It is woken by what moves that; where only time does, by
    /// nobody: see ``nextDueMs``, which is looked at after this.
    /// - Returns: false when the partition has moved since; the fetch should read again instead.
    func wait(_ fetch: WaitingFetch, since highWatermark: Int64) -> Bool {
        state.withLock { state in
            guard state.isOpen, state.visibility.highWatermark == highWatermark else { return false }
            state.waiting.append(fetch)
            return true
        }
    }

    /// Forgets a fetch that has been answered.
    func stopWaiting(_ fetch: WaitingFetch) {
        state.withLock { state in
            if let index = state.waiting.firstIndex(where: { $0 === fetch }) {
                state.waiting.swapAt(index, state.waiting.count - 1)
                state.waiting.removeLast()
            }
        }
    }
}

extension Partition.State {
    mutating func takeWaiting() -> [WaitingFetch] {
        defer { waiting = [] }
        return waiting
    }
}
