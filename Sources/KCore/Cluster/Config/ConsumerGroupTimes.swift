/// How long members of consumer groups may be silent and how often they speak, in milliseconds.
struct ConsumerGroupTimes: Equatable, Sendable {
    var heartbeatIntervalMs: Int64 = 5000
    var sessionTimeoutMs: Int64 = 45_000
}

/// What the times of consumer groups may be, by the broker's file: `group.consumer.min.*` and `group.consumer.max.*`.
struct ConsumerGroupLimits: Equatable, Sendable {
    private static let prefix = "group.consumer."
    private static let heartbeat = "heartbeat.interval.ms"
    private static let session = "session.timeout.ms"

    var least = ConsumerGroupTimes()
    var most = ConsumerGroupTimes(heartbeatIntervalMs: 15_000, sessionTimeoutMs: 60_000)

    init() {}

    init(_ config: BrokerConfig) {
        func times(_ bound: String) -> ConsumerGroupTimes {
            ConsumerGroupTimes(
                heartbeatIntervalMs: config.int64("\(Self.prefix)\(bound).\(Self.heartbeat)"),
                sessionTimeoutMs: config.int64("\(Self.prefix)\(bound).\(Self.session)"))
        }
        (least, most) = (times("min"), times("max"))
    }

    /// Why these times may not be, nil when they may.
    /// - Parameter prefix: of the names that they are set by.
    func problem(with times: ConsumerGroupTimes, prefix: String) -> String? {
        problem(prefix + Self.heartbeat, times, \.heartbeatIntervalMs, Self.heartbeat)
            ?? problem(prefix + Self.session, times, \.sessionTimeoutMs, Self.session)
            ?? (times.sessionTimeoutMs > times.heartbeatIntervalMs
                ? nil
                : "\(prefix)\(Self.session) (\(times.sessionTimeoutMs)) must be greater than "
                    + "\(prefix)\(Self.heartbeat) (\(times.heartbeatIntervalMs))")
    }

    private func problem(
        _ name: String, _ times: ConsumerGroupTimes, _ time: KeyPath<ConsumerGroupTimes, Int64>, _ bound: String
    ) -> String? {
        let (value, least, most) = (times[keyPath: time], self.least[keyPath: time], self.most[keyPath: time])
        if value < least {
            return "\(name) (\(value)) must be greater than or equal to \(Self.prefix)min.\(bound) (\(least))"
        }
        if value > most {
            return "\(name) (\(value)) must be less than or equal to \(Self.prefix)max.\(bound) (\(most))"
        }
        return nil
    }

    /// The nearest times to these that may be: limits can have changed since they were set.
    func nearest(to times: ConsumerGroupTimes) -> ConsumerGroupTimes {
        func bounded(_ time: KeyPath<ConsumerGroupTimes, Int64>) -> Int64 {
            max(least[keyPath: time], min(times[keyPath: time], most[keyPath: time]))
        }
        return ConsumerGroupTimes(
            heartbeatIntervalMs: bounded(\.heartbeatIntervalMs), sessionTimeoutMs: bounded(\.sessionTimeoutMs))
    }
}

extension BrokerConfig {
    /// The times of consumer groups that have none of their own.
    var consumerGroupTimes: ConsumerGroupTimes {
        ConsumerGroupTimes(
            heartbeatIntervalMs: int64("group.consumer.heartbeat.interval.ms"),
            sessionTimeoutMs: int64("group.consumer.session.timeout.ms"))
    }

    /// What is said of groups that cannot all be true, each value by itself being allowed.
    var groupContradictions: [String] {
        var problems: [String] = []
        if let problem = ConsumerGroupLimits(self).problem(with: consumerGroupTimes, prefix: "group.consumer.") {
            problems.append(problem)
        }
        let (least, most) = (int64("group.min.session.timeout.ms"), int64("group.max.session.timeout.ms"))
        if least > most {
            problems.append(
                "group.min.session.timeout.ms (\(least)) must be less than or equal to group.max.session.timeout.ms "
                    + "(\(most))")
        }
        if !list("group.coordinator.rebalance.protocols").contains("classic") {
            problems.append("group.coordinator.rebalance.protocols must have classic: it cannot be switched off")
        }
        if list("group.consumer.assignors").isEmpty {
            problems.append("group.consumer.assignors must name an assignor: uniform or range")
        }
        return problems
    }
}

extension ConsumerGroupTimes {
    /// These, or what a group sets instead.
    func overridden(by group: [String: String]) -> ConsumerGroupTimes {
        func value(_ name: String) -> Int64? { group[name].flatMap { Int64($0.trimmedASCII) } }
        return ConsumerGroupTimes(
            heartbeatIntervalMs: value(GroupConfigs.heartbeatIntervalMs) ?? heartbeatIntervalMs,
            sessionTimeoutMs: value(GroupConfigs.sessionTimeoutMs) ?? sessionTimeoutMs)
    }
}
