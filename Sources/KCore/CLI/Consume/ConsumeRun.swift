internal import Glibc

/// One run of `kconsume`: finds out what to read, reads it, prints it.
final class ConsumeRun {
    private let settings: ConsumeSettings
    private let client: KafkaClient
    private let console: Console
    private let output: OutputBuffer
    private var progress: ProgressLine
    private var records: Int64 = 0
    private let startNs: Int64

    init(_ settings: ConsumeSettings, _ client: KafkaClient, _ console: Console) {
        self.settings = settings
        self.client = client
        self.console = console
        output = OutputBuffer(descriptor: console.output)
        // Records on the terminal are progress enough.
        progress = ProgressLine(console, isWanted: !settings.isQuiet && !Console.isTerminal(console.output))
        startNs = console.clock.monotonicNs
    }

    func run() throws(ToolError) -> ExitStatus {
        var stopped: ToolError?
        do throws(ClientError) {
            stopped = try consume()
        } catch {
            if error.kind != .interrupted { stopped = ToolError(error) }
        }
        output.flush()
        progress.clear()
        if settings.isVerbose { summarize() }
        if let failure = output.failure, !output.isClosedByReader {
            stopped = ToolError("cannot write to stdout: \(systemMessage(failure))")
        }
        if let stopped { throw stopped }
        if let signal = console.interruption?.signal, !output.isClosedByReader { return .signal(signal) }
        return .done
    }

    private func consume() throws(ClientError) -> ToolError? {
        let finder = PartitionFinder(settings, client, console)
        let assignments: [Consumer.Assignment]
        do throws(ToolError) {
            assignments = try finder.first()
        } catch {
            return error
        }
        if settings.maxRecords == 0 { return nil }
        // An offset that is not there is said, not passed over: records would be missing without a word.
        let consumer = Consumer(client, resetUnlessSet: .fail)
        defer { consumer.close() }
        console.interruption?.onInterrupt { consumer.interrupt() }
        try consumer.assign(assignments)
        while true {
            let later = try finder.later()
            do throws(ClientError) {
                if !later.isEmpty { try consumer.add(later) }
            } catch {
                guard error.isRetriable else { throw error }
                finder.putBack(later)
            }
            // What is there already is printed before anything is written; what has to be waited for is not waited
            // for with output in hand.
            var next = try consumer.poll(timeoutMs: 0)
            if case .timeout = next {
                output.flush()
                if output.isGivenUp { return nil }
                if progress.isDue { showProgress(consumer) }
                next = try consumer.poll(timeoutMs: 250)
            }
            switch next {
            case .timeout: continue
            case .finished: if try finder.isFinished() { return nil }
            case .interrupted: return nil
            case .madeAnew(let partitions):
                if !settings.isQuiet { console.warning(ConsumeAssignment.madeAnew(partitions)) }
            case .waits(let partition, let code):
                if !settings.isQuiet { console.warning(ConsumeAssignment.waits(partition, code)) }
            case .records(let fetched):
                try print(fetched)
                if output.failure != nil { return nil }
                if let limit = settings.maxRecords, records >= limit { return nil }
                if progress.isDue { showProgress(consumer) }
            }
        }
    }

    private func print(_ fetched: FetchedRecords) throws(ClientError) {
        let left = settings.maxRecords.map { $0 - records } ?? .max
        let printed = RecordPrinter.print(fetched, settings.printing, to: output, upTo: left)
        records += printed.count
        if let failure = printed.failure { throw failure }
    }

    private func showProgress(_ consumer: Consumer) {
        progress.show(
            ProgressLine.State(
                records: records, bytes: output.total, fraction: ConsumeAssignment.fractionRead(consumer.positions)))
    }

    private func summarize() {
        let seconds = Double(console.clock.monotonicNs - startNs) / 1e9
        console.note(
            "\(console.tool): \(Quantity.count(records, "record")), \(ByteSize.text(output.total)) in "
                + "\(Quantity.duration(seconds: seconds)), "
                + "\(Quantity.grouped(Int64(Double(records) / max(seconds, 0.001)))) records/s")
    }
}
