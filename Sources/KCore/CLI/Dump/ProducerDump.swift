/// Prints a `.snapshot`: the producers as they were at an offset.
struct ProducerDump {
    let reader: DumpReader
    let output: OutputBuffer

    func print() throws(ToolError) {
        let contents = try reader.all()
        do throws(ProducerSnapshot.Malformed) {
            for entry in try ProducerSnapshot.entries(contents) { line(entry) }
        } catch {
            throw ToolError("\(reader.path), byte \(error.position): \(error.reason)")
        }
    }

    private func line(_ entry: ProducerSnapshot.Entry) {
        let transaction = entry.transactionFirstOffset
        output.append(
            "producerId: \(entry.producerId) producerEpoch: \(entry.epoch) "
                + "coordinatorEpoch: \(entry.coordinatorEpoch) currentTxnFirstOffset: "
                + (transaction >= 0 ? "OptionalLong[\(transaction)]" : "OptionalLong.empty")
                + " lastTimestamp: \(entry.timestamp) ")
        if entry.lastOffset >= 0 {
            // Sequence numbers are followed by 0 after the largest.
            let first = (Int64(entry.lastSequence) - Int64(entry.offsetDelta)) & Int64(Int32.max)
            output.append(
                "firstSequence: \(first) lastSequence: \(entry.lastSequence) lastOffset: \(entry.lastOffset) "
                    + "offsetDelta: \(entry.offsetDelta) timestamp: \(entry.timestamp)")
        }
        output.append(UInt8(ascii: "\n"))
    }
}
