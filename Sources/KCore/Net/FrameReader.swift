internal import Glibc

/// A frame length that no peer may send.
struct FrameLengthError: Error, Equatable {
    var length: Int32
}

/// Cuts a stream of bytes into frames: four bytes of length, big endian, and that many bytes.
///
/// A length is a claim. Memory follows the bytes that have really come: a frame is given at most ``growth`` times what is
/// there of it.
struct FrameReader {
    private let maxFrameBytes: Int
    // The length, as far as it has come.
    private var header: UInt32 = 0
    private var headerCount = 0
    // The frame that is being received; nil between frames.
    private var storage: ByteStorage?
    private var received = 0
    private var expected = 0

    private static let growth = 8
    private static let smallBytes = 4096

    init(maxFrameBytes: Int) { self.maxFrameBytes = min(maxFrameBytes, Int(Int32.max)) }

    /// Whether a frame has begun and not ended.
    var isInsideFrame: Bool { storage != nil || headerCount > 0 }

    /// Memory of the frame under way.
    var heldBytes: Int { storage?.capacity ?? 0 }

    /// Takes bytes from `input`, up to the end of the next frame.
    /// - Returns: the frame without its length; nil when all input is used up and the frame is not complete.
    mutating func next(
        _ input: inout UnsafeRawBufferPointer, _ pool: inout StoragePool
    ) throws(FrameLengthError) -> Bytes? {
        if storage == nil {
            guard let length = try readLength(&input) else { return nil }
            if input.count >= length {
                let frame = Bytes(copying: UnsafeRawBufferPointer(rebasing: input[..<length]))
                input = UnsafeRawBufferPointer(rebasing: input[length...])
                return frame
            }
            expected = length
            received = 0
            storage = FrameReader.room(have: input.count, expected: expected, &pool)
        }
        while !input.isEmpty, received < expected {
            grow(toHold: min(expected, received + input.count), &pool)
            guard let storage else { return nil }
            let count = min(input.count, min(storage.capacity, expected) - received)
            if let base = input.baseAddress { (storage.base + received).copyMemory(from: base, byteCount: count) }
            received += count
            input = UnsafeRawBufferPointer(rebasing: input[count...])
        }
        return finishedFrame()
    }

    /// Where the bytes of the frame under way go, so that they can be read there; nil when no frame is under way.
    mutating func directRoom(_ pool: inout StoragePool) -> UnsafeMutableRawBufferPointer? {
        guard storage != nil else { return nil }
        grow(toHold: received + 1, &pool)
        guard let storage else { return nil }
        return UnsafeMutableRawBufferPointer(
            start: storage.base + received, count: min(storage.capacity, expected) - received)
    }

    /// Says that `count` bytes were read into ``directRoom(_:)``.
    /// - Returns: the frame, when it is complete now.
    mutating func received(directly count: Int) -> Bytes? {
        received += count
        return finishedFrame()
    }

    private mutating func finishedFrame() -> Bytes? {
        guard received == expected, let storage else { return nil }
        self.storage = nil
        return Bytes(storage: storage, count: expected)
    }

    private mutating func readLength(_ input: inout UnsafeRawBufferPointer) throws(FrameLengthError) -> Int? {
        if headerCount == 0 && input.count >= 4 {
            header = UInt32(bigEndian: input.loadUnaligned(as: UInt32.self))
            input = UnsafeRawBufferPointer(rebasing: input[4...])
        } else {
            while headerCount < 4 {
                guard let byte = input.first else { return nil }
                header = header << 8 | UInt32(byte)
                headerCount += 1
                input = UnsafeRawBufferPointer(rebasing: input[1...])
            }
        }
        headerCount = 0
        let length = Int32(bitPattern: header)
        guard length >= 0, Int(length) <= maxFrameBytes else { throw FrameLengthError(length: length) }
        return Int(length)
    }

    private mutating func grow(toHold count: Int, _ pool: inout StoragePool) {
        guard let old = storage, count > old.capacity else { return }
        let larger = FrameReader.room(have: count, expected: expected, &pool)
        larger.base.copyMemory(from: old.base, byteCount: received)
        storage = larger
    }

    private static func room(have: Int, expected: Int, _ pool: inout StoragePool) -> ByteStorage {
        // What the pool has is spent already; but a peer must have sent something to get it.
        if have >= smallBytes, let pooled = pool.take(atLeast: expected) { return pooled }
        let capacity = min(expected, max(smallBytes, have * growth))
        return capacity == expected ? pool.make(capacity) : ByteStorage(capacity: capacity)
    }
}
