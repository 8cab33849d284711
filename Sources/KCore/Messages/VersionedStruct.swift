/// A structure that has its version in front of it, as two bytes: keys and values of the coordinators' logs, and what
/// the members of a group tell each other.
///
/// The version of a key of a coordinator's log says which kind of record it is.
protocol VersionedStruct: WireStruct {
    static var versions: ClosedRange<Int16> { get }
    /// Nil when no version is flexible.
    static var firstFlexible: Int16? { get }
    /// Whether a version that is too new is read as the newest one described: such versions only add fields at the end.
    static var readsNewer: Bool { get }
    /// The version that is written unless another one is asked for: one that Kafka 3.9 reads, with room for all that
    /// is set. The newest described, where nothing else is said: so whoever describes one that Kafka 3.9 does not read
    /// says here when it is written.
    var writtenVersion: Int16 { get }
}

extension VersionedStruct {
    static var firstFlexible: Int16? { nil }
    static var readsNewer: Bool { false }
    var writtenVersion: Int16 { Self.versions.upperBound }

    static func isFlexible(_ version: Int16) -> Bool { firstFlexible.map { version >= $0 } ?? false }

    /// Reads the version and the structure behind it, which must end where the bytes do.
    /// - Throws: ``WireError/unsupportedVersion(apiKey:version:)``, with an `apiKey` of -1, when it is not described.
    init(versioned bytes: Bytes) throws(WireError) {
        let given = try bytes.leadingVersion()
        let version = Self.readsNewer ? min(given, Self.versions.upperBound) : given
        guard Self.versions.contains(version) else { throw .unsupportedVersion(apiKey: -1, version: version) }
        var decoder = WireDecoder(bytes, at: 2, version: version, flexible: Self.isFlexible(version))
        self = try Self.read(&decoder)
        if given == version { try decoder.finish() }
    }

    /// The version and the structure.
    /// - Parameter version: ``writtenVersion`` when nil.
    func versioned(_ version: Int16? = nil) throws(WireError) -> Bytes {
        let version = version ?? writtenVersion
        guard Self.versions.contains(version) else { throw .unsupportedVersion(apiKey: -1, version: version) }
        var encoder = WireEncoder(version: version, flexible: Self.isFlexible(version))
        encoder.integer(version)
        try write(&encoder)
        return encoder.bytes()
    }
}

extension Bytes {
    /// The two bytes in front of a ``VersionedStruct``.
    func leadingVersion() throws(WireError) -> Int16 {
        var decoder = WireDecoder(self, version: 0, flexible: false)
        return try Int16.read(&decoder)
    }
}
