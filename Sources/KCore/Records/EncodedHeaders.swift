/// The headers of a record as they stand in it: the count, then each header. Made once where many records share them.
public struct EncodedHeaders: Sendable {
    public let bytes: Bytes

    /// No headers.
    public init() { bytes = [0] }

    public init(_ headers: [RecordHeader]) {
        var size = Varint.size(Int64(headers.count))
        for header in headers { size += EncodedHeaders.size(header) }
        let storage = ByteStorage(capacity: size)
        var position = Varint.write(Int64(headers.count), to: storage.base)
        for header in headers {
            var key = header.key
            key.withUTF8 { position += EncodedHeaders.write(UnsafeRawBufferPointer($0), to: storage.base + position) }
            if let value = header.value {
                value.withUnsafeBytes { position += EncodedHeaders.write($0, to: storage.base + position) }
            } else {
                position += Varint.write(-1, to: storage.base + position)
            }
        }
        bytes = Bytes(storage: storage, count: position)
    }

    private static func size(_ header: RecordHeader) -> Int {
        let keyCount = header.key.utf8.count
        let valueCount = header.value?.count ?? 0
        return Varint.size(Int64(keyCount)) + keyCount + Varint.size(Int64(valueCount)) + valueCount
    }

    // A length and as many bytes; -1 alone for nil. `target` has room.
    @inline(__always)
    static func write(_ field: UnsafeRawBufferPointer?, to target: UnsafeMutableRawPointer) -> Int {
        guard let field else { return Varint.write(-1, to: target) }
        let length = Varint.write(Int64(field.count), to: target)
        if let base = field.baseAddress { (target + length).copyMemory(from: base, byteCount: field.count) }
        return length &+ field.count
    }
}
