/// Something in a data directory that is not as it should be.
struct LogProblem: Equatable, CustomStringConvertible {
    enum Severity: String {
        /// The broker mends it by itself, or it does no harm.
        case warning
        /// Something is lost, or cannot be believed.
        case error
    }

    var severity = Severity.error
    var path: String
    /// Bytes from the beginning of the file, where a place can be named.
    var position: Int64?
    var what: String

    var description: String { (position.map { "\(path), byte \($0): " } ?? "\(path): ") + what }
}
