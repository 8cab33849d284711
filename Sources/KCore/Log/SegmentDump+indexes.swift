extension SegmentDump {
    func dumpOffsetIndex(_ file: any DiskFile, _ size: Int64, _ baseOffset: Int64) throws(LogFault) -> Bool {
        var last: Int64 = baseOffset - 1
        var isSound = size % Int64(OffsetIndex.entrySize) == 0
        try forEachEntry(file, size, OffsetIndex.entrySize) { (entry, index) in
            let offset = baseOffset &+ Int64(entry.bigEndian(0, as: Int32.self))
            let position: Int32 = entry.bigEndian(4)
            // The file of the segment that is written has room behind its entries.
            if index > 0 && position == 0 && offset == baseOffset { return false }
            print("offset: \(offset) position: \(position)")
            if offset <= last {
                print("the offset does not follow \(last)")
                isSound = false
            }
            last = offset
            return true
        }
        return isSound
    }

    func dumpTimeIndex(_ file: any DiskFile, _ size: Int64, _ baseOffset: Int64) throws(LogFault) -> Bool {
        var last = TimeIndex.Entry(timestamp: -1, offset: baseOffset)
        var isSound = size % Int64(TimeIndex.entrySize) == 0
        try forEachEntry(file, size, TimeIndex.entrySize) { (bytes, index) in
            let entry = TimeIndex.Entry(
                timestamp: bytes.bigEndian(0), offset: baseOffset &+ Int64(bytes.bigEndian(8, as: Int32.self)))
            if index > 0 && entry.timestamp == 0 && entry.offset == baseOffset { return false }
            print("timestamp: \(entry.timestamp) offset: \(entry.offset)")
            if entry.timestamp < last.timestamp || entry.offset < last.offset {
                print("the entry does not follow timestamp \(last.timestamp), offset \(last.offset)")
                isSound = false
            }
            last = entry
            return true
        }
        return isSound
    }

    /// version 2, producer id 8, first offset 8, last offset 8, last stable offset 8.
    func dumpTransactionIndex(_ file: any DiskFile, _ size: Int64) throws(LogFault) -> Bool {
        let entrySize = 34
        try forEachEntry(file, size, entrySize) { (entry, _) in
            print(
                "version: \(entry.bigEndian(0, as: Int16.self)) producerId: \(entry.bigEndian(2, as: Int64.self))"
                    + " firstOffset: \(entry.bigEndian(10, as: Int64.self))"
                    + " lastOffset: \(entry.bigEndian(18, as: Int64.self))"
                    + " lastStableOffset: \(entry.bigEndian(26, as: Int64.self))")
            return true
        }
        return size % Int64(entrySize) == 0
    }

    func dumpSnapshot(_ file: any DiskFile, _ size: Int64, _ baseOffset: Int64) throws(LogFault) -> Bool {
        let contents = try onDisk { () throws(DiskError) in try file.readBytes(at: 0, count: Int(min(size, 64 << 20))) }
        guard let producers = ProducerSnapshot.read(contents, endOffset: baseOffset) else {
            print("the snapshot is damaged")
            return false
        }
        for (id, state) in producers.states.sorted(by: { $0.key < $1.key }) {
            let first = state.transactionFirstOffset.map { "Some(\($0))" } ?? "None"
            let last = state.batches.last
            print(
                "producerId: \(id) producerEpoch: \(state.epoch) coordinatorEpoch: \(state.coordinatorEpoch)"
                    + " currentTxnFirstOffset: \(first) lastTimestamp: \(state.lastTimestamp)"
                    + " firstSequence: \(last?.firstSequence ?? -1) lastSequence: \(state.lastSequence)"
                    + " lastOffset: \(last?.lastOffset ?? -1) offsetDelta: \(last?.offsetDelta ?? 0)"
                    + " timestamp: \(last?.timestamp ?? -1)")
        }
        return true
    }

    private func forEachEntry(
        _ file: any DiskFile, _ size: Int64, _ entrySize: Int, _ body: (UnsafeRawPointer, _ index: Int) -> Bool
    ) throws(LogFault) {
        let count = Int(size) / entrySize
        let portion = 4096
        var index = 0
        while index < count {
            let wanted = min(portion, count - index)
            let at = Int64(index * entrySize)
            let bytes = try onDisk { () throws(DiskError) in try file.readBytes(at: at, count: wanted * entrySize) }
            let goesOn = bytes.withUnsafeBytes { bytes -> Bool in
                guard let base = bytes.baseAddress else { return false }
                for entry in 0..<bytes.count / entrySize where !body(base + entry * entrySize, index + entry) {
                    return false
                }
                return true
            }
            if !goesOn || bytes.count < wanted * entrySize { return }
            index += wanted
        }
    }
}
