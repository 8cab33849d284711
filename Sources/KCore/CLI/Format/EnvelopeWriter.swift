/// `kconsume --json`: a record as one line of JSON.
///
///     {"topic":"t","partition":0,"offset":7,"timestamp":1763717524117,"key":"k","value":"v",
///      "headers":[{"key":"trace","value":"abc"}]}
///
/// Keys and values that are no UTF-8 come as base 64, and `"keyEncoding":"base64"` or `"valueEncoding":"base64"` beside
/// them says so. A null is `null`. Headers are left out when there are none.
enum EnvelopeWriter {
    typealias Buffer = UnsafeRawBufferPointer

    /// `"topic":"t","partition":0,"offset":`: the same for all records of a partition.
    static func prefix(topic: String, partition: Int32) -> [UInt8] {
        Array("{\"topic\":\(JSONText.quoted(topic)),\"partition\":\(partition),\"offset\":".utf8)
    }

    static func begin(_ prefix: [UInt8], offset: Int64, timestampMs: Int64, to output: OutputBuffer) {
        prefix.withUnsafeBytes { output.append($0) }
        output.append(offset)
        output.append(",\"timestamp\":" as StaticString)
        output.append(timestampMs)
    }

    static func keyAndValue(_ key: Buffer?, _ value: Buffer?, to output: OutputBuffer) {
        field(",\"key\":", key, encodingName: ",\"keyEncoding\":\"base64\"", to: output)
        field(",\"value\":", value, encodingName: ",\"valueEncoding\":\"base64\"", to: output)
    }

    static func header(_ name: Buffer, _ value: Buffer?, isFirst: Bool, to output: OutputBuffer) {
        output.append(isFirst ? ",\"headers\":[" as StaticString : "," as StaticString)
        field("{\"key\":", name, encodingName: ",\"keyEncoding\":\"base64\"", to: output)
        field(",\"value\":", value, encodingName: ",\"valueEncoding\":\"base64\"", to: output)
        output.append(UInt8(ascii: "}"))
    }

    static func end(hasHeaders: Bool, to output: OutputBuffer) {
        output.append(hasHeaders ? "]}\n" as StaticString : "}\n" as StaticString)
    }

    private static func field(
        _ name: StaticString, _ bytes: Buffer?, encodingName: StaticString, to output: OutputBuffer
    ) {
        output.append(name)
        guard let bytes else { return output.append("null" as StaticString) }
        output.append(UInt8(ascii: "\""))
        if UTF8Check.isValid(bytes) {
            escaped(bytes, to: output)
            output.append(UInt8(ascii: "\""))
        } else {
            Base64.write(bytes, to: output)
            output.append(UInt8(ascii: "\""))
            output.append(encodingName)
        }
    }

    // Runs of ordinary bytes are copied whole.
    private static func escaped(_ bytes: Buffer, to output: OutputBuffer) {
        var start = 0
        for index in 0..<bytes.count {
            let byte = bytes[index]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7F else {
                continue
            }
            output.append(Buffer(rebasing: bytes[start..<index]))
            start = index + 1
            output.append(UInt8(ascii: "\\"))
            switch byte {
            case 10: output.append(UInt8(ascii: "n"))
            case 13: output.append(UInt8(ascii: "r"))
            case 9: output.append(UInt8(ascii: "t"))
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): output.append(byte)
            default:
                output.append("u00" as StaticString)
                Hex.write(byte, to: output)
            }
        }
        output.append(Buffer(rebasing: bytes[start...]))
    }
}

enum Hex {
    static func write(_ byte: UInt8, to output: OutputBuffer) {
        for digit in [byte >> 4, byte & 15] {
            output.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}
