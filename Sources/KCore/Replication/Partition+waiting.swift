internal import Synchronization

extension Partition {
    /// Parks a fetch that found nothing at `mark`, the end of what it may see. It is woken by what moves that; where only
    /// time does, by nobody: see ``nextDueMs``, which is looked at after this.
    /// - Returns: false when the end has moved since; the fetch should read again instead.
    func wait(_ fetch: WaitingFetch, since mark: Int64, _ limit: ReadLimit = .highWatermark) -> Bool {
        state.withLock { state in
            guard state.isOpen else { return false }
            let highWatermark = state.visibility.highWatermark
            switch limit {
            case .highWatermark:
                guard highWatermark == mark else { return false }
                state.waiting.append(fetch)
            case .lastStableOffset:
                guard log.lastStableOffset(highWatermark: highWatermark) == mark else { return false }
                state.waitingForStable.append(fetch)
            }
            return true
        }
    }

    /// Forgets a fetch that has been answered.
    func stopWaiting(_ fetch: WaitingFetch) {
        state.withLock { state in
            if !Partition.remove(fetch, from: &state.waiting) {
                _ = Partition.remove(fetch, from: &state.waitingForStable)
            }
        }
    }

    private static func remove(_ fetch: WaitingFetch, from waiting: inout [WaitingFetch]) -> Bool {
        guard let index = waiting.firstIndex(where: { $0 === fetch }) else { return false }
        waiting.swapAt(index, waiting.count - 1)
        waiting.removeLast()
        return true
    }
}

extension Partition.State {
    mutating func takeWaiting() -> [WaitingFetch] {
        defer {
            waiting = []
            waitingForStable = []
        }
        return waiting + waitingForStable
    }
}
