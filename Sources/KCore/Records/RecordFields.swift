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

    /// A zigzag-coded number of 32 bits. Most take one or two bytes.
    @inline(__always)
    mutating func varint() throws(RecordFault) -> Int {
        if remaining >= 2 {
            let first = UInt64(base.load(fromByteOffset: position, as: UInt8.self))
            if first < 0x80 {
                position &+= 1
                return Int(Varint.unzigzag(first))
            }
            let second = UInt64(base.load(fromByteOffset: position &+ 1, as: UInt8.self))
            if second < 0x80 {
                position &+= 2
                return Int(Varint.unzigzag(first & 0x7F | second << 7))
            }
        }
        // 32 bits are the value's; Java's reader drops what is above them.
        return Int(Int32(truncatingIfNeeded: try longVarint(maxBytes: Varint.maxBytes32)))
    }

    /// A zigzag-coded number of 64 bits.
    @inline(__always)
    mutating func varlong() throws(RecordFault) -> Int64 {
        if remaining >= 1 {
            let first = UInt64(base.load(fromByteOffset: position, as: UInt8.self))
            if first < 0x80 {
                position &+= 1
                return Varint.unzigzag(first)
            }
        }
        return try longVarint(maxBytes: Varint.maxBytes64)
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
