internal import CKernel
internal import Glibc
internal import Synchronization

/// A connection of length-prefixed frames, in either direction.
///
/// A server reserves a place for the response of each request as it comes (``reserveResponse()``) and completes it whenever
/// it can (``complete(_:_:)``); responses leave in the order of their requests. A client sends with ``send(_:)``.
///
/// `@unchecked Sendable`: every variable is touched on `loop` only. The methods that may be called from other threads say
/// so, and go through the loop's queue; the others check with `assertInLoop` in debug builds.
public final class Connection: @unchecked Sendable {
    public let loop: EventLoop
    public let options: ConnectionOptions
    /// The other side; nil when the transport has no such thing.
    public let peer: SocketAddress?
    /// Of all connections of this process.
    public let number: UInt64

    let transport: Transport
    var handler: (any ConnectionHandler)?
    /// Called once, after the handler was told of the end.
    var onEnd: (() -> Void)?
    private let isOutbound: Bool
    private var registration = Registration.none
    private var interest: Readiness = []

    // Exclusive access to these is not checked at run time, which costs 5 % of an echo of small frames: one thread touches
    // them, and none of their methods calls anything that could come back here.
    @exclusivity(unchecked) var reader: FrameReader
    @exclusivity(unchecked) var slots = ResponseSlots()
    @exclusivity(unchecked) var output = OutputQueue()
    // What was read and not delivered, because reading was paused meanwhile.
    var backlog = Bytes()
    // What the responses in `slots` that are complete, but have to wait for others, cost.
    private var waitingCost = 0

    private(set) var pauses: Pauses = []
    private var isScheduled = false
    var isWriteBlocked = false
    // The response before which nothing more is read.
    private var awaited: ResponseSlot?
    var coldRead = ColdRead()
    // Set: nothing more is read, and the connection ends with this reason as soon as all responses are sent.
    private var lastReason: CloseReason?
    private var waitsForPeer = false
    private var isLingering = false
    var lastActiveMs: Int64

    /// Whether the connection has not ended. Only on the loop.
    public private(set) var isOpen = true
    /// Bytes that came and went. Only on the loop.
    public internal(set) var receivedBytes: Int64 = 0
    public internal(set) var sentBytes: Int64 = 0

    /// Why nothing is read.
    struct Pauses: OptionSet {
        let rawValue: UInt8
        static let inFlight = Pauses(rawValue: 1)
        static let output = Pauses(rawValue: 2)
        static let owner = Pauses(rawValue: 4)
        static let ending = Pauses(rawValue: 8)
        static let response = Pauses(rawValue: 16)
    }

    private static let numbers = Atomic<UInt64>(0)
    private static let segmentCost = 128
    // POLLRDHUP, which Glibc's module does not have.
    private static let pollPeerEnded: Int16 = 0x2000
    /// How long requests of a peer that sends no more are waited for.
    private static let patienceMs: Int64 = 5000

    init(
        loop: EventLoop, transport: Transport, peer: SocketAddress?, options: ConnectionOptions, isOutbound: Bool
    ) {
        self.loop = loop
        self.transport = transport
        self.peer = peer
        self.options = options
        self.isOutbound = isOutbound
        number = Connection.numbers.wrappingAdd(1, ordering: .relaxed).newValue
        reader = FrameReader(maxFrameBytes: options.maxFrameBytes)
        lastActiveMs = loop.nowMs
    }

    /// Begins to read. On failure the transport is closed and the handler hears nothing.
    func open(_ handler: any ConnectionHandler) throws(NetError) {
        loop.assertInLoop()
        do throws(NetError) {
            interest = transport.layer?.interest.union(.read) ?? .read
            registration = try loop.register(self, descriptor: transport.descriptor, interest: interest)
        } catch {
            isOpen = false
            transport.close()
            throw error
        }
        self.handler = handler
        handler.connectionOpened(self)
        if loop.isStopping { loopEnds(drain: false) }
    }

    // MARK: Requests and responses

