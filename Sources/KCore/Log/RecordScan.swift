/// A walk over the records of a batch that is not compressed, which looks at no more than their lengths and times: bytes
/// that the checksum has just brought into the cache.
enum RecordScan {
    /// The largest timestamp of the records, -1 when none has one.
    /// - Parameter batch: the whole batch and nothing more.
    /// - Returns: nil when the lengths of the records do not add up to the batch: a count that is wrong would stop every
    ///   consumer later.
    static func maxTimestamp(in batch: UnsafeRawBufferPointer, _ header: RecordBatchHeader) -> Int64? {
        let body = UnsafeRawBufferPointer(rebasing: batch[RecordBatchHeader.size...])
        var largest: Int64 = -1
        var position = 0
        for _ in 0..<header.recordCount {
            guard let length = try? Varint.readInt32(body, at: &position), length > 0,
                Int(length) <= body.count - position
            else { return nil }
            // Behind the length: one byte of attributes, then the time as a difference to the batch's.
            var field = position + 1
            guard let delta = try? Varint.readInt64(body, at: &field), field <= position + Int(length) else {
                return nil
            }
            largest = max(largest, header.baseTimestamp &+ delta)
            position += Int(length)
        }
        return position == body.count ? largest : nil
    }
}
