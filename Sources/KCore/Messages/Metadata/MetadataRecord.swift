/// A record of the metadata log of a KRaft cluster (KIP-631). All versions are flexible.
protocol MetadataRecord: WireStruct {
    static var apiKey: Int16 { get }
    static var versions: ClosedRange<Int16> { get }
    /// The oldest version that holds all that is set: what is written, so that the oldest reader understands it.
    var oldestVersion: Int16 { get }
}

extension MetadataRecord {
    var oldestVersion: Int16 { Self.versions.lowerBound }

    /// The value of the log's record: a frame of three unsigned varints and the body.
    /// - Parameter version: ``oldestVersion`` when nil; an older one would lose something, and is refused.
    func framed(version: Int16? = nil) throws(WireError) -> Bytes {
        let version = version ?? oldestVersion
        guard Self.versions.contains(version) else {
            throw .unsupportedVersion(apiKey: Self.apiKey, version: version)
        }
        guard version >= oldestVersion else { throw .noFieldInVersion(version) }
        var encoder = WireEncoder(version: version, flexible: true)
        MetadataRecordFrame(apiKey: Self.apiKey, version: version).write(&encoder)
        try write(&encoder)
        return encoder.bytes()
    }
}

/// What stands in front of a record of the metadata log: the frame's own version, the record's number and its version.
struct MetadataRecordFrame: Equatable {
    static let version: UInt32 = 1

    var apiKey: Int16
    var version: Int16

    /// - Throws: ``WireError/unsupportedVersion(apiKey:version:)`` for a frame of another version; its `apiKey` is -1.
    static func read(_ decoder: inout WireDecoder) throws(WireError) -> MetadataRecordFrame {
        let frameVersion = try decoder.unsignedVarint()
        guard frameVersion == MetadataRecordFrame.version else {
            throw .unsupportedVersion(apiKey: -1, version: Int16(truncatingIfNeeded: frameVersion))
        }
        let apiKey = try decoder.unsignedVarint()
        let version = try decoder.unsignedVarint()
        guard let apiKey = Int16(exactly: apiKey), let version = Int16(exactly: version) else { throw .badVarint }
        return MetadataRecordFrame(apiKey: apiKey, version: version)
    }

    func write(_ encoder: inout WireEncoder) {
        encoder.unsignedVarint(MetadataRecordFrame.version)
        encoder.unsignedVarint(UInt32(UInt16(bitPattern: apiKey)))
        encoder.unsignedVarint(UInt32(UInt16(bitPattern: version)))
    }
}
