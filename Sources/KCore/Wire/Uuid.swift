/// A topic, directory or member id: 16 bytes, printed as Kafka does, in base64 with the URL alphabet and no padding.
public struct Uuid: Hashable, Sendable, Comparable {
    public var high: UInt64
    public var low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// All zero: "no id" on the wire.
    public static let zero = Uuid(high: 0, low: 0)

    public var isZero: Bool { high == 0 && low == 0 }

    /// A random id (UUID version 4) that is none of Kafka's reserved ids and does not print with a leading dash, which
    /// would look like an option on a command line.
    public static func random(using generator: inout some RandomNumberGenerator) -> Uuid {
        while true {
            let high = (generator.next() & 0xFFFF_FFFF_FFFF_0FFF) | 0x4000
            let low = (generator.next() & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000
            if high >> 58 != 0x3E { return Uuid(high: high, low: low) }
        }
    }

    public static func random() -> Uuid {
        var generator = SystemRandomNumberGenerator()
        return random(using: &generator)
    }

    /// As Java's UUID prints: 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12, which ids of group members have.
    public var hyphenated: String {
        func digits(_ value: UInt64) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: 16 - text.utf8.count) + text
        }
        var text = ""
        for (index, digit) in (digits(high) + digits(low)).enumerated() {
            if [8, 12, 16, 20].contains(index) { text.append("-") }
            text.append(digit)
        }
        return text
    }

    public static func < (a: Uuid, b: Uuid) -> Bool { (a.high, a.low) < (b.high, b.low) }

    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    /// Reads the 22 characters that `description` prints; nil for anything else.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count == 22 else { return nil }
        var bits: (high: UInt64, low: UInt64) = (0, 0)
        var index = 0
        for character in text.utf8 {
            let digit: UInt64
            switch character {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = UInt64(character - UInt8(ascii: "A"))
            case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = UInt64(character - UInt8(ascii: "a")) + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt64(character - UInt8(ascii: "0")) + 52
            case UInt8(ascii: "-"): digit = 62
            case UInt8(ascii: "_"): digit = 63
            default: return nil
            }
            // The last character carries two bits; its other four are padding.
            let width: UInt64 = index == 21 ? 2 : 6
            let value = index == 21 ? digit >> 4 : digit
            bits.high = bits.high << width | bits.low >> (64 - width)
            bits.low = bits.low << width | value
            index += 1
        }
        self.init(high: bits.high, low: bits.low)
    }
}

extension Uuid: CustomStringConvertible, LosslessStringConvertible {
    public var description: String {
        var text = ""
        text.reserveCapacity(22)
        for index in 0..<22 {
            let shift = 122 - index * 6
            let digit: UInt64
            if shift >= 64 {
                digit = high >> UInt64(shift - 64)
            } else if shift >= 0 {
                digit = low >> UInt64(shift) | (shift > 58 ? high << UInt64(64 - shift) : 0)
            } else {
                digit = low << 4
            }
            let letter = Uuid.alphabet.withUTF8Buffer { $0[Int(digit & 63)] }
            text.unicodeScalars.append(Unicode.Scalar(letter))
        }
        return text
    }

    public init?(_ description: String) { self.init(description[...]) }
}
