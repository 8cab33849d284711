/// Numbers as people read them.
public enum Quantity {
    /// `1,234,567`
    public static func grouped(_ number: Int64) -> String {
        let digits = Array(String(number.magnitude))
        var text = number < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0 && (digits.count - index) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return text
    }

    /// Rounded to `digits` decimals (at most 9), with a point.
    public static func decimal(_ value: Double, digits: Int) -> String {
        guard value.isFinite, abs(value) < 1e9 else { return value.isFinite ? grouped(Int64(value)) : "-" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int64((abs(value) * scale).rounded())
        let whole = scaled / Int64(scale)
        let sign = value < 0 && scaled > 0 ? "-" : ""
        if digits == 0 { return "\(sign)\(whole)" }
        let fraction = String(scaled % Int64(scale))
        return "\(sign)\(whole)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    /// `0.41 s`, `12.3 s`, `4 min 07 s`, `2 h 05 min`
    public static func duration(seconds: Double) -> String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        if seconds < 10 { return decimal(seconds, digits: 2) + " s" }
        if seconds < 99.95 { return decimal(seconds, digits: 1) + " s" }
        let whole = Int(min(seconds, 1e9).rounded())
        if whole < 3600 { return "\(whole / 60) min \(two(whole % 60)) s" }
        return "\(whole / 3600) h \(two(whole / 60 % 60)) min"
    }

    /// `1 record`, `2 records`
    public static func count(_ number: Int64, _ singular: String) -> String {
        "\(grouped(number)) \(singular)\(number == 1 ? "" : "s")"
    }
}
