/// Errors that name the property which they are about.
extension ClientError {
    /// ``refused(_:_:detail:)`` of a producer. The error that says of a transactional one that another has taken over is
    /// mostly about a transaction that somebody else ended: the broker, after `transaction.timeout.ms`. One about a property
    /// names it.
    static func refused(
        _ action: String, _ code: ErrorCode, detail: String? = nil, producer config: ClientConfig
    ) -> ClientError {
        if code == .invalidTransactionTimeout {
            let why =
                "transaction.timeout.ms=\(config.transactionTimeoutMs) is above the broker's transaction.max.timeout.ms; "
                + "lower it"
            return refused(action, code, detail: why)
        }
        guard config.isTransactional, code == .invalidProducerEpoch || code == .producerFenced else {
            return refused(action, code, detail: detail)
        }
        let why =
            "the transaction was open for longer than transaction.timeout.ms=\(config.transactionTimeoutMs), "
            + "was ended by an administrator, or another producer uses the id \(config.transactionalId)"
        return refused(action, code, detail: why)
    }

    static func recordTooLarge(_ topic: String, _ config: ClientConfig) -> ClientError {
        let limit = "max.request.size=\(config.maxRequestBytes)"
        let message = "a record for \(topic) is larger than \(limit); raise it, and the topic's max.message.bytes"
        return ClientError(.broker(.messageTooLarge), message)
    }
}
