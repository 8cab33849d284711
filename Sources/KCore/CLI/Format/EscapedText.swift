/// Text with escapes, as delimiters and formats are typed: `\n \t \r \0 \\ \xHH`.
public enum EscapedText {
    /// The bytes that `text` stands for.
    public static func bytes(_ text: String) throws(ToolError) -> [UInt8] {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            result.append(byte == UInt8(ascii: "\\") ? try escape(&rest, in: text) : byte)
        }
        return result
    }

    /// The byte of the escape whose backslash was taken from `rest`.
    static func escape(_ rest: inout ArraySlice<UInt8>, in text: String) throws(ToolError) -> UInt8 {
        guard let letter = rest.popFirst() else {
            throw .usage("'\(text)' ends in a single \\; write \\\\ for a backslash")
        }
        switch letter {
        case UInt8(ascii: "n"): return 10
        case UInt8(ascii: "t"): return 9
        case UInt8(ascii: "r"): return 13
        case UInt8(ascii: "0"): return 0
        case UInt8(ascii: "\\"): return letter
        case UInt8(ascii: "x"):
            guard let high = hex(rest.popFirst()), let low = hex(rest.popFirst()) else {
                throw .usage("'\(text)': \\x needs two hexadecimal digits")
            }
            return high << 4 | low
        default:
            let shown = letter < 0x80 ? "\\\(Character(UnicodeScalar(letter)))" : "that escape"
            throw .usage("'\(text)': \(shown) is not known; there are \\n \\t \\r \\0 \\\\ \\xHH")
        }
    }

    static func hex(_ digit: UInt8?) -> UInt8? {
        guard let digit else { return nil }
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): return digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): return digit - UInt8(ascii: "A") + 10
        default: return nil
        }
    }
}
