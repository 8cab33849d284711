/// How text becomes records.
public struct LineFormat: Sendable {
    /// Ends a record; at least one byte.
    public var delimiter = Bytes("\n")
    /// Stands between key and value. A record without it has no key.
    public var keyDelimiter: Bytes?
    /// One key for all records.
    public var key: Bytes?
    /// Headers of all records.
    public var headers = EncodedHeaders()
    /// Nil for the partitioner's choice.
    public var partition: Int32?
    /// Whether an empty value is a null, which deletes the key in compacted topics.
    public var emptyValueIsNull = false
    /// How many records to send at most.
    public var limitRecords: Int?

    public init() {}
}
