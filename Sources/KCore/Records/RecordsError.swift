/// Why bytes are no record batch, or a batch cannot be written or read.
public enum RecordsError: Error, Equatable, Sendable {
    /// The buffer ends before the batch does: a fetch cuts its last batch so, and a crash the last one of a file.
    case truncated(needed: Int, available: Int)
    /// A batch length (the field, in bytes) that no batch can have.
    case badBatchLength(Int)
    /// A format that does not exist, or that this call does not read.
    case unsupportedMagic(Int8)
    /// The bytes are not those that the checksum was made of.
    case badCRC(stored: UInt32, computed: UInt32)
    /// The number of records is negative, or more than the bytes can hold, or not that of the records that are there.
    case badRecordCount(Int)
    /// Record `index` of a batch is malformed.
    case badRecord(index: Int, RecordFault)
    /// A control record that is no known one.
    case badControlRecord
    /// Compression type 5, 6 or 7.
    case unknownCodec(Int)
    /// The codec's library is not on this machine; `package` is Debian's name of it.
    case codecUnavailable(CompressionCodec, package: String)
    /// The compressed bytes are none of the codec's, or end too early.
    case badCompressedData(CompressionCodec)
    /// The codec's library refused to compress.
    case compressionFailed(CompressionCodec)
    /// The records would take more than `limit` bytes decompressed, or a batch more than its format can say.
    case tooLarge(limit: Int)
}

/// What is wrong with one record.
public enum RecordFault: Error, Equatable, Sendable {
    /// A number or a field reaches over the end of the record, or the record over the end of the batch.
    case truncated
    /// A variable-length integer that is too long for its type.
    case badVarint
    /// A length that is below -1, or -1 where there can be no null.
    case badLength(Int)
    /// The header count is negative or more than the bytes left can hold.
    case badHeaderCount(Int)
    /// The fields end before the record does.
    case trailingBytes(Int)
    /// The offset is not inside the batch's range.
    case badOffset
    /// An old message whose own checksum does not match.
    case badCRC
}

extension RecordsError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .truncated(let needed, let available): "the batch needs \(needed) bytes and \(available) are there"
        case .badBatchLength(let length): "no batch has a length of \(length)"
        case .unsupportedMagic(let magic): "record format \(magic) is not supported here"
        case .badCRC(let stored, let computed): "the checksum is \(computed) and the batch says \(stored)"
        case .badRecordCount(let count): "the batch does not hold the \(count) records that it says"
        case .badRecord(let index, let fault): "record \(index) of the batch is malformed: \(fault)"
        case .badControlRecord: "the control record is malformed"
        case .unknownCodec(let id): "there is no compression type \(id)"
        case .codecUnavailable(let codec, let package):
            "\(codec) needs a library that is not installed; it is in the package \(package)"
        case .badCompressedData(let codec): "the records are not valid \(codec)"
        case .compressionFailed(let codec): "\(codec) could not compress the records"
        case .tooLarge(let limit): "the records are larger than the limit of \(limit) bytes"
        }
    }
}
