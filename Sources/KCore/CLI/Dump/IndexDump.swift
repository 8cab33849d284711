/// Prints the indexes of a segment, an entry a line.
struct IndexDump {
    let reader: DumpReader
    let output: OutputBuffer
    let baseOffset: Int64

    /// `.index`: relative offset 4, position 4.
    func printOffsets() throws(ToolError) {
        try entries(size: 8) { entry in
            let (offset, position): (Int32, Int32) = (entry.bigEndian(0), entry.bigEndian(4))
            // What is behind the last entry of a preallocated file is zero.
            if offset == 0 && position == 0 { return false }
            output.append("offset: \(baseOffset + Int64(offset)) position: \(position)\n")
            return true
        }
    }

    /// `.timeindex`: timestamp 8, relative offset 4.
    func printTimes() throws(ToolError) {
        try entries(size: 12) { entry in
            let (timestamp, offset): (Int64, Int32) = (entry.bigEndian(0), entry.bigEndian(8))
            if timestamp == 0 && offset == 0 { return false }
            output.append("timestamp: \(timestamp) offset: \(baseOffset + Int64(offset))\n")
            return true
        }
    }

    /// `.txnindex`: version 2, producer id 8, first offset 8, last offset 8, last stable offset 8.
    func printAborted() throws(ToolError) {
        try entries(size: 34) { entry in
            let version: Int16 = entry.bigEndian(0)
            let numbers: [Int64] = (0..<4).map { entry.bigEndian(2 + 8 * $0) }
            output.append(
                "version: \(version) producerId: \(numbers[0]) firstOffset: \(numbers[1]) lastOffset: \(numbers[2]) "
                    + "lastStableOffset: \(numbers[3])\n")
            return true
        }
    }

    private func entries(size: Int, _ print: (UnsafeRawPointer) -> Bool) throws(ToolError) {
        let bytes = try reader.all()
        let isWhole = bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return true }
            for index in 0..<(bytes.count / size) where !print(base + index * size) { return true }
            return bytes.count % size == 0
        }
        guard isWhole else { throw ToolError("\(reader.path): ends inside an entry") }
    }
}

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
