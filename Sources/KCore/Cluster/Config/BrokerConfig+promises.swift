extension BrokerConfig {
    /// What the file counts on and this broker does not do, so that to start all the same would be worse than not to: each
    /// a sentence that says what to remove.
    ///
    /// Where clients are kept out, everybody would be let in. Where the node is one of several, a second cluster would be
    /// there beside the first, empty, and clients would write to it.
    var brokenPromises: [String] { accessProblems + membershipProblems }

    private var accessProblems: [String] {
        guard let name = text("authorizer.class.name"), !name.trimmedASCII.isEmpty else { return [] }
        return ["authorizer.class.name: there is no access control yet; remove it to let everybody do everything"]
    }

    private var membershipProblems: [String] {
        var problems: [String] = []
        if let servers = text("zookeeper.connect"), !servers.trimmedASCII.isEmpty {
            problems.append(
                "zookeeper.connect: this broker does not take part in a cluster of ZooKeeper's; "
                    + "remove it for a cluster of this broker alone")
        }
        let roles = list("process.roles")
        if !roles.isEmpty && Set(roles) != ["broker", "controller"] {
            problems.append(
                "process.roles=\(roles.joined(separator: ",")) is a node of a cluster of several, which is not there yet; "
                    + "remove it, or set broker,controller, for a cluster of this broker alone")
        }
        return problems + quorumProblem("controller.quorum.voters", ours: isOurs(voter:))
            + quorumProblem("controller.quorum.bootstrap.servers", ours: isOurs(controller:))
    }

    private func quorumProblem(_ name: String, ours: (String) -> Bool) -> [String] {
        let others = list(name).filter { !ours($0) }
        guard !others.isEmpty else { return [] }
        return [
            "\(name): \(others.joined(separator: ", ")) is not this node, and a cluster of several is not there yet; "
                + "remove it for a cluster of this broker alone"
        ]
    }

    // `id@host:port`; Kafka wants node.id beside it.
    private func isOurs(voter: String) -> Bool {
        let id = Int64(voter.prefix { $0 != "@" })
        return id != nil && id == int64("node.id")
    }

    // By the places where the node's own controller listens, or says that it does. One that listens at all addresses may
    // have any name.
    private func isOurs(controller: String) -> Bool {
        let names = Set(list("controller.listener.names").map { $0.uppercased() })
        let (host, port) = Self.hostAndPort(controller[...])
        func places(_ property: String) -> [(host: String, port: String)] {
            list(property).compactMap { endpoint in
                let name = endpoint.prefix { $0 != ":" }
                guard names.contains(name.uppercased()) else { return nil }
                return Self.hostAndPort(endpoint[name.endIndex...].dropFirst("://".count))
            }
        }
        let local = ["localhost", "127.0.0.1", "::1"]
        let anywhere = ["", "0.0.0.0", "::"]
        let isAlone = list("controller.quorum.bootstrap.servers").count == 1
        if places("advertised.listeners").contains(where: { $0 == (host, port) }) { return true }
        return places("listeners").contains {
            guard $0.port == port else { return false }
            return $0.host == host || local.contains($0.host) && local.contains(host)
                || (anywhere.contains($0.host) && (isAlone || local.contains(host)))
        }
    }

    private static func hostAndPort(_ text: Substring) -> (host: String, port: String) {
        guard let colon = text.lastIndex(of: ":") else { return (text.lowercased(), "") }
        var host = text[..<colon]
        if host.hasPrefix("[") && host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return (host.lowercased(), String(text[text.index(after: colon)...]))
    }
}
