/// `group.consumer.migration.policy`: which way a group with members may change its protocol. One without members always may.
enum GroupMigrationPolicy: String, Sendable {
    case disabled, upgrade, downgrade, bidirectional

    var allowsUpgrade: Bool { self == .upgrade || self == .bidirectional }
    var allowsDowngrade: Bool { self == .downgrade || self == .bidirectional }
}
