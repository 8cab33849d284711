/// Some of ASCII's characters, which topic names are made of. What a pattern says of others can be left out.
struct NameCharacters: Equatable, Sendable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    init() {}

    init(_ ranges: ClosedRange<UInt32>...) {
        for range in ranges { insert(range) }
    }

    static let word = NameCharacters(0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A)

    func contains(_ byte: UInt8) -> Bool {
        switch byte >> 6 {
        case 0: low & 1 << UInt64(byte) != 0
        case 1: high & 1 << UInt64(byte & 63) != 0
        default: false
        }
    }

    private mutating func insert(_ byte: UInt8) {
        if byte < 64 { low |= 1 << UInt64(byte) } else if byte < 128 { high |= 1 << UInt64(byte & 63) }
    }

    /// - Parameter range: of Unicode.
    mutating func insert(_ range: ClosedRange<UInt32>) {
        guard range.lowerBound < 128 else { return }
        for byte in UInt8(range.lowerBound)...UInt8(min(range.upperBound, 127)) { insert(byte) }
    }

    mutating func formUnion(_ other: NameCharacters) {
        low |= other.low
        high |= other.high
    }

    /// All others.
    var inverted: NameCharacters {
        var result = self
        (result.low, result.high) = (~low, ~high)
        return result
    }

    /// With the small letter for each capital one, and the other way round.
    var foldingCase: NameCharacters {
        var result = self
        for small in UInt8(ascii: "a")...UInt8(ascii: "z") {
            if contains(small) { result.insert(small - 32) }
            if contains(small - 32) { result.insert(small) }
        }
        return result
    }
}

// MARK: Names of sets

extension NameCharacters {
    /// `\d`, `\s` and `\w`; nil for another letter.
    static func perl(_ letter: Unicode.Scalar) -> NameCharacters? {
        switch letter {
        case "d": NameCharacters(0x30...0x39)
        case "s": NameCharacters(9...10, 12...13, 32...32)
        case "w": word
        default: nil
        }
    }

    /// `[:alpha:]` and its like; nil for another name.
    static func posix(_ name: String) -> NameCharacters? {
        switch name {
        case "alnum": NameCharacters(0x30...0x39, 0x41...0x5A, 0x61...0x7A)
        case "alpha": NameCharacters(0x41...0x5A, 0x61...0x7A)
        case "ascii": NameCharacters(0...127)
        case "blank": NameCharacters(9...9, 32...32)
        case "cntrl": NameCharacters(0...31, 127...127)
        case "digit": NameCharacters(0x30...0x39)
        case "graph": NameCharacters(33...126)
        case "lower": NameCharacters(0x61...0x7A)
        case "print": NameCharacters(32...126)
        case "punct": NameCharacters(33...47, 58...64, 91...96, 123...126)
        case "space": NameCharacters(9...13, 32...32)
        case "upper": NameCharacters(0x41...0x5A)
        case "word": word
        case "xdigit": NameCharacters(0x30...0x39, 0x41...0x46, 0x61...0x66)
        default: nil
        }
    }

    private static let categories = [
        "C", "Cc", "Cf", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl", "No",
        "P",
        "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
    ]

    /// `\p{Lu}` and its like: Unicode's general categories, and `Any`; nil for another name.
    static func unicode(_ name: String) -> NameCharacters? {
        if name == "Any" { return NameCharacters(0...127) }
        guard categories.contains(name) else { return nil }
        var result = NameCharacters()
        for byte in 0..<UInt8(128) {
            let category = code(Unicode.Scalar(byte).properties.generalCategory)
            if category.hasPrefix(name) { result.insert(byte) }
        }
        return result
    }

    /// Unicode's short name of a category that ASCII has characters of.
    private static func code(_ category: Unicode.GeneralCategory) -> String {
        switch category {
        case .uppercaseLetter: "Lu"
        case .lowercaseLetter: "Ll"
        case .decimalNumber: "Nd"
        case .connectorPunctuation: "Pc"
        case .dashPunctuation: "Pd"
        case .openPunctuation: "Ps"
        case .closePunctuation: "Pe"
        case .otherPunctuation: "Po"
        case .mathSymbol: "Sm"
        case .currencySymbol: "Sc"
        case .modifierSymbol: "Sk"
        case .spaceSeparator: "Zs"
        case .control: "Cc"
        default: "-"
        }
    }
}
