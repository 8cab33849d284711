/// Which values a configuration takes, beyond what its type says.
enum ConfigRule: Sendable, Equatable {
    case any
    case atLeast(Int64)
    case between(Int64, Int64)
    /// Between two numbers, or one special one.
    case betweenOr(Int64, Int64, or: Int64)
    /// An age at which something is deleted: not 0, which would be everything. Negative for never.
    case positiveOrNever
    /// For `double`.
    case fraction
    case oneOf([String])
    /// Each element of a list is one of these.
    case listOf([String])
    /// `*`, or a list of `partition:broker`.
    case throttledReplicas

    /// What is wrong with `value`, nil when nothing is. `value` has the type already.
    func problem(with value: String, type: ConfigType) -> String? {
        switch self {
        case .any:
            return nil
        case .atLeast(let least):
            guard let number = Int64(value.trimmedASCII) else { return nil }
            return number < least ? "Value must be at least \(least)" : nil
        case .between(let least, let most):
            guard let number = Int64(value.trimmedASCII) else { return nil }
            if number < least { return "Value must be at least \(least)" }
            return number > most ? "Value must be no more than \(most)" : nil
        case .betweenOr(let least, let most, let special):
            guard let number = Int64(value.trimmedASCII) else { return nil }
            let fits = (least...most).contains(number) || number == special
            return fits ? nil : "Value must be between \(least) and \(most) or equal to \(special)"
        case .positiveOrNever:
            return Int64(value.trimmedASCII) == 0 ? "Value must be -1 for no limit or at least 1" : nil
        case .fraction:
            guard let number = Double(value.trimmedASCII) else { return nil }
            // Nor is what is no number.
            guard number >= 0 else { return "Value must be at least 0" }
            return number > 1 ? "Value must be no more than 1" : nil
        case .oneOf(let allowed):
            return allowed.contains(value) ? nil : "String must be one of: \(allowed.joined(separator: ", "))"
        case .listOf(let allowed):
            let elements = value.listElements
            return elements.allSatisfy { allowed.contains($0) }
                ? nil : "String must be one of: \(allowed.joined(separator: ", "))"
        case .throttledReplicas:
            return Self.areThrottledReplicas(value)
                ? nil : "Must be the literal '*' or a list of replicas in the form: [partitionId]:[brokerId],..."
        }
    }

    private static func areThrottledReplicas(_ value: String) -> Bool {
        let elements = value.listElements
        if elements.isEmpty || elements == ["*"] { return true }
        return elements.allSatisfy { element in
            let parts = element.split(separator: ":", omittingEmptySubsequences: false)
            return parts.count == 2 && parts.allSatisfy { Int32($0).map { $0 >= 0 } ?? false }
        }
    }
}

extension ConfigType {
    /// Why `value` is not of this type, nil when it is.
    func problem(with value: String) -> String? {
        let text = value.trimmedASCII
        switch self {
        case .boolean:
            let isBoolean = ["true", "false"].contains(text.lowercased())
            return isBoolean ? nil : "Expected value to be either true or false"
        case .int: return Int32(text) == nil ? "Not a number of type INT" : nil
        case .short: return Int16(text) == nil ? "Not a number of type SHORT" : nil
        case .long: return Int64(text) == nil ? "Not a number of type LONG" : nil
        case .double: return Double(text) == nil ? "Not a number of type DOUBLE" : nil
        default: return nil
        }
    }
}

extension StringProtocol {
    /// Without spaces, tabs and line ends around it.
    var trimmedASCII: String {
        var rest = Substring(self).unicodeScalars
        while let first = rest.first, first.value <= 0x20 { rest.removeFirst() }
        while let last = rest.last, last.value <= 0x20 { rest.removeLast() }
        return String(rest)
    }

    /// The elements of a comma-separated list, none for an empty one.
    var listElements: [String] {
        let text = trimmedASCII
        if text.isEmpty { return [] }
        return text.split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmedASCII }
    }
}
