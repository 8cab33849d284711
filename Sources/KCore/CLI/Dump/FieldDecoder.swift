/// How a key or value of which nothing is known is printed.
enum FieldDecoder: String, CaseIterable {
    /// As text; what is no UTF-8 as base 64, and said so.
    case string
    case base64
    case hex
    case int32
    case int64

    /// A name of ours, or the class name of one of Kafka's decoders.
    init?(name: String) {
        let short = name.split(separator: ".").last.map(String.init) ?? name
        switch short {
        case "StringDecoder": self = .string
        case "DefaultDecoder": self = .base64
        case "IntegerDecoder": self = .int32
        case "LongDecoder": self = .int64
        default: self.init(rawValue: name)
        }
    }

    static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

    func text(_ bytes: Bytes) -> String {
        switch self {
        case .string:
            bytes.withUnsafeBytes { UTF8Check.isValid($0) } ? bytes.utf8String : "(base64) \(Base64.text(bytes))"
        case .base64: Base64.text(bytes)
        case .hex: bytes.withUnsafeBytes { $0.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
        case .int32: number(bytes, Int32.self)
        case .int64: number(bytes, Int64.self)
        }
    }

    private func number<T: FixedWidthInteger & BitwiseCopyable>(_ bytes: Bytes, _: T.Type) -> String {
        guard bytes.count == MemoryLayout<T>.size else { return "(\(bytes.count) bytes) \(Base64.text(bytes))" }
        return bytes.withUnsafeBytes { $0.baseAddress.map { "\($0.bigEndian(0, as: T.self))" } ?? "" }
    }
}
