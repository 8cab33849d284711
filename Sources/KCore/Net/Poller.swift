internal import CKernel
internal import Glibc

/// What a descriptor is ready for, or is watched for.
struct Readiness: OptionSet {
    let rawValue: UInt32
    static let read = Readiness(rawValue: EPOLLIN.rawValue)
    static let write = Readiness(rawValue: EPOLLOUT.rawValue)
    /// The peer is gone in both directions, or the socket has an error. Always reported, never asked for.
    static let hangup = Readiness(rawValue: EPOLLHUP.rawValue | EPOLLERR.rawValue)
}

/// Whose descriptor a loop watches. All calls come on the loop.
protocol EventSource: AnyObject {
    func ready(_ readiness: Readiness)
    /// The loop ends. With `drain`, what is under way may be finished before the loop's time is over, else at once.
    func loopEnds(drain: Bool)
    /// Called about once a second, for timeouts that need not be exact.
    func tick(nowMs: Int64)
}

/// Names one registration, also after its descriptor's number went to another one.
struct Registration: Equatable {
    fileprivate(set) var id: UInt64
    static let none = Registration(id: .max)
}

/// epoll, and who is registered with it.
///
/// An event carries a slot and the slot's generation, which changes whenever the slot is freed; so an event that was
/// fetched before its descriptor was closed finds nobody, even when slot and descriptor have a new owner.
struct Poller: ~Copyable {
    private struct Slot {
        var source: (any EventSource)?
        var generation: UInt32 = 0
        var descriptor: Int32 = -1
    }

    private let epoll: Int32
    private var slots: [Slot] = []
    private var freeSlots: [Int] = []
    private let events: UnsafeMutablePointer<epoll_event>
    private static let maxEvents = 256

    init() throws(NetError) {
        epoll = ck_epoll_create()
        guard epoll >= 0 else { throw NetError("epoll_create", code: epoll) }
        events = .allocate(capacity: Poller.maxEvents)
    }

    deinit {
        close(epoll)
        events.deallocate()
    }

    /// Registered sources.
    var count: Int { slots.count - freeSlots.count }

    /// - Parameter descriptor: nil for a source that no descriptor stands for; it gets no events, but ticks.
    mutating func add(
        _ source: any EventSource, descriptor: Int32?, interest: Readiness
    ) throws(NetError) -> Registration {
        let index = freeSlots.last ?? slots.count
        let generation = index < slots.count ? slots[index].generation : 0
        let id = UInt64(generation) << 32 | UInt64(index)
        if let descriptor {
            let result = ck_epoll_control(epoll, EPOLL_CTL_ADD, descriptor, interest.rawValue, id)
            guard result >= 0 else { throw NetError("epoll_ctl", code: result) }
        }
        if index == slots.count { slots.append(Slot()) } else { freeSlots.removeLast() }
        slots[index].source = source
        slots[index].descriptor = descriptor ?? -1
        return Registration(id: id)
    }

    mutating func modify(_ registration: Registration, interest: Readiness) {
        guard let index = slot(of: registration.id), slots[index].descriptor >= 0 else { return }
        // Cannot fail for a descriptor that is registered and open.
        _ = ck_epoll_control(epoll, EPOLL_CTL_MOD, slots[index].descriptor, interest.rawValue, registration.id)
    }

    /// Must come before the descriptor is closed.
    mutating func remove(_ registration: Registration) {
        guard let index = slot(of: registration.id) else { return }
        if slots[index].descriptor >= 0 {
            _ = ck_epoll_control(epoll, EPOLL_CTL_DEL, slots[index].descriptor, 0, 0)
        }
        slots[index].source = nil
        slots[index].descriptor = -1
        slots[index].generation &+= 1
        freeSlots.append(index)
    }

    /// Waits for events. They stay readable through ``event(_:)`` until the next call.
    /// - Parameter timeoutMs: -1 waits without end.
    /// - Returns: the number of events.
    mutating func wait(timeoutMs: Int32) -> Int {
        Int(max(ck_epoll_wait(epoll, events, Int32(Poller.maxEvents), timeoutMs), 0))
    }

    /// An event of the last wait; nil when its registration has ended since.
    func event(_ number: Int) -> (source: any EventSource, readiness: Readiness)? {
        guard let index = slot(of: ck_event_id(events + number)), let source = slots[index].source else { return nil }
        return (source, Readiness(rawValue: ck_event_mask(events + number)))
    }

    var sources: [any EventSource] { slots.compactMap(\.source) }

    private func slot(of id: UInt64) -> Int? {
        let index = Int(id & 0xFFFF_FFFF)
        guard index < slots.count, slots[index].generation == UInt32(id >> 32), slots[index].source != nil else {
            return nil
        }
        return index
    }
}
