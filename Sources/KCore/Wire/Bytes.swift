/// A block of memory with a fixed capacity that ``Bytes`` values share.
///
/// Life cycle: one owner fills it, then publishes it by making a ``Bytes`` of it. From then on nobody writes, except
/// the log, which stamps offsets into a batch of which it holds the only use (see ``Bytes/withUnsafeMutableBytes(_:)``).
///
/// `@unchecked Sendable`: the pointer and capacity never change, and by the life cycle above writes happen before the
/// block is handed to another thread, through a lock or a queue that orders memory.
public final class ByteStorage: @unchecked Sendable {
    public let base: UnsafeMutableRawPointer
    public let capacity: Int

    /// - Parameter capacity: bytes, at least 1 are allocated. The contents are not initialized.
    public init(capacity: Int) {
        self.capacity = max(capacity, 1)
        base = UnsafeMutableRawPointer.allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit { base.deallocate() }
}

/// A slice of shared, reference-counted memory: how frames, record batches and byte fields travel without being copied.
public struct Bytes: Sendable {
    public let storage: ByteStorage?
    /// Where the slice begins in `storage`, in bytes.
    public let offset: Int
    public let count: Int

    public init() {
        storage = nil
        offset = 0
        count = 0
    }

    /// - Precondition: the range lies inside the storage.
    public init(storage: ByteStorage, offset: Int = 0, count: Int) {
        precondition(offset >= 0 && count >= 0 && offset <= storage.capacity - count)
        self.storage = storage
        self.offset = offset
        self.count = count
    }

    /// A copy of `source`.
    public init(copying source: UnsafeRawBufferPointer) {
        guard let base = source.baseAddress, source.count > 0 else {
            self.init()
            return
        }
        let storage = ByteStorage(capacity: source.count)
        storage.base.copyMemory(from: base, byteCount: source.count)
        self.init(storage: storage, count: source.count)
    }

    public init(_ array: [UInt8]) { self = array.withUnsafeBytes { Bytes(copying: $0) } }

    /// The UTF-8 bytes of `string`.
    public init(_ string: String) {
        var string = string
        self = string.withUTF8 { Bytes(copying: UnsafeRawBufferPointer($0)) }
    }

    public var isEmpty: Bool { count == 0 }

    public func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        guard let storage else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        defer { withExtendedLifetime(storage) {} }
        return try body(UnsafeRawBufferPointer(start: storage.base + offset, count: count))
    }

    /// Writes in place. Only for the one owner of the slice, before it is visible to anybody else.
    public func withUnsafeMutableBytes<R, E: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        guard let storage else { return try body(UnsafeMutableRawBufferPointer(start: nil, count: 0)) }
        defer { withExtendedLifetime(storage) {} }
        return try body(UnsafeMutableRawBufferPointer(start: storage.base + offset, count: count))
    }

    /// The part `range` of this slice, sharing its memory.
    /// - Precondition: the range lies inside `0..<count`.
    public func slice(_ range: Range<Int>) -> Bytes {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        guard let storage, !range.isEmpty else { return Bytes() }
        return Bytes(storage: storage, offset: offset + range.lowerBound, count: range.count)
    }

    public subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < count)
        guard let storage else { preconditionFailure("an empty slice has no byte \(index)") }
        return storage.base.load(fromByteOffset: offset + index, as: UInt8.self)
    }

    public var array: [UInt8] { withUnsafeBytes { [UInt8]($0) } }

    /// The bytes as UTF-8; what is no UTF-8 is replaced, as Java's decoder does.
    public var utf8String: String { withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
}

extension Bytes: Hashable {
    public static func == (a: Bytes, b: Bytes) -> Bool {
        guard a.count == b.count else { return false }
        return a.withUnsafeBytes { x in b.withUnsafeBytes { y in x.elementsEqual(y) } }
    }

    public func hash(into hasher: inout Hasher) {
        withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}

extension Bytes: ExpressibleByArrayLiteral {
    public init(arrayLiteral elements: UInt8...) { self.init(elements) }
}

extension Bytes: CustomStringConvertible {
    public var description: String { "\(count) bytes" }
}
