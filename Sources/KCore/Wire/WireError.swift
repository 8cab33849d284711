/// Why bytes could not be read as, or a value could not be written as, what the protocol defines.
public enum WireError: Error, Equatable, Sendable {
    /// More bytes were needed than are there.
    case truncated(needed: Int, available: Int)
    /// A length that is negative, larger than the bytes that are left, or larger than a limit.
    case badLength(Int)
    /// A variable-length integer of more bytes than its type can have.
    case badVarint
    /// Null where this version of the message does not allow it.
    case unexpectedNull
    /// Tags out of order, or a tagged field whose bytes do not fit its type.
    case badTags
    /// A value that cannot be written, since this version of the message has no field for it and it may not be dropped.
    case noFieldInVersion(Int16)
    /// Bytes are left over after the last field.
    case trailingBytes(Int)
    /// The decoded message would take more memory than a request may.
    case memoryLimit
    /// The API is not known, or does not have this version.
    case unsupportedVersion(apiKey: Int16, version: Int16)
    /// A string, array or tag section that is too long to be written in this version.
    case valueTooLong(Int)
}
