internal import Glibc

/// One run of `kproduce`: reads, sends, waits for the fate of every record, reports.
final class ProduceRun {
    private let settings: ProduceSettings
    private let console: Console
    private let producer: Producer
    private let failures: FailureLog
    private var progress: ProgressLine
    private let startNs: Int64
    private var nextReportNs: Int64
    /// Bytes of all inputs, where they are files.
    private var inputBytes: Int64?
    private var readBytes: Int64 = 0
    /// The topic is there, or envelopes will say which.
    private var hasBegun = false
    private let isFinished = Monitor(false)
    /// Nil without a transactional id.
    private let transactions: ProduceTransactions?
    private var isCutOff = false

    /// - Parameter graceMs: how long after a signal what was read may take to be delivered.
    init(_ settings: ProduceSettings, _ client: KafkaClient, _ console: Console, graceMs: Int64 = 3000) {
        self.settings = settings
        self.console = console
        progress = ProgressLine(console, isWanted: !settings.isQuiet)
        startNs = console.clock.monotonicNs
        nextReportNs = startNs
        let failures = FailureLog(isTransactional: client.config.isTransactional)
        self.failures = failures
        producer = Producer(client) { delivery in
            guard let error = delivery.error else { return }
            let (topic, partition) = (delivery.topic, delivery.partition)
            delivery.forEachSerial { _, serial in
                failures.failed(serial: serial, topic: topic, partition: partition, message: error.message)
            }
        }
        transactions =
            client.config.isTransactional
            ? ProduceTransactions(
                producer, failures, settings.commitEvery, console.clock, timeoutMs: client.config.transactionTimeoutMs)
            : nil
        // The brokers may be gone, and delivery.timeout.ms is longer than anybody waits who has pressed ^C.
        console.interruption?.onInterrupt { [producer, isFinished] in
            if isFinished.wait(timeoutMs: graceMs, { $0 ? () : nil }) == nil { producer.abort() }
        }
    }

    func run() throws(ToolError) -> ExitStatus {
        defer { isFinished.update { $0 = true } }
        var stopped: ToolError?
        do throws(ToolError) {
            try readAll()
        } catch {
            // What was read before is delivered all the same.
            stopped = error
        }
        do throws(ClientError) {
            if let transactions { try finish(transactions, mayCommit: stopped == nil && !isInterrupted) }
            try producer.close()
        } catch {
            stopped = stopped ?? ToolError(error)
        }
        // Waits for the loop, which has told all fates then.
        let statistics = producer.statistics
        report(isLast: true)
        summarize(statistics)
        if let signal = console.interruption?.signal {
            // Clean is what left nothing behind.
            return failures.count > 0 || isCutOff ? .failed : .signal(signal)
        }
        if let stopped { throw stopped }
        return failures.count > 0 ? .failed : .done
    }

    private var isInterrupted: Bool { console.interruption?.signal != nil }

    // What was cut short does not count: half of what belongs together is what transactions are there to prevent.
    private func finish(_ transactions: ProduceTransactions, mayCommit: Bool) throws(ClientError) {
        if mayCommit {
            do throws(ClientError) {
                return try transactions.commit()
            } catch {
                try? transactions.abort()
                throw error
            }
        }
        try transactions.abort()
    }

    private func readAll() throws(ToolError) {
        // Whoever takes over a transactional id ends what another producer is at, which must not be for a misspelt name.
        try InputFiles.check(settings.files)
        inputBytes = InputFiles.totalSize(settings.files)
        let sender: any InputSender
        do throws(ClientError) {
            let topic: ProducerTopic? = if settings.isJSON { nil } else { try producer.topic(settings.topic ?? "") }
            try transactions?.start()
            sender =
                switch topic {
                case nil: EnvelopeSender(settings, producer, failures, transactions)
                case let topic? where settings.isWholeInput:
                    WholeInputSender(settings, producer, topic, failures, transactions)
                case let topic?: LineSender(settings, producer, topic, transactions)
                }
        } catch {
            throw ToolError(error)
        }
        hasBegun = true
        for path in settings.files {
            if console.interruption?.signal != nil { return }
            let file = path == "-" ? console.input : try FileText.open(path)
            defer { if path != "-" { close(file) } }
            if path == "-" && Console.isTerminal(file) && !settings.isQuiet {
                console.note("\(console.tool): reading from the terminal, ^D ends")
            }
            let name = path == "-" ? "stdin" : path
            try read(InputBuffer(descriptor: file, name: name, interruption: console.interruption), sender)
        }
    }

    private func read(_ input: InputBuffer, _ sender: any InputSender) throws(ToolError) {
        while true {
            let fill = try input.fill(timeoutMs: transactions?.dueInMs)
            if fill == .interrupted { break }
            readBytes += Int64(input.newCount)
            do throws(ClientError) {
                if fill == .idle {
                    try transactions?.commitIfDue()
                    continue
                }
                try sender.send(input, isLast: fill == .end)
            } catch {
                if error.kind == .interrupted { return noteUnsent() }
                throw ToolError(error)
            }
            if fill == .end { return }
            if progress.isDue || console.clock.monotonicNs >= nextReportNs { report(isLast: false) }
        }
        if !input.unread.isEmpty {
            progress.clear()
            console.warning("interrupted inside a record: its first \(input.unread.count) bytes were not sent")
        }
    }

    // The sender was held back when time was up.
    private func noteUnsent() {
        isCutOff = true
        progress.clear()
        let number = failures.number(of: producer.statistics.acceptedRecords)
        console.failure("interrupted: record \(number) and what was read behind it were not sent")
    }

    // Failures as they become known, at most once a second.
    private func report(isLast: Bool) {
        let now = console.clock.monotonicNs
        if isLast || now >= nextReportNs {
            nextReportNs = now + 1_000_000_000
            let lines = failures.takeLines()
            if !lines.isEmpty { progress.clear() }
            for line in lines { console.failure(line) }
        }
        if isLast { return progress.clear() }
        guard progress.isDue else { return }
        let statistics = producer.statistics
        progress.show(
            ProgressLine.State(
                records: statistics.deliveredRecords, bytes: statistics.acceptedBytes,
                fraction: inputBytes.map { Double(readBytes) / Double(max($0, 1)) }, failures: failures.count))
    }

    private func summarize(_ statistics: ProducerStatistics) {
        guard !settings.isQuiet && (hasBegun || failures.count > 0) else { return }
        let seconds = Double(console.clock.monotonicNs - startNs) / 1e9
        // What brokers took in a transaction is delivered when that is committed.
        let records = transactions?.committedRecords ?? statistics.deliveredRecords
        var done = Quantity.count(records, "record")
        if let transactions { done += " committed, \(Quantity.grouped(transactions.abortedRecords)) aborted" }
        let rate = Int64(Double(records) / max(seconds, 0.001))
        let bytesRate = Int64(Double(statistics.acceptedBytes) / max(seconds, 0.001))
        console.note(
            "\(console.tool): \(done), "
                + "\(ByteSize.text(statistics.acceptedBytes)) in \(Quantity.duration(seconds: seconds)), "
                + "\(Quantity.grouped(rate)) records/s, \(ByteSize.text(bytesRate))/s, "
                + "\(Quantity.grouped(failures.count)) failed")
    }
}
