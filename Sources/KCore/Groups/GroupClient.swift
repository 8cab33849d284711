/// Who sent a request, as groups remember and show it.
struct GroupClient: Equatable, Sendable {
    /// The client id of the request's header.
    var id = ""
    /// The address, with Java's slash in front.
    var host = ""
}

extension Bytes {
    /// The same bytes in memory of their own: what a group keeps must not keep a whole request or read buffer with it.
    var detached: Bytes { withUnsafeBytes { Bytes(copying: $0) } }
}
