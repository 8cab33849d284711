internal import CKernel

/// The checksum of record batches (Castagnoli's polynomial): by the processor's instruction where there is one.
public enum CRC32C {
    /// The checksum of `bytes`.
    public static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 { ~update(~0, bytes) }

    /// The checksum of what `checksum` is the checksum of, followed by `bytes`.
    public static func extend(_ checksum: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
        ~update(~checksum, bytes)
    }

    static let table = CRCTable(polynomial: 0x82F6_3B78)

    // Written in `init` and only read afterwards.
    private struct Shifts: @unchecked Sendable {
        var long: UnsafePointer<UInt32>
        var short: UnsafePointer<UInt32>
    }

    // Nil where the processor has no such instruction.
    private static let shifts: Shifts? =
        ck_crc32c_available() == 0
        ? nil
        : Shifts(
            long: table.shift(zeros: Int(CK_CRC_LONG)),
            short: table.shift(zeros: Int(CK_CRC_SHORT)))

    private static func update(_ register: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
        guard let shifts else { return table.update(register, bytes) }
        return ck_crc32c(register, bytes.baseAddress, bytes.count, shifts.long, shifts.short)
    }
}
