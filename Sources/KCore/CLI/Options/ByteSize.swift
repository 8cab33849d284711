/// Numbers of bytes as people type and read them.
public enum ByteSize {
    /// `16384`, `64k`, `32M`, `1G`, also with `B` or `iB` behind; a unit is 1024 of the one below.
    /// - Returns: bytes, or nil when it is none or more than `Int64` holds.
    public static func parse(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits) else { return nil }
        let shift: Int64
        switch text.dropFirst(digits.count).lowercased() {
        case "", "b": shift = 0
        case "k", "kb", "kib": shift = 10
        case "m", "mb", "mib": shift = 20
        case "g", "gb", "gib": shift = 30
        case "t", "tb", "tib": shift = 40
        default: return nil
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
        return overflow ? nil : bytes
    }

    /// `812 B`, `9.4 KB`, `1.2 GB`: powers of 1000, for reading.
    public static func text(_ bytes: Int64) -> String {
        if bytes < 1000 { return "\(bytes) B" }
        var value = Double(bytes)
        for unit in ["KB", "MB", "GB", "TB"] {
            value /= 1000
            if value < 999.5 || unit == "TB" {
                return Quantity.decimal(value, digits: value < 9.95 ? 1 : 0) + " " + unit
            }
        }
        return "\(bytes) B"
    }
}
