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

    /// The levels that Kafka's settings take (`compression.gzip.level` and so on, KIP-390); nil for codecs without.
    /// For gzip, -1 stands for its default, too.
    public var levels: ClosedRange<Int>? {
        switch self {
        case .none, .snappy: nil
        case .gzip: 1...9
        case .lz4: 1...17
        case .zstd: -131_072...22
        }
    }

    /// What is used without a level.
    public var defaultLevel: Int? {
        switch self {
        case .none, .snappy: nil
        case .gzip: -1
        case .lz4: 9
        case .zstd: 3
        }
    }

    /// Whether `level` may be set.
    public func isValidLevel(_ level: Int) -> Bool {
        level == defaultLevel || levels?.contains(level) ?? false
    }

    /// The Debian package of the library that the codec needs at run time; nil where it needs none.
    public var package: String? {
        switch self {
        case .none, .lz4: nil
        case .gzip: "zlib1g"
        case .snappy: "libsnappy1v5"
        case .zstd: "libzstd1"
        }
    }

    /// Whether the codec's library is on this machine. The first call may open it.
    public var isAvailable: Bool {
        switch self {
        case .none, .lz4: true
        case .gzip: Zlib.shared != nil
        case .snappy: Snappy.shared != nil
        case .zstd: Zstd.shared != nil
        }
    }

    var unavailable: RecordsError { .codecUnavailable(self, package: package ?? "") }
}

extension CompressionCodec: CustomStringConvertible {
    public var description: String { name }
}

extension CompressionCodec {
    /// Compresses `source`.
    /// - Parameters:
    ///   - level: see ``levels``; nil for the default, and what is out of range is moved into it.
    ///   - prefix: bytes to leave free, not initialized, in front of the result, for a header.
    /// - Returns: `prefix` bytes and the compressed ones, in memory that nobody else holds.
    /// - Throws: ``RecordsError/codecUnavailable(_:package:)``, ``RecordsError/compressionFailed(_:)``,
    ///   ``RecordsError/tooLarge(limit:)``.
    public func compress(
        _ source: UnsafeRawBufferPointer, level: Int? = nil, reserving prefix: Int = 0
    ) throws(RecordsError) -> Bytes {
        guard source.count <= RecordBatchBuilder.maxBatchBytes else {
            throw .tooLarge(limit: RecordBatchBuilder.maxBatchBytes)
        }
        let level = level.flatMap { level in levels.map { clamp(level, to: $0) } } ?? defaultLevel ?? 0
        switch self {
        case .none:
            let storage = ByteStorage(capacity: prefix + source.count)
            if let base = source.baseAddress { (storage.base + prefix).copyMemory(from: base, byteCount: source.count) }
            return Bytes(storage: storage, count: prefix + source.count)
        case .gzip:
            guard let library = Zlib.shared else { throw unavailable }
            return try library.compress(source, level: level, reserving: prefix)
        case .snappy:
            guard let library = Snappy.shared else { throw unavailable }
            return try library.compress(source, reserving: prefix)
        case .lz4:
            return try LZ4.compress(source, level: level, reserving: prefix)
        case .zstd:
            guard let library = Zstd.shared else { throw unavailable }
            return try library.compress(source, level: level, reserving: prefix)
        }
    }

    private func clamp(_ level: Int, to range: ClosedRange<Int>) -> Int {
        level == defaultLevel ? level : min(max(level, range.lowerBound), range.upperBound)
    }

    /// Decompresses `source`.
    /// - Parameter maxBytes: how much the result may be. Memory is taken as the result grows, never much more than it needs.
    /// - Throws: ``RecordsError/codecUnavailable(_:package:)``, ``RecordsError/badCompressedData(_:)``,
    ///   ``RecordsError/tooLarge(limit:)``.
    public func decompress(_ source: UnsafeRawBufferPointer, maxBytes: Int) throws(RecordsError) -> Bytes {
        guard source.count <= RecordBatchBuilder.maxBatchBytes else {
            throw .tooLarge(limit: RecordBatchBuilder.maxBatchBytes)
        }
        switch self {
        case .none:
            guard source.count <= maxBytes else { throw .tooLarge(limit: maxBytes) }
            return Bytes(copying: source)
        case .gzip:
            guard let library = Zlib.shared else { throw unavailable }
            return try library.decompress(source, maxBytes: maxBytes)
        case .snappy:
            guard let library = Snappy.shared else { throw unavailable }
            return try library.decompress(source, maxBytes: maxBytes)
        case .lz4:
            return try LZ4.decompress(source, maxBytes: maxBytes)
        case .zstd:
            guard let library = Zstd.shared else { throw unavailable }
            return try library.decompress(source, maxBytes: maxBytes)
        }
    }
}
