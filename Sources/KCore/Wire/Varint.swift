/// Variable-length integers as Kafka writes them: seven bits a byte, least significant first, the high bit set on all
/// but the last. Signed ones are zigzag-coded, so that small negative numbers are short too.
public enum Varint {
    public static let maxBytes32 = 5
    public static let maxBytes64 = 10

    @inline(__always)
    public static func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: (value << 1) ^ (value >> 63)) }

    @inline(__always)
    public static func unzigzag(_ value: UInt64) -> Int64 {
        Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// Bytes that `value` takes, 1 to 10.
    @inline(__always)
    public static func size(unsigned value: UInt64) -> Int {
        (70 &- (value | 1).leadingZeroBitCount) / 7
    }

    /// Bytes that `value` takes zigzag-coded, 1 to 10.
    @inline(__always)
    public static func size(_ value: Int64) -> Int { size(unsigned: zigzag(value)) }

    /// Writes `value` at `target`, which has room for it, and returns how many bytes it took.
    @inline(__always)
    public static func write(unsigned value: UInt64, to target: UnsafeMutableRawPointer) -> Int {
        var rest = value
        var length = 0
        while rest >= 0x80 {
            target.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: length, as: UInt8.self)
            rest >>= 7
            length &+= 1
        }
        target.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: length, as: UInt8.self)
        return length &+ 1
    }

    /// Writes `value` zigzag-coded at `target`, which has room for it, and returns how many bytes it took.
    @inline(__always)
    public static func write(_ value: Int64, to target: UnsafeMutableRawPointer) -> Int {
        write(unsigned: zigzag(value), to: target)
    }

    /// Reads an unsigned number from `source` at `position` and moves it on.
    /// - Parameter maxBytes: ``maxBytes32`` or ``maxBytes64``; a longer one is malformed.
    @inline(__always)
    public static func read(
        unsigned source: UnsafeRawBufferPointer, at position: inout Int, maxBytes: Int
    ) throws(WireError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        var index = position
        let end = min(source.count, position &+ maxBytes)
        while index < end {
            let byte = source[index]
            index &+= 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 {
                if maxBytes == maxBytes32 && value > UInt64(UInt32.max) { throw .badVarint }
                position = index
                return value
            }
            shift &+= 7
        }
        if end == position &+ maxBytes { throw .badVarint }
        throw .truncated(needed: 1, available: 0)
    }

    /// Reads a zigzag-coded number that fits 32 bits.
    @inline(__always)
    public static func readInt32(_ source: UnsafeRawBufferPointer, at position: inout Int) throws(WireError) -> Int32 {
        Int32(truncatingIfNeeded: unzigzag(try read(unsigned: source, at: &position, maxBytes: maxBytes32)))
    }

    /// Reads a zigzag-coded number that fits 64 bits.
    @inline(__always)
    public static func readInt64(_ source: UnsafeRawBufferPointer, at position: inout Int) throws(WireError) -> Int64 {
        unzigzag(try read(unsigned: source, at: &position, maxBytes: maxBytes64))
    }
}
