/// What a record's timestamp means.
public enum TimestampType: Int8, Sendable {
    /// The producer set it.
    case createTime
    /// The broker set it when it appended the batch.
    case logAppendTime
}

/// The attributes of a batch: 16 bits, of which bits 7 to 15 are unused.
public struct BatchAttributes: RawRepresentable, Hashable, Sendable {
    public var rawValue: Int16

    public init(rawValue: Int16) { self.rawValue = rawValue }

    public init(
        compression: CompressionCodec = .none, timestampType: TimestampType = .createTime,
        isTransactional: Bool = false,
        isControl: Bool = false, hasDeleteHorizon: Bool = false
    ) {
        rawValue =
            Int16(compression.rawValue) | Int16(timestampType.rawValue) << 3 | (isTransactional ? 0x10 : 0)
            | (isControl ? 0x20 : 0) | (hasDeleteHorizon ? 0x40 : 0)
    }

    /// The codec's number, 0 to 7.
    public var compressionId: Int { Int(rawValue & 7) }

    /// Nil for the numbers that no codec has (5 to 7).
    public var compression: CompressionCodec? { CompressionCodec(rawValue: Int8(rawValue & 7)) }

    public var timestampType: TimestampType {
        get { rawValue & 8 != 0 ? .logAppendTime : .createTime }
        set { rawValue = rawValue & ~8 | Int16(newValue.rawValue) << 3 }
    }

    /// The batch belongs to a transaction; its producer id and epoch say to which.
    public var isTransactional: Bool { rawValue & 0x10 != 0 }

    /// The batch holds markers for the log's own use, which no application sees.
    public var isControl: Bool { rawValue & 0x20 != 0 }

    /// The base timestamp is the time from which on the cleaner may drop the batch's tombstones (KIP-534).
    public var hasDeleteHorizon: Bool { rawValue & 0x40 != 0 }
}
