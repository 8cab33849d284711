/// What a client that is older than record format 2 is sent: the same records in format 0 or 1, which it can read.
/// Headers, transactions and what else those formats do not have are left out, as Kafka leaves them out.
enum FetchDownConversion {
    /// The first version of Fetch whose clients read format 2 (KIP-98).
    private static let firstWithFormat2: Int16 = 4
    /// The first version of Fetch whose clients read zstd (KIP-110).
    private static let firstWithZstd: Int16 = 10
    /// Bytes that a batch may take decompressed: what a request could have held of it uncompressed. No bomb takes more.
    private static let maxDecompressedBytes = 100 << 20

    /// The records as a version of Fetch can carry them: as they lie in the log for all but the oldest clients.
    /// - Parameter offset: where the client wants to begin.
    /// - Throws: UNSUPPORTED_COMPRESSION_TYPE for zstd where the client cannot know it, UNSUPPORTED_VERSION where
    ///   conversion is switched off (`log.message.downconversion.enable`).
    static func records(
        _ read: LogRead, of log: Log, fetchVersion: Int16, from offset: Int64, isEnabled: Bool
    ) throws(LogError) -> WireRecords {
        if fetchVersion >= firstWithZstd || read.records.count == 0 { return read.records }
        if log.config.compression == .codec(.zstd) {
            throw LogError(.unsupportedCompressionType, "version \(fetchVersion) of Fetch cannot carry zstd")
        }
        if fetchVersion >= firstWithFormat2 { return read.records }
        guard isEnabled else {
            throw LogError(.unsupportedVersion, "version \(fetchVersion) of Fetch needs conversion, which is off")
        }
        let stored = try load(read.records)
        do throws(RecordsError) {
            let magic: Int8 = fetchVersion < 2 ? 0 : 1
            return .bytes(
                try LegacyRecords.convertDown(
                    stored, to: magic, firstOffset: offset, maxDecompressedBytes: maxDecompressedBytes))
        } catch .unknownCodec {
            throw LogError(.unsupportedCompressionType, "version \(fetchVersion) of Fetch cannot carry zstd")
        } catch {
            throw LogError(
                .corruptMessage, "records cannot be converted for version \(fetchVersion) of Fetch: \(error)")
        }
    }

    private static func load(_ records: WireRecords) throws(LogError) -> Bytes {
        switch records {
        case .bytes(let bytes): return bytes
        case .files(let regions):
            let storage = ByteStorage(capacity: records.count)
            var position = 0
            for region in regions {
                guard let bytes = region.load() else {
                    throw LogError(.kafkaStorageError, "a segment is shorter than its index says")
                }
                bytes.withUnsafeBytes { source in
                    UnsafeMutableRawBufferPointer(start: storage.base + position, count: source.count).copyMemory(
                        from: source)
                }
                position += bytes.count
            }
            return Bytes(storage: storage, count: position)
        }
    }
}
