/// The place of one response in the order of a connection's responses.
public struct ResponseSlot: Sendable, Hashable {
    let number: UInt64
}

/// Responses of one connection, given in any order, taken in the order of their requests.
struct ResponseSlots {
    private enum Slot {
        case open
        case done(Frame?)
    }

    // Slots from `head` on are reserved; the first has number `firstNumber`.
    private var slots: [Slot] = []
    private var head = 0
    private var firstNumber: UInt64 = 0

    /// Slots that were reserved and not yet taken.
    var count: Int { slots.count - head }
    var isEmpty: Bool { head == slots.count }

    mutating func reserve() -> ResponseSlot {
        slots.append(.open)
        return ResponseSlot(number: firstNumber + UInt64(count - 1))
    }

    /// Gives the slot up when it is the first and still open, so that its response need not be kept.
    /// - Returns: whether it was.
    mutating func takeOpenFirst(_ slot: ResponseSlot) -> Bool {
        guard slot.number == firstNumber, head < slots.count, case .open = slots[head] else { return false }
        dropFirst()
        return true
    }

    /// - Returns: false when the slot was completed before, or is not of this connection.
    mutating func complete(_ slot: ResponseSlot, _ frame: Frame?) -> Bool {
        guard slot.number >= firstNumber, slot.number - firstNumber < UInt64(count) else { return false }
        let index = head + Int(slot.number - firstNumber)
        guard case .open = slots[index] else { return false }
        slots[index] = .done(frame)
        return true
    }

    /// Takes the first response when it is there.
    /// - Returns: nil when the first slot is still open or there is none; `.some(nil)` for one without a response.
    mutating func takeFirst() -> Frame?? {
        guard head < slots.count, case .done(let frame) = slots[head] else { return nil }
        slots[head] = .open
        dropFirst()
        return .some(frame)
    }

    private mutating func dropFirst() {
        head += 1
        firstNumber += 1
        if head == slots.count {
            slots.removeAll(keepingCapacity: slots.capacity <= 64)
            head = 0
        } else if head >= 64 && head * 2 >= slots.count {
            slots.removeFirst(head)
            head = 0
        }
    }
}
