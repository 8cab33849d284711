internal import Glibc

/// Writes a message into memory that grows as needed. Record batches are not copied, neither those that live in files nor
/// large ones in memory: the encoder remembers where they belong, and ``finish()`` returns the pieces in order (see
/// ``Frame``).
public struct WireEncoder: Coder {
    public let version: Int16
    public let isFlexible: Bool

    private var storage: ByteStorage
    private var position = 0
    private var bytesElsewhere = 0

    // The segments of the frame so far. Those of this encoder's own memory are empty until ``finish()``, and `ranges`
    // says what they are.
    private var segments: [Frame.Segment] = []
    private var ranges: [Range<Int>] = []
    private var segmentStart = 0

    // A description runs once for the plain fields, which counts the tagged fields that differ from their defaults. Only
    // when there are some it runs again for the tag section: plain fields then see a version that no field has.
    private static let noVersion = Int16.min
    private var activeVersion: Int16
    private var writesTags = false
    private var tagCount = 0
    private var tagsToKeep: ArraySlice<UnknownTag> = []

    public init(version: Int16, flexible: Bool, capacity: Int = 512) {
        self.version = version
        isFlexible = flexible
        activeVersion = version
        storage = ByteStorage(capacity: capacity)
    }

    /// Bytes written so far, those that stay where they are included.
    public var count: Int { position + bytesElsewhere }

    /// What was written. The encoder must not be used afterwards.
    public mutating func finish() -> Frame {
        if segments.isEmpty { return Frame(bytes()) }
        if position > segmentStart { closeSegment() }
        // Only now the memory is known that the bytes ended up in.
        var range = 0
        for index in segments.indices {
            guard case .bytes(let bytes) = segments[index], bytes.isEmpty else { continue }
            segments[index] = .bytes(
                Bytes(storage: storage, offset: ranges[range].lowerBound, count: ranges[range].count))
            range += 1
        }
        return Frame(segments: segments, count: count)
    }

    private mutating func closeSegment() {
        segments.append(.bytes(Bytes()))
        ranges.append(segmentStart..<position)
        segmentStart = position
    }

    /// What was written, when all of it was copied here.
    /// - Precondition: neither a file region nor a large record batch was written.
    public func bytes() -> Bytes {
        precondition(segments.isEmpty, "a message with parts elsewhere has no contiguous bytes")
        return Bytes(storage: storage, count: position)
    }

    // MARK: Coder

    @inline(__always)
    public mutating func field<T: WireValue, R: RangeExpression<Int16>>(
        _ value: inout T, in versions: R
    ) throws(WireError) {
        if versions.contains(activeVersion) { try value.write(&self) }
    }

    @inline(__always)
    public mutating func field<T: NullableWireValue, R: RangeExpression<Int16>, N: RangeExpression<Int16>>(
        _ value: inout T?, in versions: R, nullable: N
    ) throws(WireError) {
        guard versions.contains(activeVersion) else { return }
        if !nullable.contains(activeVersion) {
            guard let value else { throw .unexpectedNull }
            try value.write(&self)
        } else if let value {
            try value.writeNullable(&self)
        } else {
            try T.writeNull(&self)
        }
    }

    @inline(__always)
    public mutating func tagged<T: TaggableValue, R: RangeExpression<Int16>>(
        _ tag: UInt32, _ value: inout T, in versions: R, default: T
    ) throws(WireError) {
        guard versions.contains(version), value != `default` else { return }
        if writesTags { try taggedField(tag, value) } else { tagCount += 1 }
    }

    // MARK: Forms

    @inline(__always)
    mutating func integer<T: FixedWidthInteger>(_ value: T) {
        let size = MemoryLayout<T>.size
        reserve(size)
        storage.base.storeBytes(of: value.bigEndian, toByteOffset: position, as: T.self)
        position &+= size
    }

    mutating func unsignedVarint(_ value: UInt32) {
        reserve(Varint.maxBytes32)
        position += Varint.write(unsigned: UInt64(value), to: storage.base + position)
    }

    mutating func nullString() {
        if isFlexible { unsignedVarint(0) } else { integer(-1 as Int16) }
    }

    mutating func nullBlock() {
        if isFlexible { unsignedVarint(0) } else { integer(-1 as Int32) }
    }

    mutating func blockLength(_ count: Int) throws(WireError) {
        guard count < Int(Int32.max) else { throw .valueTooLong(count) }
        if isFlexible { unsignedVarint(UInt32(count + 1)) } else { integer(Int32(count)) }
    }

    mutating func string(_ value: String) throws(WireError) {
        var value = value
        let length = value.utf8.count
        // Kafka's limit for both forms: a signed 16-bit length.
        guard length <= Int(Int16.max) else { throw .valueTooLong(length) }
        if isFlexible { unsignedVarint(UInt32(length + 1)) } else { integer(Int16(length)) }
        value.withUTF8 { raw(UnsafeRawBufferPointer($0)) }
    }