    /// Requests whose responses are not yet complete or wait for others. Only on the loop.
    public var inFlight: Int { slots.count }
    /// What waits to be sent, in bytes. Only on the loop.
    public var queuedOutputBytes: Int { output.cost + waitingCost }

    /// Keeps a place for the next response. Only on the loop, in ``ConnectionHandler/received(_:on:)``.
    /// - Parameter isAlone: nothing is read until this response is there. For those that may be large and come from elsewhere:
    ///   of a hundred that are on their way, the limit on output would learn when they have all been made.
    public func reserveResponse(isAlone: Bool = false) -> ResponseSlot {
        loop.assertInLoop()
        let slot = slots.reserve()
        if slots.count >= options.maxInFlight { pauses.insert(.inFlight) }
        if isAlone {
            awaited = slot
            pauses.insert(.response)
        }
        return slot
    }

    /// Gives the response for a place, which is sent once those before it have been. From any thread. When the connection has
    /// ended, or the place has its response already, nothing happens.
    /// - Parameter frame: nil when the request is not answered (acks=0).
    public func complete(_ slot: ResponseSlot, _ frame: Frame?) {
        guard loop.inLoop else {
            loop.execute { self.complete(slot, frame) }
            return
        }
        guard isOpen else { return }
        if slot == awaited {
            awaited = nil
            resume(.response)
        }
        if slots.takeOpenFirst(slot) {
            if let frame { output.append(frame) }
        } else {
            guard slots.complete(slot, frame) else { return }
            if let frame { waitingCost += frame.count + Connection.segmentCost }
        }
        while let next = slots.takeFirst() {
            guard let next else { continue }
            waitingCost -= next.count + Connection.segmentCost
            output.append(next)
        }
        limitOutput()
        scheduleTurn()
    }

    /// Sends a frame after those that were given before. From any thread. When the connection has ended, nothing happens.
    public func send(_ frame: Frame) {
        guard loop.inLoop else {
            loop.execute { self.send(frame) }
            return
        }
        guard isOpen else { return }
        output.append(frame)
        limitOutput()
        scheduleTurn()
    }

    /// Delivers no further frames until ``resumeReading()``: for clients that have to be slowed down. Only on the loop.
    public func pauseReading() {
        loop.assertInLoop()
        pauses.insert(.owner)
        scheduleTurn()
    }

    public func resumeReading() {
        loop.assertInLoop()
        resume(.owner)
    }

    // MARK: The end

    /// Ends the connection at once. From any thread.
    public func close(_ reason: CloseReason = .local) {
        guard loop.inLoop else {
            loop.execute { self.close(reason) }
            return
        }
        guard isOpen else { return }
        isOpen = false
        loop.deregister(registration)
        transport.close()
        output.removeAll()
        slots = ResponseSlots()
        waitingCost = 0
        reader = FrameReader(maxFrameBytes: 0)
        backlog = Bytes()
        let (handler, onEnd) = (self.handler, self.onEnd)
        (self.handler, self.onEnd) = (nil, nil)
        handler?.closed(self, reason: reason)
        onEnd?()
    }

    /// Reads nothing more, and ends the connection when all responses that are due have been sent. From any thread.
    public func closeWhenFlushed() {
        guard loop.inLoop else {
            loop.execute { self.closeWhenFlushed() }
            return
        }
        end(.local, waitingForPeer: true)
    }

    /// - Parameter waitingForPeer: to close while input is unread would make the system reset the connection, and the peer might
    ///   lose the last response. So this side only says that it is done, and waits a moment for the peer to close.
    func end(_ reason: CloseReason, waitingForPeer: Bool) {
        guard isOpen, lastReason == nil else { return }
        lastReason = reason
        waitsForPeer = waitingForPeer
        pauses.insert(.ending)
        backlog = Bytes()
        scheduleTurn()
    }

    private func endIfFlushed() {
        guard let lastReason, isOpen, slots.isEmpty, output.isEmpty, !isLingering else { return }
        guard waitsForPeer, transport.layer == nil, let descriptor = transport.descriptor,
            ck_shutdown_write(descriptor) >= 0
        else { return close(lastReason) }
        isLingering = true
        backlog = Bytes()
        pauses = []
        scheduleTurn()
        loop.schedule(afterMs: 1000) { [weak self] in self?.close(lastReason) }
    }

