internal import Glibc

/// Turns input into records and sends them.
protocol InputSender {
    /// Takes what is complete from `input`; with `isLast`, everything.
    func send(_ input: InputBuffer, isLast: Bool) throws(ClientError)
}

/// A record between delimiters. The fast path: the client finds the delimiters itself.
struct LineSender: InputSender {
    private let producer: Producer
    private let topic: ProducerTopic
    private let format: LineFormat
    private let lastDelimiterByte: UInt8
    private let transactions: ProduceTransactions?

    init(
        _ settings: ProduceSettings, _ producer: Producer, _ topic: ProducerTopic, _ transactions: ProduceTransactions?
    ) {
        self.producer = producer
        self.transactions = transactions
        self.topic = topic
        format = settings.format
        lastDelimiterByte = format.delimiter.isEmpty ? 10 : format.delimiter[format.delimiter.count - 1]
    }

    func send(_ input: InputBuffer, isLast: Bool) throws(ClientError) {
        // A record of many blocks is not searched from its beginning again with each of them.
        let fresh = UnsafeRawBufferPointer(rebasing: input.unread.suffix(input.newCount))
        guard isLast || hasDelimiterByte(fresh) else { return }
        guard let transactions else {
            return input.consume(try producer.sendLines(input.unread, to: topic, format: format, isLast: isLast))
        }
        var format = format
        while true {
            format.limitRecords = transactions.room
            let used = try producer.sendLines(input.unread, to: topic, format: format, isLast: isLast)
            input.consume(used)
            try transactions.commitIfDue()
            if used == 0 || format.limitRecords == nil { return }
        }
    }

    private func hasDelimiterByte(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return false }
        return memchr(base, Int32(lastDelimiterByte), bytes.count) != nil
    }
}

/// All of the input is one record.
final class WholeInputSender: InputSender {
    private let producer: Producer
    private let topic: ProducerTopic
    private let format: LineFormat
    private let failures: FailureLog
    private let transactions: ProduceTransactions?
    private var nextSerial: Int64 = 0

    init(
        _ settings: ProduceSettings, _ producer: Producer, _ topic: ProducerTopic, _ failures: FailureLog,
        _ transactions: ProduceTransactions?
    ) {
        self.producer = producer
        self.transactions = transactions
        self.topic = topic
        self.failures = failures
        format = settings.format
    }

    func send(_ input: InputBuffer, isLast: Bool) throws(ClientError) {
        guard isLast else { return }
        var value = input.unread
        var key: UnsafeRawBufferPointer?
        if let delimiter = format.keyDelimiter, let position = value.firstRange(of: delimiter) {
            key = UnsafeRawBufferPointer(rebasing: value[..<position])
            value = UnsafeRawBufferPointer(rebasing: value[(position + delimiter.count)...])
        }
        let isNull = value.isEmpty && format.emptyValueIsNull
        if key == nil, let constant = format.key {
            try constant.withUnsafeBytes { key throws(ClientError) in try send(key, isNull ? nil : value) }
        } else {
            try send(key, isNull ? nil : value)
        }
        input.consume(input.unread.count)
        try transactions?.commitIfDue()
    }

    private func send(_ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?) throws(ClientError) {
        do throws(ClientError) {
            nextSerial =
                1
                + (try producer.send(
                    to: topic, partition: format.partition, key: key, value: value, headers: format.headers))
        } catch {
            // A record that can never be sent, such as one that is too large; without transactions the other files go on.
            guard error.errorCode != nil else { throw error }
            failures.skipped(nextSerial: nextSerial, topic: topic.name, message: error.message)
        }
    }
}

/// Every line is an envelope (see ``EnvelopeWriter``).
final class EnvelopeSender: InputSender {
    private let settings: ProduceSettings
    private let producer: Producer
    private let failures: FailureLog
    private let transactions: ProduceTransactions?
    private var reader = EnvelopeReader()
    private var topics: [String: Result<ProducerTopic, ClientError>] = [:]
    private var nextSerial: Int64 = 0
    private let noHeaders = EncodedHeaders()

    init(
        _ settings: ProduceSettings, _ producer: Producer, _ failures: FailureLog, _ transactions: ProduceTransactions?
    ) {
        self.settings = settings
        self.transactions = transactions
        self.producer = producer
        self.failures = failures
    }

    func send(_ input: InputBuffer, isLast: Bool) throws(ClientError) {
        let unread = input.unread
        var position = 0
        let delimiter = settings.format.delimiter
        while position < unread.count {
            let rest = UnsafeRawBufferPointer(rebasing: unread[position...])
            let found = rest.firstRange(of: delimiter)
            guard found != nil || isLast else { break }
            let line = UnsafeRawBufferPointer(rebasing: rest[..<(found ?? rest.count)])
            try send(line)
            try transactions?.commitIfDue()
            position += line.count + (found == nil ? 0 : delimiter.count)
        }
        input.consume(position)
    }

    private func send(_ line: UnsafeRawBufferPointer) throws(ClientError) {
        if line.allSatisfy({ $0 == 0x20 || $0 == 9 || $0 == 13 || $0 == 10 }) {
            return failures.skipped(nextSerial: nextSerial, topic: "", message: nil)
        }
        do {
            try reader.read(line) { envelope in try send(envelope) }
        } catch let problem as JSONCursor.Problem {
            let message = "not an envelope: \(problem.message), at byte \(problem.position + 1)"
            failures.skipped(nextSerial: nextSerial, topic: "", message: message)
        } catch let error as ClientError {
            throw error
        } catch {
            failures.skipped(nextSerial: nextSerial, topic: "", message: "\(error)")
        }
    }

    private func send(_ envelope: borrowing EnvelopeReader.Envelope) throws(ClientError) {
        guard let name = settings.topic ?? envelope.topic else {
            return failures.skipped(
                nextSerial: nextSerial, topic: "", message: "the envelope names no topic, and there is no -t")
        }
        switch topic(name) {
        case .failure(let error):
            if error.kind == .interrupted || error.kind == .closed { throw error }
            failures.skipped(nextSerial: nextSerial, topic: name, message: error.message)
        case .success(let topic):
            let isNull = settings.format.emptyValueIsNull && envelope.value?.isEmpty == true
            let partition = settings.usesEnvelopePartition ? envelope.partition : settings.format.partition
            if let partition, partition >= topic.partitionCount {
                let message =
                    "there is no partition \(partition), the topic has \(topic.partitionCount); "
                    + "--partitioner murmur2 chooses by the key"
                return failures.skipped(nextSerial: nextSerial, topic: name, message: message)
            }
            do throws(ClientError) {
                nextSerial =
                    1
                    + (try producer.send(
                        to: topic, partition: partition, key: envelope.key, value: isNull ? nil : envelope.value,
                        headers: envelope.headers.isEmpty ? noHeaders : EncodedHeaders(envelope.headers),
                        timestampMs: envelope.timestampMs))
            } catch {
                // A record that can never be sent; without transactions the others go on.
                guard error.errorCode != nil else { throw error }
                failures.skipped(nextSerial: nextSerial, topic: name, message: error.message)
            }
        }
    }

    // A topic that is not there is asked for once, not for every record.
    private func topic(_ name: String) -> Result<ProducerTopic, ClientError> {
        if let known = topics[name] { return known }
        let result: Result<ProducerTopic, ClientError>
        do throws(ClientError) {
            result = .success(try producer.topic(name))
        } catch {
            result = .failure(error)
        }
        topics[name] = result
        return result
    }
}
