/// An API as its definition has it: its number, the versions that are described, and from which version on lengths are
/// compact and tag sections stand behind every structure (KIP-482).
public struct Api: Sendable, Equatable {
    public var key: ApiKey
    public var versions: ClosedRange<Int16>
    /// The first flexible version; nil when there is none.
    public var firstFlexible: Int16?

    /// - Parameter flexible: the first flexible version; nil when there is none.
    @inlinable
    public init(_ key: ApiKey, versions: ClosedRange<Int16>, flexible: Int16?) {
        self.key = key
        self.versions = versions
        firstFlexible = flexible
    }

    public func isFlexible(_ version: Int16) -> Bool { firstFlexible.map { version >= $0 } ?? false }

    /// The version of the header in front of a request: 2 when the request is flexible, 1 otherwise, and 0 for the first
    /// ControlledShutdown, which has no client id.
    public func requestHeaderVersion(_ version: Int16) -> Int16 {
        if key == .controlledShutdown && version == 0 { return 0 }
        return isFlexible(version) ? 2 : 1
    }

    /// The version of the header in front of a response: 1 when it is flexible. ApiVersions always answers with 0, so
    /// that a client which asked in a version that is too new can read the answer (KIP-511).
    public func responseHeaderVersion(_ version: Int16) -> Int16 {
        isFlexible(version) && key != .apiVersions ? 1 : 0
    }
}

/// A request: the structure that a client sends, its API, and what it is answered with.
public protocol ApiRequest: WireStruct {
    associatedtype Response: WireStruct
    static var api: Api { get }
}
