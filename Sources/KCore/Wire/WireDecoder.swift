/// Reads a message from a frame. Byte fields come out as slices of the frame's memory.
///
/// Every length is checked against the bytes that are left before memory is taken, and all that one message makes of
/// arrays, strings and tags is bounded by ``memoryLimit``, however small an element is on the wire.
public struct WireDecoder: Coder {
    /// Bytes of memory that the arrays and strings of one message may take.
    public static let memoryLimit = 64 << 20
    /// Tagged fields in one structure.
    public static let maxTags = 1024

    public let version: Int16
    public let isFlexible: Bool
    /// Where the next field begins, counted from the start of the frame.
    public private(set) var position: Int

    private let frame: Bytes
    private let base: UnsafeRawPointer
    private var end: Int
    private var memoryLeft = WireDecoder.memoryLimit

    // While a tag section is read, the same description runs once for each tag: plain fields see a version that no
    // field has, and only the tagged field with the pending number reads.
    private static let noVersion = Int16.min
    private var activeVersion: Int16
    private var pendingTag: UInt32?

    /// - Parameter position: where in `frame` to begin, for instance behind a header.
    public init(_ frame: Bytes, at position: Int = 0, version: Int16, flexible: Bool) {
        self.frame = frame
        self.version = version
        isFlexible = flexible
        activeVersion = version
        self.position = position
        end = frame.count
        // An empty frame has no memory; `end` keeps every read away from the stand-in.
        base = frame.storage.map { UnsafeRawPointer($0.base) + frame.offset } ?? UnsafeRawPointer(bitPattern: 16)!
    }

    public var remaining: Int { end - position }

    /// - Throws: ``WireError/trailingBytes(_:)`` when the message did not use all of its bytes.
    public func finish() throws(WireError) {
        if remaining > 0 { throw .trailingBytes(remaining) }
    }

    // MARK: Coder

    @inline(__always)
    public mutating func field<T: WireValue, R: RangeExpression<Int16>>(
        _ value: inout T, in versions: R
    ) throws(WireError) {
        if versions.contains(activeVersion) { value = try T.read(&self) }
    }

    @inline(__always)
    public mutating func field<T: NullableWireValue, R: RangeExpression<Int16>, N: RangeExpression<Int16>>(
        _ value: inout T?, in versions: R, nullable: N
    ) throws(WireError) {
        guard versions.contains(activeVersion) else { return }
        value = nullable.contains(activeVersion) ? try T.readNullable(&self) : try T.read(&self)
    }

    @inline(__always)
    public mutating func tagged<T: TaggableValue, R: RangeExpression<Int16>>(
        _ tag: UInt32, _ value: inout T, in versions: R, default: T
    ) throws(WireError) {
        guard pendingTag == tag, versions.contains(version) else { return }
        pendingTag = nil
        activeVersion = version
        value = try T.readTagged(&self)
        activeVersion = WireDecoder.noVersion
    }

    // MARK: Forms

    @inline(__always)
    mutating func integer<T: FixedWidthInteger>(_: T.Type = T.self) throws(WireError) -> T {
        let size = MemoryLayout<T>.size
        guard remaining >= size else { throw .truncated(needed: size, available: remaining) }
        let value = T(bigEndian: base.loadUnaligned(fromByteOffset: position, as: T.self))
        position &+= size
        return value
    }

    mutating func unsignedVarint() throws(WireError) -> UInt32 {
        let source = UnsafeRawBufferPointer(start: base, count: end)
        return UInt32(
            truncatingIfNeeded: try Varint.read(unsigned: source, at: &position, maxBytes: Varint.maxBytes32))
    }

    /// The length of a string, nil for null: 16 bits, or compact.
    mutating func stringLength() throws(WireError) -> Int? {
        let length = isFlexible ? Int(try unsignedVarint()) - 1 : Int(try integer(Int16.self))
        // No longer than before they were compact, as Kafka reads them.
        guard length <= Int(Int16.max) else { throw .badLength(length) }
        return try checked(length)
    }

    /// The length of bytes or the count of an array, nil for null: 32 bits, or compact.
    mutating func blockLength() throws(WireError) -> Int? {
        let length = isFlexible ? Int(try unsignedVarint()) - 1 : Int(try integer(Int32.self))
        return try checked(length)
    }

    // No element is smaller than a byte, so a count can be checked like a length.
    private func checked(_ length: Int) throws(WireError) -> Int? {
        if length == -1 { return nil }
        guard length >= 0, length <= remaining else { throw .badLength(length) }
        return length
    }

    mutating func string(length: Int) throws(WireError) -> String {
        try takeMemory(length)
        let source = UnsafeRawBufferPointer(start: base + position, count: length)
        position += length
        let text = String(decoding: source, as: UTF8.self)
        // Each byte that is no UTF-8 has become three: what cannot be written again must not be kept.
        guard text.utf8.count <= Int(Int16.max) else { throw .badLength(text.utf8.count) }
        return text
    }

    mutating func bytes(length: Int) throws(WireError) -> Bytes {
        let slice = frame.slice(position..<position + length)
        position += length
        return slice
    }

    mutating func elements<T: WireValue>(count: Int) throws(WireError) -> [T] {
        try takeMemory(count * MemoryLayout<T>.stride)
        var array: [T] = []
        array.reserveCapacity(count)
        for _ in 0..<count { array.append(try T.read(&self)) }
        return array
    }

    mutating func structure<T: WireStruct>(_ value: inout T) throws(WireError) {
        try value.fields(&self)
        if isFlexible { try tagSection(&value) }
    }

    private mutating func tagSection<T: WireStruct>(_ value: inout T) throws(WireError) {
        let count = try unsignedVarint()
        if count == 0 { return }
        guard count <= WireDecoder.maxTags else { throw .badLength(Int(count)) }
        var previous: Int64 = -1
        for _ in 0..<count {
            let tag = try unsignedVarint()
            let size = Int(try unsignedVarint())
            guard Int64(tag) > previous else { throw .badTags }
            guard size <= remaining else { throw .badLength(size) }
            previous = Int64(tag)
            try taggedField(tag, size: size, in: &value)
        }
    }

    private mutating func taggedField<T: WireStruct>(
        _ tag: UInt32, size: Int, in value: inout T
    ) throws(WireError) {
        let outerEnd = end
        let fieldEnd = position + size
        end = fieldEnd
        pendingTag = tag
        activeVersion = WireDecoder.noVersion
        try value.fields(&self)
        activeVersion = version
        if pendingTag != nil {
            pendingTag = nil
            try takeMemory(MemoryLayout<UnknownTag>.stride)
            value.unknownTags.append(UnknownTag(tag: tag, value: try bytes(length: size)))
        }
        guard position == fieldEnd else { throw .badTags }
        end = outerEnd
    }

    private mutating func takeMemory(_ byteCount: Int) throws(WireError) {
        memoryLeft -= byteCount
        if memoryLeft < 0 { throw .memoryLimit }
    }
}