    /// A nullable string with a 16-bit length whatever the version, as the client id of a header is.
    mutating func legacyString(_ value: String?) throws(WireError) {
        guard var value else { return integer(-1 as Int16) }
        guard value.utf8.count <= Int(Int16.max) else { throw .valueTooLong(value.utf8.count) }
        integer(Int16(value.utf8.count))
        value.withUTF8 { raw(UnsafeRawBufferPointer($0)) }
    }

    mutating func bytes(_ value: Bytes) throws(WireError) {
        try blockLength(value.count)
        value.withUnsafeBytes { raw($0) }
    }

    /// Bytes as they are, without a length.
    public mutating func raw(_ source: UnsafeRawBufferPointer) {
        guard let start = source.baseAddress, source.count > 0 else { return }
        reserve(source.count)
        (storage.base + position).copyMemory(from: start, byteCount: source.count)
        position += source.count
    }

    /// A part of a file, without a length. It is sent from the file and never read into memory here.
    mutating func region(_ region: FileRegion) {
        guard region.count > 0 else { return }
        if segments.isEmpty {
            segments.reserveCapacity(16)
            ranges.reserveCapacity(8)
        }
        if position > segmentStart { closeSegment() }
        segments.append(.file(region))
        bytesElsewhere += region.count
    }

    /// Bytes without a length that are sent from where they are.
    mutating func shared(_ bytes: Bytes) {
        if position > segmentStart { closeSegment() }
        segments.append(.bytes(bytes))
        bytesElsewhere += bytes.count
    }

    mutating func structure<T: WireStruct>(_ value: borrowing T) throws(WireError) {
        try withUnsafePointer(to: value) { pointer throws(WireError) in try structure(at: pointer) }
    }

    mutating func structure<T: WireStruct>(at pointer: UnsafePointer<T>) throws(WireError) {
        // A description is mutating because it reads as well, but a coder that writes changes none of the fields. So it
        // works on the value where it is: a copy would retain all that the structure refers to.
        let value = UnsafeMutablePointer(mutating: pointer)
        let outerCount = tagCount
        tagCount = value.pointee.unknownTags.count
        try value.pointee.fields(&self)
        if isFlexible {
            unsignedVarint(UInt32(tagCount))
            if tagCount > 0 { try tagSection(value) }
        }
        tagCount = outerCount
    }

    private mutating func tagSection<T: WireStruct>(_ value: UnsafeMutablePointer<T>) throws(WireError) {
        let outer = tagsToKeep
        tagsToKeep = value.pointee.unknownTags[...]
        (writesTags, activeVersion) = (true, WireEncoder.noVersion)
        try value.pointee.fields(&self)
        writeUnknownTags(below: nil)
        (writesTags, activeVersion) = (false, version)
        tagsToKeep = outer
    }

    private mutating func taggedField<T: TaggableValue>(_ tag: UInt32, _ value: T) throws(WireError) {
        writeUnknownTags(below: tag)
        (writesTags, activeVersion) = (false, version)
        unsignedVarint(tag)
        try sized { encoder throws(WireError) in try value.writeTagged(&encoder) }
        (writesTags, activeVersion) = (true, WireEncoder.noVersion)
    }

    private mutating func writeUnknownTags(below limit: UInt32?) {
        while let next = tagsToKeep.first, limit.map({ next.tag < $0 }) ?? true {
            tagsToKeep.removeFirst()
            unsignedVarint(next.tag)
            unsignedVarint(UInt32(next.value.count))
            next.value.withUnsafeBytes { raw($0) }
        }
    }

    // The size stands in front and is not known yet: write behind the place of a one-byte size, make room if it is longer.
    private mutating func sized(_ body: (inout WireEncoder) throws(WireError) -> Void) throws(WireError) {
        let start = position
        reserve(1)
        position += 1
        try body(&self)
        let size = position - start - 1
        let width = Varint.size(unsigned: UInt64(size))
        if width > 1 {
            reserve(width - 1)
            memmove(storage.base + start + width, storage.base + start + 1, size)
            position += width - 1
        }
        _ = Varint.write(unsigned: UInt64(size), to: storage.base + start)
    }

    /// Writes `value` over the four bytes at `position`, for a length that was not known before.
    mutating func patch(_ value: Int32, at position: Int) {
        storage.base.storeBytes(of: value.bigEndian, toByteOffset: position, as: Int32.self)
    }

    @inline(__always)
    private mutating func reserve(_ byteCount: Int) {
        if storage.capacity &- position < byteCount { grow(byteCount) }
    }

    private mutating func grow(_ byteCount: Int) {
        let larger = ByteStorage(capacity: max(storage.capacity * 2, position + byteCount))
        larger.base.copyMemory(from: storage.base, byteCount: position)
        storage = larger
    }
}
