/// Prints records of one partition to an output buffer. No allocation for a record.
struct RecordPrinter {
    enum Mode: Sendable, Equatable {
        /// The value and a newline: what most people want, and so without any steps in between.
        case valueLine
        case format(RecordFormat)
        case envelope
    }

    private typealias Buffer = UnsafeRawBufferPointer

    private let mode: Mode
    private let steps: [RecordFormat.Step]
    private let output: OutputBuffer
    private let topic: [UInt8]
    private let partition: Int32
    private let envelopePrefix: [UInt8]

    init(_ mode: Mode, topic: String, partition: Int32, output: OutputBuffer) {
        self.mode = mode
        self.output = output
        self.topic = Array(topic.utf8)
        self.partition = partition
        steps = if case .format(let format) = mode { format.steps } else { [] }
        envelopePrefix = mode == .envelope ? EnvelopeWriter.prefix(topic: topic, partition: partition) : []
    }

    var isValueLine: Bool { mode == .valueLine }

    @inline(__always)
    func printValueLine(_ record: borrowing ConsumedRecord) {
        if let value = record.value { output.append(value) }
        output.append(UInt8(ascii: "\n"))
    }

    func print(_ record: borrowing ConsumedRecord) {
        switch mode {
        case .valueLine: printValueLine(record)
        case .envelope: printEnvelope(record)
        case .format: for step in steps { print(step, record) }
        }
    }

    private func printEnvelope(_ record: borrowing ConsumedRecord) {
        EnvelopeWriter.begin(envelopePrefix, offset: record.offset, timestampMs: record.timestampMs, to: output)
        EnvelopeWriter.keyAndValue(record.key, record.value, to: output)
        var isFirst = true
        record.forEachHeader { name, value in
            EnvelopeWriter.header(name, value, isFirst: isFirst, to: output)
            isFirst = false
        }
        EnvelopeWriter.end(hasHeaders: !isFirst, to: output)
    }

    private func print(_ step: RecordFormat.Step, _ record: borrowing ConsumedRecord) {
        switch step {
        case .literal(let bytes): bytes.withUnsafeBytes { output.append($0) }
        case .value(let encoding): print(record.value, encoding)
        case .key(let encoding): print(record.key, encoding)
        case .valueLength: output.append(record.value?.count ?? -1)
        case .keyLength: output.append(record.key?.count ?? -1)
        case .timestamp: output.append(record.timestampMs)
        case .topic: topic.withUnsafeBytes { output.append($0) }
        case .partition: output.append(partition)
        case .offset: output.append(record.offset)
        case .leaderEpoch: output.append(record.leaderEpoch)
        case .headers:
            var isFirst = true
            record.forEachHeader { name, value in
                if !isFirst { output.append(UInt8(ascii: ",")) }
                isFirst = false
                output.append(name)
                output.append(UInt8(ascii: "="))
                if let value { output.append(value) }
            }
        }
    }

    private func print(_ bytes: UnsafeRawBufferPointer?, _ encoding: RecordFormat.Encoding) {
        guard let bytes else { return }
        switch encoding {
        case .raw: output.append(bytes)
        case .base64: Base64.write(bytes, to: output)
        case .hex: for byte in bytes { Hex.write(byte, to: output) }
        }
    }
}

extension RecordPrinter {
    /// What became of a piece of a partition.
    struct Outcome {
        /// Records that were printed.
        var count: Int64
        /// Where to go on: behind the last one that was printed where the limit or damage cut the piece off, else behind
        /// the piece.
        var next: GroupOffset
        /// Why the rest of the piece could not be read.
        var failure: ClientError?
    }

    /// Prints records of a piece of a partition.
    /// - Parameter limit: how many at most.
    static func print(
        _ fetched: FetchedRecords, _ mode: Mode, to output: OutputBuffer, upTo limit: Int64
    ) -> Outcome {
        let printer = RecordPrinter(mode, topic: fetched.topic, partition: fetched.partition, output: output)
        var count: Int64 = 0
        var last = fetched.startOffset - 1
        do throws(ClientError) {
            if printer.isValueLine {
                try fetched.forEachRecord { record in
                    printer.printValueLine(record)
                    count &+= 1
                    last = record.offset
                    return count < limit
                }
            } else {
                try fetched.forEachRecord { record in
                    printer.print(record)
                    count &+= 1
                    last = record.offset
                    return count < limit
                }
            }
        } catch {
            return Outcome(count: count, next: GroupOffset(last + 1), failure: error)
        }
        return Outcome(count: count, next: count < limit ? fetched.next : GroupOffset(last + 1))
    }
}
