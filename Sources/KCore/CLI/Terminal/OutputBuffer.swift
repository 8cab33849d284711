internal import Glibc

/// Collects output and writes it in large pieces. Used by one thread.
///
/// Life cycle: append, ``flush()`` whenever the reader should see it, and at the end. Once a write has failed, what is
/// appended is dropped and ``failure`` says why; `EPIPE` means that the reader wants no more.
public final class OutputBuffer {
    /// Negative where there is none to ask.
    private let descriptor: Int32
    /// Returns 0, or the `errno`.
    private let write: (UnsafeRawBufferPointer) -> Int32
    private let memory: UnsafeMutableRawPointer
    private let capacity: Int
    /// Bytes that wait to be written.
    public private(set) var count = 0
    /// Bytes appended so far.
    public private(set) var total: Int64 = 0
    /// The `errno` of the write that failed.
    public private(set) var failure: Int32?

    /// - Parameter capacity: bytes; output is written when they are full.
    public convenience init(descriptor: Int32, capacity: Int = 1 << 18) {
        self.init(capacity: capacity, descriptor: descriptor) { Console.writeAll($0, to: descriptor) }
    }

    /// - Parameter write: takes all it is given; returns 0, or an `errno`.
    init(capacity: Int, descriptor: Int32 = -1, write: @escaping (UnsafeRawBufferPointer) -> Int32) {
        self.descriptor = descriptor
        self.write = write
        self.capacity = capacity
        memory = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    }

    deinit { memory.deallocate() }

    /// Whether the reader has gone, as `head` does when it has seen enough.
    public var isClosedByReader: Bool { failure == EPIPE }

    /// Whether there is no use in writing more: a write has failed, or the reader has gone while there was nothing to
    /// write.
    public var isGivenUp: Bool {
        if failure != nil { return true }
        var state = pollfd(fd: descriptor, events: 0, revents: 0)
        return poll(&state, 1, 0) > 0 && state.revents & Int16(POLLERR) != 0
    }

    @inline(__always)
    public func append(_ bytes: UnsafeRawBufferPointer) {
        if bytes.count <= capacity - count {
            if let base = bytes.baseAddress { (memory + count).copyMemory(from: base, byteCount: bytes.count) }
            count += bytes.count
            total += Int64(bytes.count)
        } else {
            appendSlowly(bytes)
        }
    }

    @inline(__always)
    public func append(_ byte: UInt8) {
        if count == capacity { flush() }
        memory.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
        total += 1
    }

    public func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    public func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// A number in decimal.
    public func append(_ number: some BinaryInteger) {
        var value = Int64(truncatingIfNeeded: number)
        if value < 0 {
            append(UInt8(ascii: "-"))
            // The smallest number has no positive twin.
            if value == .min { return append("9223372036854775808" as StaticString) }
            value = -value
        }
        withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
            var start = 20
            repeat {
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(value % 10)
                value /= 10
            } while value > 0
            append(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(digits)[start...]))
        }
    }

    /// Room for `size` bytes to be filled in place, or nil when that is more than the buffer can ever hold.
    func reserve(_ size: Int) -> UnsafeMutableRawBufferPointer? {
        guard size <= capacity else { return nil }
        if size > capacity - count { flush() }
        return UnsafeMutableRawBufferPointer(start: memory + count, count: size)
    }

    /// Takes `size` bytes of the room that ``reserve(_:)`` gave.
    func commit(_ size: Int) {
        count += size
        total += Int64(size)
    }

    /// Writes what waits.
    public func flush() {
        if count > 0 && failure == nil {
            let error = write(UnsafeRawBufferPointer(start: memory, count: count))
            if error != 0 { failure = error }
        }
        count = 0
    }

    private func appendSlowly(_ bytes: UnsafeRawBufferPointer) {
        flush()
        if bytes.count < capacity { return append(bytes) }
        if failure == nil {
            let error = write(bytes)
            if error != 0 { failure = error }
        }
        total += Int64(bytes.count)
    }
}
