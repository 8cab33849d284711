/// Goes through the records of a batch where they lie; nothing is allocated. The fastest way to read a batch, and the one
/// that can stop early.
///
///     varint length | int8 attributes | varlong timestampDelta | varint offsetDelta | varint keyLength, key
///     | varint valueLength, value | varint headerCount, as often: varint keyLength, key, varint valueLength, value
public struct RecordCursor {
    /// Bytes of a record without key, value and headers.
    static let minRecordBytes = 7

    private let base: UnsafeRawPointer
    private let end: Int
    /// Where the next record begins.
    private(set) var position = 0
    private let count: Int
    private var index = 0
    private let baseOffset: Int64
    private let baseTimestamp: Int64
    // Of every record, where the broker set it.
    private let appendTimestamp: Int64?
    private let lastOffsetDelta: Int
    private var previousDelta = -1

    /// - Parameters:
    ///   - records: the records section of a batch, decompressed. Must outlive the cursor and the views it gives.
    ///   - header: the header of that batch.
    /// - Throws: ``RecordsError/badRecordCount(_:)`` when the header's count cannot be true.
    public init(records: UnsafeRawBufferPointer, header: RecordBatchHeader) throws(RecordsError) {
        count = Int(header.recordCount)
        guard count >= 0, count <= records.count / RecordCursor.minRecordBytes else { throw .badRecordCount(count) }
        // Without bytes there are no records, and nothing is read from the stand-in.
        base = records.baseAddress ?? UnsafeRawPointer(bitPattern: 16).unsafelyUnwrapped
        end = records.count
        baseOffset = header.baseOffset
        baseTimestamp = header.baseTimestamp
        appendTimestamp = header.attributes.timestampType == .logAppendTime ? header.maxTimestamp : nil
        lastOffsetDelta = Int(header.lastOffsetDelta)
    }

    /// The next record, nil behind the last one.
    /// - Throws: ``RecordsError/badRecord(index:_:)``, or ``RecordsError/badRecordCount(_:)`` when bytes are left over.
    @inline(__always)
    public mutating func next() throws(RecordsError) -> RecordView? {
        guard index < count else {
            guard position == end else { throw .badRecordCount(count) }
            return nil
        }
        do {
            let record = try read()
            index &+= 1
            return record
        } catch {
            throw .badRecord(index: index, error)
        }
    }

    @inline(__always)
    private mutating func read() throws(RecordFault) -> RecordView {
        let start = position
        var outer = RecordFields(base: base, position: start, end: end)
        let length = try outer.varint()
        guard length >= 0 else { throw .badLength(length) }
        guard length <= outer.remaining else { throw .truncated }
        // The attributes byte is unused.
        var fields = RecordFields(base: base, position: outer.position &+ 1, end: outer.position &+ length)
        guard length > 0 else { throw .truncated }
        let timestampDelta = try fields.varlong()
        let offsetDelta = try fields.varint()
        guard offsetDelta > previousDelta, offsetDelta <= lastOffsetDelta else { throw .badOffset }
        let key = try fields.nullableField()
        let value = try fields.nullableField()
        let headerCount = try fields.varint()
        let headers = RecordHeaderViews(
            count: headerCount, bytes: UnsafeRawBufferPointer(start: base + fields.position, count: fields.remaining))
        if headerCount != 0 { try check(headerCount, &fields) }
        guard fields.remaining == 0 else { throw .trailingBytes(fields.remaining) }
        previousDelta = offsetDelta
        position = fields.end
        return RecordView(
            offset: baseOffset &+ Int64(offsetDelta), timestamp: appendTimestamp ?? baseTimestamp &+ timestampDelta,
            key: key, value: value, headers: headers, sizeInBytes: position &- start)
    }

    @inline(never)
    private func check(_ headerCount: Int, _ fields: inout RecordFields) throws(RecordFault) {
        // A header takes at least two bytes.
        guard headerCount >= 0, headerCount <= fields.remaining / 2 else { throw .badHeaderCount(headerCount) }
        for _ in 0..<headerCount {
            _ = try fields.field()
            _ = try fields.nullableField()
        }
    }
}
