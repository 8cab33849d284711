/// What a client that is older than record format 2 is sent: the same records in format 0 or 1, which it can read.
/// Headers, transactions and what else those formats do not have are left out, as Kafka leaves them out.
enum FetchDownConversion {
    /// The first version of Fetch whose clients read format 2 (KIP-98).
    private static let firstWithFormat2: Int16 = 4
    /// The first version of Fetch whose clients read zstd (KIP-110).
    private static let firstWithZstd: Int16 = 10
    /// Bytes that a batch may take decompressed: what a request could have held of it uncompressed. No bomb takes more.
    private static let maxDecompressedBytes = 100 << 20

    /// Whether clients of this version read only formats older than what logs hold.
    static func isNeeded(fetchVersion: Int16) -> Bool { fetchVersion < firstWithFormat2 }

    /// - Throws: UNSUPPORTED_COMPRESSION_TYPE for a topic that is compressed with zstd where the client cannot know it,
    ///   UNSUPPORTED_VERSION where conversion is needed and switched off (`message.downconversion.enable`).
    static func check(_ config: LogConfig, fetchVersion: Int16) throws(LogError) {
        if fetchVersion >= firstWithZstd { return }
        if config.compression == .codec(.zstd) {
            throw LogError(.unsupportedCompressionType, "version \(fetchVersion) of Fetch cannot carry zstd")
        }
        if isNeeded(fetchVersion: fetchVersion) && !config.convertsForOldClients {
            throw LogError(.unsupportedVersion, "version \(fetchVersion) of Fetch needs conversion, which is off")
        }
    }

    /// The records in the newest format that the version can carry. Decodes them: no work for a loop.
    /// - Parameter offset: where the client wants to begin.
    /// - Throws: UNSUPPORTED_COMPRESSION_TYPE for zstd, CORRUPT_MESSAGE for records that cannot be decoded.
    static func convert(
        _ records: WireRecords, fetchVersion: Int16, from offset: Int64
    ) throws(LogError) -> WireRecords {
        let stored = try load(records)
        do throws(RecordsError) {
            return .bytes(
                try LegacyRecords.convertDown(
                    stored, to: fetchVersion < 2 ? 0 : 1, firstOffset: offset,
                    maxDecompressedBytes: maxDecompressedBytes))
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
