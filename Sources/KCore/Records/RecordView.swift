/// A record where it lies in its batch. Valid only as long as the memory of the batch is.
public struct RecordView {
    public var offset: Int64
    /// Milliseconds.
    public var timestamp: Int64
    public var key: UnsafeRawBufferPointer?
    public var value: UnsafeRawBufferPointer?
    public var headers: RecordHeaderViews
    /// Bytes of the whole record, its length field included.
    public var sizeInBytes: Int
}

/// A header where it lies in its batch.
public struct RecordHeaderView {
    /// UTF-8.
    public var key: UnsafeRawBufferPointer
    public var value: UnsafeRawBufferPointer?
}

/// The headers of a record, whose bytes have been checked already.
public struct RecordHeaderViews: Sequence, IteratorProtocol {
    /// How many are still to come.
    public private(set) var count: Int
    private var bytes: UnsafeRawBufferPointer

    /// - Parameter bytes: `count` headers as they lie in a record, behind their count.
    @inline(__always)
    init(count: Int, bytes: UnsafeRawBufferPointer) {
        self.count = count
        self.bytes = bytes
    }

    public var isEmpty: Bool { count == 0 }

    /// Bytes of the headers that are still to come, without their count.
    var sizeInBytes: Int { bytes.count }

    /// Copies those bytes to `target`, which has room for them.
    func copyBytes(to target: UnsafeMutableRawPointer) {
        if let base = bytes.baseAddress { target.copyMemory(from: base, byteCount: bytes.count) }
    }

    public mutating func next() -> RecordHeaderView? {
        guard count > 0, let base = bytes.baseAddress else { return nil }
        count -= 1
        var fields = RecordFields(base: base, position: 0, end: bytes.count)
        do {
            let header = RecordHeaderView(key: try fields.field(), value: try fields.nullableField())
            bytes = UnsafeRawBufferPointer(start: base + fields.position, count: fields.remaining)
            return header
        } catch {
            return nil
        }
    }
}
