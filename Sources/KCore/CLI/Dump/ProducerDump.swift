/// Prints a `.snapshot`: the producers as they were at an offset.
struct ProducerDump {
    let reader: DumpReader
    let output: OutputBuffer

    func print() throws(ToolError) {
        let bytes = try reader.all()
        let isGood = bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, bytes.count >= 10, base.bigEndian(0, as: Int16.self) == 1 else {
                return false
            }
            let count = Int(base.bigEndian(6, as: Int32.self))
            let rest = UnsafeRawBufferPointer(rebasing: bytes[6...])
            guard count >= 0, bytes.count == 10 + count * 46,
                CRC32C.checksum(rest) == base.bigEndian(2, as: UInt32.self)
            else { return false }
            for index in 0..<count { line(base + 10 + index * 46) }
            return true
        }
        guard isGood else { throw ToolError("\(reader.path): not a snapshot of producers, or a damaged one") }
    }

    // Producer id 8, epoch 2, last sequence 4, last offset 8, offset delta 4, timestamp 8, coordinator epoch 4, first
    // offset of the open transaction 8.
    private func line(_ entry: UnsafeRawPointer) {
        let transaction: Int64 = entry.bigEndian(38)
        let (lastSequence, delta): (Int32, Int32) = (entry.bigEndian(10), entry.bigEndian(22))
        let (lastOffset, timestamp): (Int64, Int64) = (entry.bigEndian(14), entry.bigEndian(26))
        output.append(
            "producerId: \(entry.bigEndian(0, as: Int64.self)) producerEpoch: \(entry.bigEndian(8, as: Int16.self)) "
                + "coordinatorEpoch: \(entry.bigEndian(34, as: Int32.self)) currentTxnFirstOffset: "
                + (transaction >= 0 ? "OptionalLong[\(transaction)]" : "OptionalLong.empty")
                + " lastTimestamp: \(timestamp) ")
        if lastOffset >= 0 {
            // Sequence numbers are followed by 0 after the largest.
            let first = (Int64(lastSequence) - Int64(delta)) & Int64(Int32.max)
            output.append(
                "firstSequence: \(first) lastSequence: \(lastSequence) lastOffset: \(lastOffset) "
                    + "offsetDelta: \(delta) timestamp: \(timestamp)")
        }
        output.append(UInt8(ascii: "\n"))
    }
}
