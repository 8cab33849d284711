internal import Glibc

/// Reads input in large blocks and holds what is not used up yet. Used by one thread.
///
/// Life cycle: ``fill()`` until it says that the input has ended; between calls, look at ``unread`` and ``consume(_:)``.
final class InputBuffer {
    enum Fill {
        case data, end, interrupted
        /// Nothing came in time.
        case idle
    }

    private let descriptor: Int32
    private let name: String
    private let interruption: Interruption?
    private var memory: UnsafeMutableRawPointer
    private var capacity: Int
    private var start = 0
    private var end = 0
    private let maxCapacity: Int
    /// Bytes that came with the last ``fill()``.
    private(set) var newCount = 0

    /// - Parameters:
    ///   - name: what errors call the input.
    ///   - maxCapacity: bytes that one record may have.
    init(
        descriptor: Int32, name: String = "the input", interruption: Interruption? = nil, capacity: Int = 1 << 20,
        maxCapacity: Int = Int(Int32.max)
    ) {
        self.descriptor = descriptor
        self.name = name
        self.interruption = interruption
        self.capacity = capacity
        self.maxCapacity = maxCapacity
        memory = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    }

    deinit { memory.deallocate() }

    var unread: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory + start, count: end - start) }

    func consume(_ count: Int) {
        precondition(count >= 0 && count <= end - start)
        start += count
    }

    /// Reads on, behind what is unread. Waits for input or an interruption.
    /// - Parameter timeoutMs: how long; nil for ever. Not kept where nothing can interrupt.
    func fill(timeoutMs: Int64? = nil) throws(ToolError) -> Fill {
        try makeRoom()
        newCount = 0
        while true {
            if let interruption {
                if interruption.signal != nil { return .interrupted }
                var ready = [
                    pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: interruption.descriptor, events: Int16(POLLIN), revents: 0),
                ]
                let found = poll(&ready, 2, timeoutMs.map { Int32(clamping: max($0, 0)) } ?? -1)
                if found < 0 && errno != EINTR {
                    throw ToolError("cannot wait for \(name): \(systemMessage(errno))")
                }
                if found == 0 && timeoutMs != nil { return .idle }
                if ready[1].revents != 0 { return .interrupted }
                if ready[0].revents == 0 { continue }
            }
            let got = read(descriptor, memory + end, capacity - end)
            if got > 0 {
                end += got
                newCount = got
                return .data
            }
            if got == 0 { return .end }
            guard errno == EINTR || errno == EAGAIN else {
                throw ToolError("cannot read \(name): \(systemMessage(errno))")
            }
        }
    }

    // What is unread moves to the front when little room is left; when it is long itself, the memory doubles.
    private func makeRoom() throws(ToolError) {
        if start == end {
            start = 0
            end = 0
        }
        guard capacity - end < capacity / 4 else { return }
        let count = end - start
        if count > capacity / 2 && capacity < maxCapacity {
            let larger = min(capacity * 2, maxCapacity)
            let target = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
            target.copyMemory(from: memory + start, byteCount: count)
            memory.deallocate()
            memory = target
            capacity = larger
        } else if start > 0 {
            memmove(memory, memory + start, count)
        }
        start = 0
        end = count
        guard end < capacity else {
            throw ToolError("a record is longer than \(ByteSize.text(Int64(maxCapacity))); is the delimiter right?")
        }
    }
}
