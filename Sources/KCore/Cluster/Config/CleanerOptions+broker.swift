extension CleanerOptions {
    /// The cleaner's settings of a broker, those of its file and those that were set while it ran.
    init(_ resolver: ConfigResolver) {
        self.init()
        func text(_ name: String) -> String { resolver.brokerValue(name)?.trimmedASCII ?? "" }
        func double(_ name: String, _ value: inout Double) {
            if let number = Double(text(name)) { value = number }
        }
        func int(_ name: String, _ value: inout Int) {
            if let number = Int(text(name)) { value = number }
        }
        isEnabled = resolver.broker.bool("log.cleaner.enable")
        int("log.cleaner.threads", &threads)
        int("log.cleaner.dedupe.buffer.size", &dedupeBufferBytes)
        int("log.cleaner.io.buffer.size", &ioBufferBytes)
        if let number = Int64(text("log.cleaner.backoff.ms")) { backoffMs = number }
        double("log.cleaner.io.buffer.load.factor", &loadFactor)
        double("log.cleaner.io.max.bytes.per.second", &maxBytesPerSecond)
    }
}
