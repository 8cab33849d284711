/// A type that has one form on the wire. Which form may depend on whether the version is flexible (compact lengths).
public protocol WireValue: TaggableValue {
    static func read(_ decoder: inout WireDecoder) throws(WireError) -> Self
    func write(_ encoder: inout WireEncoder) throws(WireError)
    /// Writes an element of an array where it is, without a copy.
    static func write(at pointer: UnsafePointer<Self>, _ encoder: inout WireEncoder) throws(WireError)
}

extension WireValue {
    @inline(__always)
    public static func write(at pointer: UnsafePointer<Self>, _ encoder: inout WireEncoder) throws(WireError) {
        try pointer.pointee.write(&encoder)
    }
}

/// A type whose form on the wire has a null.
public protocol NullableWireValue: WireValue {
    static func readNullable(_ decoder: inout WireDecoder) throws(WireError) -> Self?
    static func writeNull(_ encoder: inout WireEncoder) throws(WireError)
    /// Writes a value where null would have been possible; a structure has a marker in front there.
    func writeNullable(_ encoder: inout WireEncoder) throws(WireError)
}

extension NullableWireValue {
    public func writeNullable(_ encoder: inout WireEncoder) throws(WireError) { try write(&encoder) }
}

/// What can stand in a tag section: every ``WireValue``, and an optional of a nullable one.
public protocol TaggableValue: Equatable, Sendable {
    static func readTagged(_ decoder: inout WireDecoder) throws(WireError) -> Self
    func writeTagged(_ encoder: inout WireEncoder) throws(WireError)
}

extension WireValue {
    public static func readTagged(_ decoder: inout WireDecoder) throws(WireError) -> Self { try read(&decoder) }
    public func writeTagged(_ encoder: inout WireEncoder) throws(WireError) { try write(&encoder) }
}

extension Optional: TaggableValue where Wrapped: NullableWireValue {
    public static func readTagged(_ decoder: inout WireDecoder) throws(WireError) -> Self {
        try Wrapped.readNullable(&decoder)
    }

    public func writeTagged(_ encoder: inout WireEncoder) throws(WireError) {
        switch self {
        case .some(let value): try value.writeNullable(&encoder)
        case .none: try Wrapped.writeNull(&encoder)
        }
    }
}

// Numbers are big-endian.

extension FixedWidthInteger where Self: WireValue {
    @inline(__always)
    public static func read(_ decoder: inout WireDecoder) throws(WireError) -> Self { try decoder.integer() }
    @inline(__always)
    public func write(_ encoder: inout WireEncoder) throws(WireError) { encoder.integer(self) }
}

extension Int8: WireValue {}
extension Int16: WireValue {}
extension UInt16: WireValue {}
extension Int32: WireValue {}
extension UInt32: WireValue {}
extension Int64: WireValue {}

extension Bool: WireValue {
    public static func read(_ decoder: inout WireDecoder) throws(WireError) -> Bool {
        try decoder.integer(Int8.self) != 0
    }
    public func write(_ encoder: inout WireEncoder) throws(WireError) { encoder.integer(self ? 1 as Int8 : 0) }
}

extension Double: WireValue {
    public static func read(_ decoder: inout WireDecoder) throws(WireError) -> Double {
        Double(bitPattern: try decoder.integer())
    }
    public func write(_ encoder: inout WireEncoder) throws(WireError) { encoder.integer(bitPattern) }
}

extension Uuid: WireValue {
    public static func read(_ decoder: inout WireDecoder) throws(WireError) -> Uuid {
        let high: UInt64 = try decoder.integer()
        return Uuid(high: high, low: try decoder.integer())
    }
    public func write(_ encoder: inout WireEncoder) throws(WireError) {
        encoder.integer(high)
        encoder.integer(low)
    }
}

/// Types that stand for a number, such as ``ErrorCode``: open sets, so that a number that nobody knows yet survives.
extension WireValue where Self: RawRepresentable, RawValue: WireValue & FixedWidthInteger {
    public static func read(_ decoder: inout WireDecoder) throws(WireError) -> Self {
        let raw: RawValue = try decoder.integer()
        guard let value = Self(rawValue: raw) else { throw .badLength(Int(truncatingIfNeeded: raw)) }
        return value
    }
    public func write(_ encoder: inout WireEncoder) throws(WireError) { encoder.integer(rawValue) }
}

extension String: NullableWireValue {
    public static func readNullable(_ decoder: inout WireDecoder) throws(WireError) -> String? {
        guard let length = try decoder.stringLength() else { return nil }
        return try decoder.string(length: length)
    }
    public static func read(_ decoder: inout WireDecoder) throws(WireError) -> String {
        guard let length = try decoder.stringLength() else { throw .unexpectedNull }
        return try decoder.string(length: length)
    }
    public static func writeNull(_ encoder: inout WireEncoder) throws(WireError) { encoder.nullString() }
    public func write(_ encoder: inout WireEncoder) throws(WireError) { try encoder.string(self) }
}

extension Bytes: NullableWireValue {
    public static func readNullable(_ decoder: inout WireDecoder) throws(WireError) -> Bytes? {
        guard let length = try decoder.blockLength() else { return nil }
        return try decoder.bytes(length: length)
    }
    public static func read(_ decoder: inout WireDecoder) throws(WireError) -> Bytes {
        guard let length = try decoder.blockLength() else { throw .unexpectedNull }
        return try decoder.bytes(length: length)
    }
    public static func writeNull(_ encoder: inout WireEncoder) throws(WireError) { encoder.nullBlock() }
    public func write(_ encoder: inout WireEncoder) throws(WireError) { try encoder.bytes(self) }
}

extension Array: TaggableValue where Element: WireValue {}

extension Array: WireValue where Element: WireValue {}

extension Array: NullableWireValue where Element: WireValue {
    public static func readNullable(_ decoder: inout WireDecoder) throws(WireError) -> [Element]? {
        guard let count = try decoder.blockLength() else { return nil }
        return try decoder.elements(count: count)
    }
    public static func read(_ decoder: inout WireDecoder) throws(WireError) -> [Element] {
        guard let count = try decoder.blockLength() else { throw .unexpectedNull }
        return try decoder.elements(count: count)
    }
    public static func writeNull(_ encoder: inout WireEncoder) throws(WireError) { encoder.nullBlock() }
    public func write(_ encoder: inout WireEncoder) throws(WireError) {
        try encoder.blockLength(count)
        try withUnsafeBufferPointer { elements throws(WireError) in
            guard let start = elements.baseAddress else { return }
            for index in 0..<elements.count { try Element.write(at: start + index, &encoder) }
        }
    }
}

extension WireStruct {
    public static func read(_ decoder: inout WireDecoder) throws(WireError) -> Self {
        var value = Self()
        try decoder.structure(&value)
        return value
    }
    public func write(_ encoder: inout WireEncoder) throws(WireError) { try encoder.structure(self) }
    public static func write(at pointer: UnsafePointer<Self>, _ encoder: inout WireEncoder) throws(WireError) {
        try encoder.structure(at: pointer)
    }

    // A structure that may be null has a byte in front: 1, or -1 for null.
    public static func readNullable(_ decoder: inout WireDecoder) throws(WireError) -> Self? {
        try decoder.integer(Int8.self) < 0 ? nil : try read(&decoder)
    }
    public static func writeNull(_ encoder: inout WireEncoder) throws(WireError) { encoder.integer(-1 as Int8) }
    public func writeNullable(_ encoder: inout WireEncoder) throws(WireError) {
        encoder.integer(1 as Int8)
        try write(&encoder)
    }
}
