extension CleanerOptions {
    /// The cleaner's settings of a broker.
    init(_ config: BrokerConfig) {
        self.init()
        func double(_ name: String, _ value: inout Double) {
            if let number = config.text(name).flatMap({ Double($0.trimmedASCII) }) { value = number }
        }
        isEnabled = config.bool("log.cleaner.enable")
        threads = config.int("log.cleaner.threads")
        dedupeBufferBytes = config.int("log.cleaner.dedupe.buffer.size")
        ioBufferBytes = config.int("log.cleaner.io.buffer.size")
        backoffMs = config.int64("log.cleaner.backoff.ms")
        double("log.cleaner.io.buffer.load.factor", &loadFactor)
        double("log.cleaner.io.max.bytes.per.second", &maxBytesPerSecond)
    }
}
