/// Points in time as people type them.
public enum TimeExpression {
    /// - Parameters:
    ///   - text: milliseconds since 1970; ISO 8601 (`2026-11-21`, `2026-11-21T09:30`, `...:04.117`, `...Z`, `...+02:00`;
    ///     UTC where no zone is given); or some time ago (`-2h`, `-1h30m`, `-7d`, units ms s m h d w).
    ///   - nowMs: what is meant by ago.
    /// - Returns: milliseconds since 1970, or nil.
    public static func parse(_ text: String, nowMs: Int64) -> Int64? {
        if text.hasPrefix("-") { return duration(text.dropFirst()).map { nowMs - $0 } }
        if !text.isEmpty && text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) { return Int64(text) }
        return iso8601(text)
    }

    /// `90m`, `1h30m`, `500ms`.
    /// - Returns: milliseconds, or nil.
    public static func duration(_ text: some StringProtocol) -> Int64? {
        var rest = Substring(text)
        var total: Int64 = 0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { !($0.isASCII && $0.isNumber) }
            rest = rest.dropFirst(unit.count)
            guard let number = Int64(digits), let ms = unitsMs[String(unit)] else { return nil }
            let (part, overflow) = number.multipliedReportingOverflow(by: ms)
            let (sum, tooLong) = total.addingReportingOverflow(part)
            guard !overflow && !tooLong else { return nil }
            total = sum
        }
        return total
    }

    private static let unitsMs: [String: Int64] = [
        "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000,
    ]

    private static func iso8601(_ text: String) -> Int64? {
        var rest = Array(text.utf8)[...]
        func number(_ width: Int) -> Int64? {
            guard rest.count >= width else { return nil }
            var value: Int64 = 0
            for _ in 0..<width {
                guard let byte = rest.popFirst(), byte >= 0x30 && byte <= 0x39 else { return nil }
                value = value * 10 + Int64(byte - 0x30)
            }
            return value
        }
        func take(_ bytes: String) -> Bool {
            guard let first = rest.first, bytes.utf8.contains(first) else { return false }
            rest.removeFirst()
            return true
        }
        guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2),
            (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        let days = daysSince1970(year: year, month: month, day: day)
        let date = Timestamp.civilDate(daysSince1970: days)
        // The 30th of February is a date of March, and so no date.
        guard date.month == month && date.day == day else { return nil }
        var ms = days * 86_400_000
        if rest.isEmpty { return ms }
        guard take("T t"), let hour = number(2), take(":"), let minute = number(2), hour < 24, minute < 60 else {
            return nil
        }
        ms += hour * 3_600_000 + minute * 60_000
        if take(":") {
            guard let second = number(2), second < 60 else { return nil }
            ms += second * 1000
            if take(".,") {
                var unit: Int64 = 100
                guard rest.first.map({ $0 >= 0x30 && $0 <= 0x39 }) == true else { return nil }
                while let digit = rest.first, digit >= 0x30 && digit <= 0x39 {
                    ms += Int64(digit - 0x30) * unit
                    unit /= 10
                    rest.removeFirst()
                }
            }
        }
        if rest.isEmpty { return ms }
        if take("Zz") { return rest.isEmpty ? ms : nil }
        let isEast = rest.first == UInt8(ascii: "+")
        guard take("+-"), let hours = number(2) else { return nil }
        _ = take(":")
        guard let minutes = rest.isEmpty ? 0 : number(2), rest.isEmpty, hours < 24, minutes < 60 else { return nil }
        let zone = hours * 3_600_000 + minutes * 60_000
        return isEast ? ms - zone : ms + zone
    }

    // The Gregorian calendar in years that begin in March; the inverse of Timestamp.civilDate.
    static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
        let marchYear = month <= 2 ? year - 1 : year
        let era = marchYear.floorDivided(by: 400)
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
