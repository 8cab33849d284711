/// The one description of a message's fields serves both directions: a coder reads them or writes them.
///
/// A field's type decides how it looks on the wire (see ``WireValue``), so a description names the field, the versions
/// that have it and, where it may be null, from which versions on:
///
///     public mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
///         try c.field(&key, in: 0...3)
///         try c.field(&keyType, in: 1...)
///         try c.field(&rackId, in: 2..., nullable: 2...)
///         try c.tagged(0, &clusterId, in: 4..., default: nil)
///     }
///
/// In a version that does not have a field, a reader leaves it at the default that the declaration gives it, and a writer
/// drops it. Where that would change what a request means, the description says which value the other versions stand for,
/// `try c.field(&validateOnly, in: 1..., else: false)`, and writing anything else in them throws.
/// The calls are generic and resolved when compiled: a description costs a comparison of versions for each field.
public protocol Coder {
    /// The version of the message that is read or written.
    var version: Int16 { get }

    /// A field that is never null.
    mutating func field<T: WireValue, R: RangeExpression<Int16>>(_ value: inout T, in versions: R) throws(WireError)

    /// A field that may be null in the versions `nullable`.
    mutating func field<T: NullableWireValue, R: RangeExpression<Int16>, N: RangeExpression<Int16>>(
        _ value: inout T?, in versions: R, nullable: N) throws(WireError)

    /// A field of the tag section: left out when it equals `default`, skipped by readers that do not know it (KIP-482).
    /// Nullable types use an ``Optional`` as `T`.
    mutating func tagged<T: TaggableValue, R: RangeExpression<Int16>>(
        _ tag: UInt32, _ value: inout T, in versions: R, default: T) throws(WireError)
}

extension Coder {
    /// A field that all versions have.
    @inline(__always)
    public mutating func field<T: WireValue>(_ value: inout T) throws(WireError) { try field(&value, in: 0...) }

    /// A field that all versions have, and that may be null in all.
    @inline(__always)
    public mutating func field<T: NullableWireValue>(_ value: inout T?) throws(WireError) {
        try field(&value, in: 0..., nullable: 0...)
    }

    /// A field that may not be dropped: versions without it mean `absent` ("not ignorable" in the definitions).
    @inline(__always)
    public mutating func field<T: WireValue, R: RangeExpression<Int16>>(
        _ value: inout T, in versions: R, else absent: T
    ) throws(WireError) {
        try field(&value, in: versions)
        if !versions.contains(version) && value != absent { throw .noFieldInVersion(version) }
    }

    /// A field that may be null, and that may not be dropped: versions without it mean `absent`.
    @inline(__always)
    public mutating func field<T: NullableWireValue, R: RangeExpression<Int16>>(
        _ value: inout T?, in versions: R, else absent: T?
    ) throws(WireError) {
        try field(&value, in: versions, nullable: 0...)
        if !versions.contains(version) && value != absent { throw .noFieldInVersion(version) }
    }

    /// A field that may be null in some versions, and that may not be dropped: versions without it mean `absent`.
    @inline(__always)
    public mutating func field<T: NullableWireValue, R: RangeExpression<Int16>, N: RangeExpression<Int16>>(
        _ value: inout T?, in versions: R, nullable: N, else absent: T?
    ) throws(WireError) {
        try field(&value, in: versions, nullable: nullable)
        if !versions.contains(version) && value != absent { throw .noFieldInVersion(version) }
    }

    /// A field that may be null in whichever versions have it.
    @inline(__always)
    public mutating func field<T: NullableWireValue, R: RangeExpression<Int16>>(
        _ value: inout T?, in versions: R
    ) throws(WireError) { try field(&value, in: versions, nullable: 0...) }
}

/// A tagged field that this build does not know, kept so that what is read can be written again unchanged.
public struct UnknownTag: Hashable, Sendable {
    public var tag: UInt32
    public var value: Bytes

    public init(tag: UInt32, value: Bytes) {
        self.tag = tag
        self.value = value
    }
}

/// A message, or a structure inside one: its fields are described once, by ``fields(_:)``.
public protocol WireStruct: NullableWireValue {
    init()
    /// What a newer peer sent beyond the fields described here, in ascending order of tags.
    var unknownTags: [UnknownTag] { get set }
    /// Every field, in the order of the definition, tagged fields last and in the order of their tags.
    mutating func fields<C: Coder>(_ c: inout C) throws(WireError)
}
