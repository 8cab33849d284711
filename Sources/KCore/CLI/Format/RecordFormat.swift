/// `kconsume -f`: what is printed for a record, compiled once to a list of steps.
///
///     %v %s  value          %k  key           %h  headers, NAME=VALUE,...    %t  topic       %o  offset
///     %V %S  its length     %K  its length    %T  timestamp, ms since 1970   %p  partition   %e  leader epoch
///     %%     a percent sign, and \n \t \r \0 \\ \xHH.
///
/// The length of a null is -1. A null is printed as nothing.
public struct RecordFormat: Sendable, Equatable {
    enum Step: Sendable, Equatable {
        case literal([UInt8])
        case value(Encoding), valueLength
        case key(Encoding), keyLength
        case headers, timestamp, topic, partition, offset, leaderEpoch
    }

    enum Encoding: String, Sendable, CaseIterable { case raw, hex, base64 }

    let steps: [Step]

    /// The value and a newline: what is printed when no format is given.
    public static let valueLine = RecordFormat(steps: [.value(.raw), .literal([10])])

    private init(steps: [Step]) { self.steps = steps }

    public init(_ text: String) throws(ToolError) {
        var steps: [Step] = []
        var literal: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\") {
                literal.append(try EscapedText.escape(&rest, in: text))
            } else if byte != UInt8(ascii: "%") {
                literal.append(byte)
            } else if rest.first == UInt8(ascii: "%") {
                literal.append(rest.removeFirst())
            } else {
                if !literal.isEmpty { steps.append(.literal(literal)) }
                literal = []
                steps.append(try RecordFormat.step(&rest, in: text))
            }
        }
        if !literal.isEmpty { steps.append(.literal(literal)) }
        self.steps = steps
    }

    private static func step(_ rest: inout ArraySlice<UInt8>, in text: String) throws(ToolError) -> Step {
        guard let letter = rest.popFirst() else {
            throw .usage("'\(text)' ends in a single %; write %% for a percent sign")
        }
        switch letter {
        case UInt8(ascii: "v"), UInt8(ascii: "s"): return .value(try encoding(&rest, in: text))
        case UInt8(ascii: "k"): return .key(try encoding(&rest, in: text))
        case UInt8(ascii: "V"), UInt8(ascii: "S"): return .valueLength
        case UInt8(ascii: "K"): return .keyLength
        case UInt8(ascii: "h"): return .headers
        case UInt8(ascii: "T"): return .timestamp
        case UInt8(ascii: "t"): return .topic
        case UInt8(ascii: "p"): return .partition
        case UInt8(ascii: "o"): return .offset
        case UInt8(ascii: "e"): return .leaderEpoch
        default:
            let shown = letter < 0x80 ? "%\(Character(UnicodeScalar(letter)))" : "that % sequence"
            throw .usage("'\(text)': \(shown) is not known; there are %v %s %V %S %k %K %h %T %t %p %o %e %%")
        }
    }

    // `%v{hex}`: braces right behind a key or value say how its bytes are shown.
    private static func encoding(_ rest: inout ArraySlice<UInt8>, in text: String) throws(ToolError) -> Encoding {
        guard rest.first == UInt8(ascii: "{"), let end = rest.firstIndex(of: UInt8(ascii: "}")) else { return .raw }
        let name = String(decoding: rest[(rest.startIndex + 1)..<end], as: UTF8.self)
        guard let encoding = Encoding(rawValue: name), encoding != .raw else {
            throw .usage("'\(text)': {\(name)} is not known; there are {hex} and {base64}, and \\x7b is a brace")
        }
        rest = rest[(end + 1)...]
        return encoding
    }
}
