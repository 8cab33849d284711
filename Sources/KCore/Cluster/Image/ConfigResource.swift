/// What a configuration belongs to.
struct ConfigResource: Hashable, Sendable {
    var type: ConfigResourceType
    /// A topic's or group's name, or a broker's number; empty for all brokers.
    var name: String

    static func topic(_ name: String) -> ConfigResource { ConfigResource(type: .topic, name: name) }
    static func group(_ name: String) -> ConfigResource { ConfigResource(type: .group, name: name) }
    static func broker(_ id: Int32) -> ConfigResource { ConfigResource(type: .broker, name: String(id)) }
    static let allBrokers = ConfigResource(type: .broker, name: "")
}

extension ConfigResource: Comparable {
    static func < (a: ConfigResource, b: ConfigResource) -> Bool {
        (a.type.rawValue, a.name) < (b.type.rawValue, b.name)
    }
}
