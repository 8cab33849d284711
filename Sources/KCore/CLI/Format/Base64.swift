/// Base 64 (RFC 4648, with padding), from and into memory that is there already.
enum Base64 {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    static func write(_ bytes: UnsafeRawBufferPointer, to output: OutputBuffer) {
        let letters = alphabet.utf8Start
        func put(_ group: UInt32, _ letterCount: Int) {
            for index in 0..<4 {
                let letter = letters[Int(group >> UInt32(18 - 6 * index)) & 63]
                output.append(index < letterCount ? letter : UInt8(ascii: "="))
            }
        }
        var index = 0
        while index + 3 <= bytes.count {
            put(UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2]), 4)
            index += 3
        }
        switch bytes.count - index {
        case 1: put(UInt32(bytes[index]) << 16, 2)
        case 2: put(UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8, 3)
        default: break
        }
    }

    static func text(_ bytes: Bytes) -> String {
        let letters = Array(UnsafeBufferPointer(start: alphabet.utf8Start, count: 64))
        var result: [UInt8] = []
        result.reserveCapacity((bytes.count + 2) / 3 * 4)
        bytes.withUnsafeBytes { bytes in
            for start in stride(from: 0, to: bytes.count, by: 3) {
                let count = min(3, bytes.count - start)
                let group = (0..<3).reduce(UInt32(0)) { $0 << 8 | UInt32($1 < count ? bytes[start + $1] : 0) }
                for index in 0..<4 {
                    result.append(
                        index <= count ? letters[Int(group >> UInt32(18 - 6 * index)) & 63] : UInt8(ascii: "="))
                }
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Appends what `text` stands for.
    /// - Returns: false when it is not base 64: a wrong letter, a wrong length, bits that are left over.
    static func decode(_ text: UnsafeRawBufferPointer, into target: inout [UInt8]) -> Bool {
        guard text.count % 4 == 0 else { return false }
        var index = 0
        while index < text.count {
            let isLast = index + 4 == text.count
            var group: UInt32 = 0
            var letters = 0
            for position in 0..<4 {
                let byte = text[index + position]
                if isLast && byte == UInt8(ascii: "=") && position >= 2 {
                    if position == 2 && text[index + 3] != byte { return false }
                    break
                }
                guard let bits = value(byte) else { return false }
                group = group << 6 | UInt32(bits)
                letters += 1
            }
            group <<= UInt32(6 * (4 - letters))
            let count = letters - 1
            guard group & (0xFF_FFFF >> UInt32(8 * count)) == 0 || count == 3 else { return false }
            for part in 0..<count { target.append(UInt8(truncatingIfNeeded: group >> UInt32(16 - 8 * part))) }
            index += 4
        }
        return true
    }

    private static func value(_ letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): letter - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): letter - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): letter - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
