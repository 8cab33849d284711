extension Command {
    static let producerDescribe = admin(
        "describe", "Shows the producers that partitions know",
        details: [
            """
            --format json prints an object for each: topic, partition, producer, epoch, sequence, last_write (a time
            in UTC), coordinator_epoch and open_from, which are null where no transaction ended or is open.
            """
        ],
        operands: [Operand("TOPIC:N", repeatable: true, required: true)], options: [AdminOptions.format],
        examples: [
            Example("kadmin producer describe orders:0", "idempotent and transactional producers of a partition")
        ]
    ) { run in
        let places = try run.arguments.operands.map { text throws(ToolError) in try TopicPartition(typed: text) }
        let isJSON = AdminOptions.format(run.arguments) == .json
        var table = TextTable(
            (isJSON ? ["topic"] : [])
                + ["partition", "producer", "epoch", "sequence", "last_write", "coordinator_epoch", "open_from"])
        var isFound = false
        for place in places {
            let producers: [ProducerDescription]
            do throws(ClientError) {
                producers = try run.admin.describeProducers(place)
            } catch {
                // The others are shown where it is this one that is not there.
                guard error.errorCode != nil else { throw error }
                run.failed(error.message)
                continue
            }
            isFound = true
            for one in producers {
                let partition: [TextTable.Cell] =
                    isJSON ? [.text(place.topic), .number(Int64(place.partition))] : [.text(place.description)]
                table.add(
                    partition + [
                        .number(one.producerId), .number(Int64(one.epoch)),
                        .number(Int64(one.lastSequence)), .text(Timestamp.iso8601(one.lastTimestampMs)),
                        one.coordinatorEpoch < 0 ? .none : .number(Int64(one.coordinatorEpoch)),
                        one.transactionStartOffset < 0 ? .none : .number(one.transactionStartOffset),
                    ])
            }
        }
        if isFound || AdminOptions.format(run.arguments) != .text { run.print(table) }
    }
}

extension TopicPartition {
    /// - Parameter text: `TOPIC:N`, as somebody typed it.
    init(typed text: String) throws(ToolError) {
        guard let colon = text.lastIndex(of: ":"), colon != text.startIndex,
            let number = Int32(text[text.index(after: colon)...]), number >= 0
        else { throw .usage("\(text): not TOPIC:N") }
        self.init(topic: String(text[..<colon]), partition: number)
    }
}
