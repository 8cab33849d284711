/// Reads the fields of a record one after the other, none of them over the record's end.
struct RecordFields {
    let base: UnsafeRawPointer
    var position: Int
    let end: Int

    @inline(__always)
    init(base: UnsafeRawPointer, position: Int, end: Int) {
        self.base = base
        self.position = position
        self.end = end
    }

    @inline(__always)
    var remaining: Int { end &- position }

    /// A zigzag-coded number of 32 bits.
    @inline(__always)
    mutating func varint() throws(RecordFault) -> Int {
        if let value = shortVarint() { return Int(value) }
        // 32 bits are the value's; Java's reader drops what is above them.
        return Int(Int32(truncatingIfNeeded: try longVarint(maxBytes: Varint.maxBytes32)))
    }

    /// A zigzag-coded number of 64 bits.
    @inline(__always)
    mutating func varlong() throws(RecordFault) -> Int64 {
        if let value = shortVarint() { return value }
        return try longVarint(maxBytes: Varint.maxBytes64)
    }

    // Most numbers take one or two bytes. Nil for longer ones, and at the end.
    @inline(__always)
    private mutating func shortVarint() -> Int64? {
        guard remaining >= 1 else { return nil }
        let first = UInt64(base.load(fromByteOffset: position, as: UInt8.self))
        if first < 0x80 {
            position &+= 1
            return Varint.unzigzag(first)
        }
        guard remaining >= 2 else { return nil }
        let second = UInt64(base.load(fromByteOffset: position &+ 1, as: UInt8.self))
        guard second < 0x80 else { return nil }
        position &+= 2
        return Varint.unzigzag(first & 0x7F | second << 7)
    }

    @inline(never)
    private mutating func longVarint(maxBytes: Int) throws(RecordFault) -> Int64 {
        let bytes = UnsafeRawBufferPointer(start: base, count: end)
        do {
            return Varint.unzigzag(try Varint.read(unsigned: bytes, at: &position, maxBytes: maxBytes))
        } catch .badVarint {
            throw .badVarint
        } catch {
            throw .truncated
        }
    }

    /// A length and as many bytes; -1 says null.
    @inline(__always)
    mutating func nullableField() throws(RecordFault) -> UnsafeRawBufferPointer? {
        let length = try varint()
        if length < 0 {
            guard length == -1 else { throw .badLength(length) }
            return nil
        }
        guard length <= remaining else { throw .truncated }
        let field = UnsafeRawBufferPointer(start: base + position, count: length)
        position &+= length
        return field
    }

    /// A length and as many bytes.
    @inline(__always)
    mutating func field() throws(RecordFault) -> UnsafeRawBufferPointer {
        guard let field = try nullableField() else { throw .badLength(-1) }
        return field
    }
}
