@testable import KCore

/// Prints all values of a message by the names of its fields, as make-messages.py does: `{acks=-1,timeoutMs=0,...}`.
/// It looks at the Swift properties, so two fields of one type that are swapped in a description are noticed.
enum MessageDump {
    static func of(_ value: Any) -> String {
        switch value {
        case let string as String: return "\"\(string)\""
        case let bytes as Bytes: return bytes.array.hex
        case WireRecords.bytes(let bytes): return bytes.array.hex
        case let uuid as Uuid: return hex(uuid.high) + hex(uuid.low)
        case let tag as UnknownTag: return "\(tag.tag):\(tag.value.array.hex)"
        case let number as any FixedWidthInteger: return "\(number)"
        case let number as Double: return "\(number)"
        case let bool as Bool: return "\(bool)"
        case let code as any RawRepresentable: return "\(code.rawValue)"
        default: break
        }
        let mirror = Mirror(reflecting: value)
        switch mirror.displayStyle {
        case .optional: return mirror.children.first.map { of($0.value) } ?? "null"
        case .collection: return "[" + mirror.children.map { of($0.value) }.joined(separator: ",") + "]"
        default:
            let fields = mirror.children.map { (name: $0.label ?? "?", value: $0.value) }.sorted { $0.name < $1.name }
            return "{" + fields.map { "\($0.name)=\(of($0.value))" }.joined(separator: ",") + "}"
        }
    }

    /// FNV-1a, 64 bits.
    static func hash(_ dump: String) -> UInt64 {
        dump.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    private static func hex(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
