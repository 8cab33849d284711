/// Tables for a reflected 32-bit checksum, eight bytes at a time ("slicing by 8"), for any polynomial.
///
/// `@unchecked Sendable`: the memory is written in `init` and only read afterwards. Tables live as long as the process.
struct CRCTable: @unchecked Sendable {
    private let table: UnsafePointer<UInt32>

    /// - Parameter polynomial: with its bits reversed, as `0x82F6_3B78` for CRC32C.
    init(polynomial: UInt32) {
        let table = UnsafeMutablePointer<UInt32>.allocate(capacity: 8 * 256)
        for byte in 0..<256 {
            var crc = UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 != 0 ? (crc >> 1) ^ polynomial : crc >> 1 }
            table[byte] = crc
        }
        for slice in 1..<8 {
            for byte in 0..<256 {
                let previous = table[(slice - 1) * 256 + byte]
                table[slice * 256 + byte] = (previous >> 8) ^ table[Int(previous & 0xFF)]
            }
        }
        self.table = UnsafePointer(table)
    }

    /// The register after `bytes`, not inverted before or after.
    func update(_ register: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
        guard let base = bytes.baseAddress else { return register }
        var crc = register
        var position = 0
        while bytes.count &- position >= 8 {
            let low = crc ^ UInt32(littleEndian: base.loadUnaligned(fromByteOffset: position, as: UInt32.self))
            let high = UInt32(littleEndian: base.loadUnaligned(fromByteOffset: position &+ 4, as: UInt32.self))
            crc = entry(7, low) ^ entry(6, low >> 8) ^ entry(5, low >> 16) ^ entry(4, low >> 24)
            crc ^= entry(3, high) ^ entry(2, high >> 8) ^ entry(1, high >> 16) ^ entry(0, high >> 24)
            position &+= 8
        }
        while position < bytes.count {
            crc = (crc >> 8) ^ entry(0, crc ^ UInt32(base.load(fromByteOffset: position, as: UInt8.self)))
            position &+= 1
        }
        return crc
    }

    @inline(__always)
    private func entry(_ slice: Int, _ value: UInt32) -> UInt32 { table[slice &* 256 &+ Int(value & 0xFF)] }

    /// Four tables of 256 entries, one for each byte of a register, that move it over `zeros` zero bytes. Never freed.
    func shift(zeros: Int) -> UnsafePointer<UInt32> {
        let result = UnsafeMutablePointer<UInt32>.allocate(capacity: 4 * 256)
        // The shift is linear: what each single bit becomes says what every byte becomes.
        let bits = (0..<32).map { bit in
            var crc = UInt32(1) << UInt32(bit)
            for _ in 0..<zeros { crc = (crc >> 8) ^ entry(0, crc) }
            return crc
        }
        for byte in 0..<4 {
            for value in 0..<256 {
                var crc: UInt32 = 0
                for bit in 0..<8 where value >> bit & 1 != 0 { crc ^= bits[byte * 8 + bit] }
                result[byte * 256 + value] = crc
            }
        }
        return UnsafePointer(result)
    }
}
