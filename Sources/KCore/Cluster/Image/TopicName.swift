/// Which names topics may have.
enum TopicName {
    static let maxLength = 249

    /// What is wrong with `name`, nil when nothing is.
    static func problem(with name: String) -> String? {
        if name.isEmpty { return "Topic name is invalid: the empty string is not allowed" }
        if name == "." || name == ".." { return "Topic name is invalid: '.' or '..' is not allowed" }
        if name.utf8.count > maxLength {
            return "Topic name is invalid: the length of '\(name)' is longer than the max allowed length \(maxLength)"
        }
        let isLegal = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        if isLegal { return nil }
        return "Topic name is invalid: '\(name)' contains one or more characters other than "
            + "ASCII alphanumerics, '.', '_' and '-'"
    }

    /// The name with dots as underscores: topics that agree in it would share the names of their metrics.
    static func metricName(_ name: String) -> String {
        guard name.utf8.contains(UInt8(ascii: ".")) else { return name }
        return String(name.map { $0 == "." ? "_" : $0 })
    }

    /// Whether the name can take part in a collision at all.
    static func canCollide(_ name: String) -> Bool {
        name.utf8.contains { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") }
    }

    static let groups = "__consumer_offsets"
    static let transactions = "__transaction_state"

    static func isInternal(_ name: String) -> Bool {
        name == groups || name == transactions || name == "__share_group_state"
    }
}
