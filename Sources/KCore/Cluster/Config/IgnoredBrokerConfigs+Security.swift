extension IgnoredBrokerConfigs {
    /// Those of authentication, encryption and authorization.
    static let security: [ConfigDefinition] = [
        .boolean(
            "allow.everyone.if.no.acl.found", false, "Whether the authorizer lets everybody at what no ACL speaks of."),
        .string("authorizer.class.name", "", "Class that decides what a principal may do; empty for no authorization."),
        .int(
            "connection.failed.authentication.delay.ms", 100, .atLeast(0),
            "How long the close of a connection that failed to authenticate is put off."),
        .long(
            "connections.max.reauth.ms", 0,
            "Longest time that a client may go without authenticating again; 0 for ever."),
        .long(
            "delegation.token.expiry.check.interval.ms", 3_600_000, .atLeast(1),
            "How often expired delegation tokens are removed."),
        .long(
            "delegation.token.expiry.time.ms", 86_400_000, .atLeast(1),
            "How long a delegation token is valid unless renewed."),
        .password("delegation.token.master.key", nil, "Older name of delegation.token.secret.key."),
        .long(
            "delegation.token.max.lifetime.ms", 604_800_000, .atLeast(1),
            "How long a delegation token can be renewed."),
        .password("delegation.token.secret.key", nil, "Secret that delegation tokens are signed with."),
        .string("password.encoder.cipher.algorithm", "AES/CBC/PKCS5Padding", "Cipher for passwords kept in ZooKeeper."),
        .int(
            "password.encoder.iterations", 4096, .atLeast(1024),
            "Iterations for the key of passwords kept in ZooKeeper."),
        .int("password.encoder.key.length", 128, .atLeast(8), "Key length for passwords kept in ZooKeeper."),
        .string("password.encoder.keyfactory.algorithm", nil, "Key factory for passwords kept in ZooKeeper."),
        .password(
            "password.encoder.old.secret", nil,
            "Secret that passwords kept in ZooKeeper were encoded with before."),
        .password("password.encoder.secret", nil, "Secret that passwords kept in ZooKeeper are encoded with."),
        .`class`(
            "principal.builder.class",
            "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder",
            "Class that makes a principal of a connection."),
        .`class`(
            "sasl.client.callback.handler.class", nil,
            "Class that supplies credentials to the client side of SASL."),
        .list("sasl.enabled.mechanisms", "GSSAPI", "SASL mechanisms that clients may use."),
        .password("sasl.jaas.config", nil, "Login module and its options for SASL."),
        .string("sasl.kerberos.kinit.cmd", "/usr/bin/kinit", "Path of Kerberos' kinit."),
        .long("sasl.kerberos.min.time.before.relogin", 60000, "Time between Kerberos logins."),
        .list(
            "sasl.kerberos.principal.to.local.rules", "DEFAULT",
            "Rules that make short names of Kerberos principals."),
        .string("sasl.kerberos.service.name", nil, "Kerberos principal that the broker runs as."),
        .double("sasl.kerberos.ticket.renew.jitter", 0.05, "Random share added to the time of a ticket's renewal."),
        .double("sasl.kerberos.ticket.renew.window.factor", 0.8, "Share of a ticket's life after which it is renewed."),
        .`class`("sasl.login.callback.handler.class", nil, "Class that supplies credentials to a SASL login."),
        .`class`("sasl.login.class", nil, "Class that carries out a SASL login."),
        .int("sasl.login.connect.timeout.ms", nil, "How long a connection to an identity provider may take."),
        .int("sasl.login.read.timeout.ms", nil, "How long an answer of an identity provider may take."),
        .short("sasl.login.refresh.buffer.seconds", 300, "Seconds before the end of a token in which it is renewed."),
        .short("sasl.login.refresh.min.period.seconds", 60, "Shortest time between renewals of a token."),
        .double("sasl.login.refresh.window.factor", 0.8, "Share of a token's life after which it is renewed."),
        .double("sasl.login.refresh.window.jitter", 0.05, "Random share added to the time of a token's renewal."),
        .long("sasl.login.retry.backoff.max.ms", 10000, "Longest wait between attempts to log in."),
        .long("sasl.login.retry.backoff.ms", 100, "First wait between attempts to log in."),
        .string("sasl.mechanism.controller.protocol", "GSSAPI", "SASL mechanism towards controllers."),
        .string("sasl.mechanism.inter.broker.protocol", "GSSAPI", "SASL mechanism among brokers."),
        .int("sasl.oauthbearer.clock.skew.seconds", 30, "Difference of clocks allowed when a token is checked."),
        .list("sasl.oauthbearer.expected.audience", nil, "Audiences that a token may be for."),
        .string("sasl.oauthbearer.expected.issuer", nil, "Who must have issued a token."),
        .boolean(
            "sasl.oauthbearer.header.urlencode", false,
            "Whether credentials are URL-encoded in the request for a token."),
        .long(
            "sasl.oauthbearer.jwks.endpoint.refresh.ms", 3_600_000,
            "How often the keys of the identity provider are read again."),
        .long(
            "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", 10000,
            "Longest wait between attempts to read keys."),
        .long("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", 100, "First wait between attempts to read keys."),
        .string("sasl.oauthbearer.jwks.endpoint.url", nil, "Where the identity provider's keys are."),
        .string("sasl.oauthbearer.scope.claim.name", "scope", "The token's claim with the scope."),
        .string("sasl.oauthbearer.sub.claim.name", "sub", "The token's claim with the subject."),
        .string("sasl.oauthbearer.token.endpoint.url", nil, "Where tokens are asked for."),
        .`class`(
            "sasl.server.callback.handler.class", nil,
            "Class that checks credentials on the server side of SASL."),
        .int("sasl.server.max.receive.size", 524_288, "Largest request before authentication is done."),
        .string(
            "security.inter.broker.protocol",
            "PLAINTEXT", .oneOf(["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]),
            "Security protocol among brokers."),
        .string("security.providers", nil, "Classes of further security providers."),
        .boolean("ssl.allow.dn.changes", false, "Whether a certificate's name may change when it is replaced."),
        .boolean(
            "ssl.allow.san.changes", false,
            "Whether a certificate's alternative names may change when it is replaced."),
        .list("ssl.cipher.suites", "", "TLS cipher suites that are allowed."),
        .string(
            "ssl.client.auth", "none", .oneOf(["required", "requested", "none"]),
            "Whether clients must show a certificate."),
        .list("ssl.enabled.protocols", "TLSv1.2", "TLS versions that are allowed."),
        .string(
            "ssl.endpoint.identification.algorithm", "https",
            "How a server's name is checked against its certificate."),
        .`class`("ssl.engine.factory.class", nil, "Class that makes TLS engines."),
        .password("ssl.key.password", nil, "Password of the private key."),
        .string("ssl.keymanager.algorithm", "SunX509", "Algorithm of the key manager."),
        .password("ssl.keystore.certificate.chain", nil, "Certificate chain as PEM text."),
        .password("ssl.keystore.key", nil, "Private key as PEM text."),
        .string("ssl.keystore.location", nil, "File with key and certificate."),
        .password("ssl.keystore.password", nil, "Password of the key store."),
        .string("ssl.keystore.type", "JKS", "Format of the key store."),
        .string("ssl.principal.mapping.rules", "DEFAULT", "Rules that make short names of certificates' names."),
        .string("ssl.protocol", "TLSv1.2", "TLS version that is used by default."),
        .string("ssl.provider", nil, "Security provider for TLS."),
        .string("ssl.secure.random.implementation", nil, "Random generator for TLS."),
        .string("ssl.trustmanager.algorithm", "PKIX", "Algorithm of the trust manager."),
        .password("ssl.truststore.certificates", nil, "Trusted certificates as PEM text."),
        .string("ssl.truststore.location", nil, "File with trusted certificates."),
        .password("ssl.truststore.password", nil, "Password of the trust store."),
        .string("ssl.truststore.type", "JKS", "Format of the trust store."),
        .string("super.users", "", "Principals that the authorizer lets do everything, separated by semicolons."),
    ]
}