    /// The peer will send nothing more.
    func inputEnded() {
        if isLingering { return close(lastReason ?? .local) }
        // A peer may close its sending side and still wait for its responses.
        if isOutbound || slots.isEmpty && output.isEmpty { return close(.peerClosed) }
        end(.peerClosed, waitingForPeer: false)
        // Most likely it is gone, and a fetch may wait for weeks.
        loop.schedule(afterMs: Connection.patienceMs) { [weak self] in
            guard let self, isOpen, !slots.isEmpty else { return }
            close(.peerClosed)
        }
    }

    var discardsInput: Bool { isLingering }

    // MARK: Flow

    private func limitOutput() {
        // A client must go on reading: if the server, too, waited for its output to be read, neither would move again.
        if !isOutbound, queuedOutputBytes > options.maxQueuedOutputBytes { pauses.insert(.output) }
    }

    private func resume(_ pause: Pauses) {
        guard pauses.contains(pause) else { return }
        pauses.remove(pause)
        scheduleTurn()
    }

    /// Has output flushed and interest adjusted at the end of the turn.
    func scheduleTurn() {
        guard !isScheduled, isOpen else { return }
        isScheduled = true
        loop.atEndOfTurn(self)
    }

    private func adjust() {
        if slots.count <= options.maxInFlight / 2 { resume(.inFlight) }
        if queuedOutputBytes <= options.maxQueuedOutputBytes / 2 { resume(.output) }
        var wanted: Readiness = pauses.isEmpty ? .read : []
        if isWriteBlocked { wanted.insert(.write) }
        if let layer = transport.layer { wanted.formUnion(layer.interest) }
        if wanted != interest {
            interest = wanted
            loop.modify(registration, interest: wanted)
        }
        endIfFlushed()
    }

    /// For a layer without a descriptor: there may be something to read, or room to write.
    func transportReady() { ready([.read, .write]) }
}

extension Connection: EventSource, TurnTask {
    func ready(_ readiness: Readiness) {
        guard isOpen else { return }
        if !readiness.isDisjoint(with: .hangup), !pauses.isEmpty {
            let code = transport.descriptor.map { ck_socket_error($0) } ?? 0
            return close(code == 0 ? .peerClosed : .failed(NetError("socket", code: code)))
        }
        if readiness.contains(.write) || transport.layer != nil { isWriteBlocked = false }
        if pauses.isEmpty { readAvailable() }
        // A layer's interest may have changed by being read.
        if isOpen, !output.isEmpty || readiness.contains(.write) || transport.layer != nil { scheduleTurn() }
    }

    func runAtEndOfTurn() {
        isScheduled = false
        guard isOpen else { return }
        if pauses.isEmpty, !backlog.isEmpty || transport.layer?.hasBufferedInput == true { readAvailable() }
        guard isOpen else { return }
        flush()
        guard isOpen else { return }
        adjust()
    }

    func tick(nowMs: Int64) {
        // Of a connection that is not read nothing else tells that the client has gone.
        let waits = !isOutbound && !pauses.isDisjoint(with: [.response, .inFlight])
        if waits, nowMs - lastActiveMs >= Connection.patienceMs, hasPeerEnded { return close(.peerClosed) }
        guard options.maxIdleMs >= 0, nowMs - lastActiveMs > options.maxIdleMs else { return }
        // A request in flight keeps the connection, unless it is ending.
        guard slots.isEmpty || lastReason != nil else { return }
        close(.idle)
    }

    private var hasPeerEnded: Bool {
        guard let descriptor = transport.descriptor else { return false }
        var asked = pollfd(fd: descriptor, events: Connection.pollPeerEnded, revents: 0)
        return poll(&asked, 1, 0) > 0 && asked.revents & Connection.pollPeerEnded != 0
    }

    func loopEnds(drain: Bool) {
        if drain { end(.loopStopped, waitingForPeer: false) } else { close(.loopStopped) }
    }
}
