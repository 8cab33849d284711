/// How the records of a batch are compressed. The raw value is the number in the batch's attributes.
public enum CompressionCodec: Int8, Sendable, CaseIterable {
    case none, gzip, snappy, lz4, zstd

    /// Kafka's name, as in `compression.type`.
    public var name: String {
        switch self {
        case .none: "none"
        case .gzip: "gzip"
        case .snappy: "snappy"
        case .lz4: "lz4"
        case .zstd: "zstd"
        }
    }

    /// The codec that `compression.type` names; nil for `producer`, `uncompressed` and what is unknown.
    public init?(name: String) {
        guard let codec = CompressionCodec.allCases.first(where: { $0.name == name }) else { return nil }
        self = codec
    }
}

extension CompressionCodec: CustomStringConvertible {
    public var description: String { name }
}
