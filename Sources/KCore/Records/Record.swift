/// A header of a record.
public struct RecordHeader: Hashable, Sendable {
    public var key: String
    public var value: Bytes?

    public init(key: String, value: Bytes?) {
        self.key = key
        self.value = value
    }
}

/// A record that can be kept: its fields share the memory that the batch was decoded into.
public struct Record: Hashable, Sendable {
    public var offset: Int64
    /// Milliseconds since 1970; -1 in messages of format 0, which have none.
    public var timestamp: Int64
    public var key: Bytes?
    public var value: Bytes?
    public var headers: [RecordHeader]

    public init(offset: Int64 = 0, timestamp: Int64, key: Bytes?, value: Bytes?, headers: [RecordHeader] = []) {
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headers = headers
    }
}
