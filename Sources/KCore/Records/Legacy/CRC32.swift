/// The checksum of messages of formats 0 and 1: zlib's polynomial.
enum CRC32 {
    private static let table = CRCTable(polynomial: 0xEDB8_8320)

    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 { ~table.update(~0, bytes) }
}
