extension IgnoredBrokerConfigs {
    /// Those of controllers and of ZooKeeper.
    static let metadata: [ConfigDefinition] = [
        .`class`("alter.config.policy.class.name", nil, "Class that may refuse changes of configuration."),
        .boolean("auto.leader.rebalance.enable", true, "Whether leadership goes back to preferred replicas by itself."),
        .int("broker.heartbeat.interval.ms", 2000, "Time between heartbeats of a broker to the controller."),
        .boolean("broker.id.generation.enable", true, "Whether a broker without an id gets one made up."),
        .int("broker.session.timeout.ms", 9000, "How long a broker may be silent before the controller fences it."),
        .string("control.plane.listener.name", nil, "Listener for requests of the ZooKeeper-based controller."),
        .boolean("controlled.shutdown.enable", true, "Whether leadership is handed over before a broker stops."),
        .int("controlled.shutdown.max.retries", 3, "How often a controlled shutdown is tried again."),
        .long("controlled.shutdown.retry.backoff.ms", 5000, "Time between attempts at a controlled shutdown."),
        .string("controller.listener.names", nil, "Names of the listeners that the controller uses."),
        .long(
            "controller.performance.always.log.threshold.ms", 2000, .atLeast(0),
            "Duration from which a controller's operation is always logged."),
        .long(
            "controller.performance.sample.period.ms", 60000, .atLeast(1),
            "How often the controller logs how it performs."),
        .int(
            "controller.quorum.append.linger.ms", 25,
            "How long the quorum's leader gathers records before it writes them."),
        .list("controller.quorum.bootstrap.servers", "", "Where the quorum of controllers is first looked for."),
        .int("controller.quorum.election.backoff.max.ms", 1000, "Longest random wait between elections of the quorum."),
        .int("controller.quorum.election.timeout.ms", 1000, "How long a candidate waits for votes."),
        .int(
            "controller.quorum.fetch.timeout.ms", 2000,
            "How long a voter goes without hearing from the leader before it stands for election."),
        .int("controller.quorum.request.timeout.ms", 2000, "How long a request between controllers may take."),
        .int("controller.quorum.retry.backoff.ms", 20, "Wait before a request between controllers is sent again."),
        .list("controller.quorum.voters", "", "The voters of the quorum as id@host:port."),
        .int("controller.quota.window.num", 11, .atLeast(1), "Samples kept for the quota of changes of metadata."),
        .int(
            "controller.quota.window.size.seconds", 1, .atLeast(1),
            "Length of a sample for the quota of changes of metadata."),
        .int("controller.socket.timeout.ms", 30000, "Socket timeout of the ZooKeeper-based controller."),
        .`class`("create.topic.policy.class.name", nil, "Class that may refuse the creation of topics."),
        .string("early.start.listeners", nil, "Listeners that start before the authorizer is ready."),
        .boolean("eligible.leader.replicas.enable", false, "Whether eligible leader replicas are kept (KIP-966)."),
        .int(
            "initial.broker.registration.timeout.ms", 60000,
            "How long a starting broker tries to register before it gives up."),
        .string("inter.broker.listener.name", nil, "Listener that brokers use among themselves."),
        .string(
            "inter.broker.protocol.version", "3.9-IV0",
            "Protocol version among brokers; the metadata version took its place."),
        .long(
            "leader.imbalance.check.interval.seconds", 300, .atLeast(1),
            "How often the imbalance of leaders is looked at."),
        .int("leader.imbalance.per.broker.percentage", 10, "Imbalance of leaders, in percent, that is put up with."),
        .long("metadata.log.segment.ms", 604_800_000, "Age at which the metadata log begins a new segment."),
        .int(
            "metadata.max.idle.interval.ms", 500, .atLeast(0),
            "How often the controller writes a record when nothing happens."),
        .list(
            "process.roles", "", .listOf(["broker", "controller"]),
            "Whether a node is a broker, a controller or both."),
        .int("reserved.broker.max.id", 1000, .atLeast(0), "Largest broker id that is not made up."),
        .boolean("unstable.api.versions.enable", false, "Whether versions of APIs that are not final are offered."),
        .boolean("unstable.feature.versions.enable", false, "Whether feature levels that are not final are offered."),
        .string("zookeeper.clientCnxnSocket", nil, "Socket class of the ZooKeeper client."),
        .string("zookeeper.connect", nil, "Addresses of ZooKeeper."),
        .int("zookeeper.connection.timeout.ms", nil, "How long a connection to ZooKeeper may take."),
        .int("zookeeper.max.in.flight.requests", 10, .atLeast(1), "Requests to ZooKeeper that are unanswered at once."),
        .boolean("zookeeper.metadata.migration.enable", false, "Whether metadata moves from ZooKeeper to the quorum."),
        .int("zookeeper.session.timeout.ms", 18000, "Session timeout of ZooKeeper."),
        .boolean("zookeeper.set.acl", false, "Whether ZooKeeper's access lists are set."),
        .list("zookeeper.ssl.cipher.suites", nil, "TLS cipher suites towards ZooKeeper."),
        .boolean("zookeeper.ssl.client.enable", false, "Whether TLS is used towards ZooKeeper."),
        .boolean("zookeeper.ssl.crl.enable", false, "Whether revocation lists are used towards ZooKeeper."),
        .list("zookeeper.ssl.enabled.protocols", nil, "TLS versions towards ZooKeeper."),
        .string(
            "zookeeper.ssl.endpoint.identification.algorithm", "HTTPS",
            "Whether ZooKeeper's name is checked against its certificate."),
        .string("zookeeper.ssl.keystore.location", nil, "File with key and certificate towards ZooKeeper."),
        .password("zookeeper.ssl.keystore.password", nil, "Password of the key store towards ZooKeeper."),
        .string("zookeeper.ssl.keystore.type", nil, "Format of the key store towards ZooKeeper."),
        .boolean("zookeeper.ssl.ocsp.enable", false, "Whether certificate status is asked for towards ZooKeeper."),
        .string("zookeeper.ssl.protocol", "TLSv1.2", "TLS version towards ZooKeeper."),
        .string("zookeeper.ssl.truststore.location", nil, "File with certificates trusted towards ZooKeeper."),
        .password("zookeeper.ssl.truststore.password", nil, "Password of the trust store towards ZooKeeper."),
        .string("zookeeper.ssl.truststore.type", nil, "Format of the trust store towards ZooKeeper."),
    ]
}
