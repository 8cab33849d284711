internal import Synchronization

extension Log {
    /// Reads the batch headers from `start` to `end`, and the markers that end transactions, into the states of their
    /// producers.
    /// - Parameter reindexFrom: segments that begin there or behind get their transaction indexes anew.
    static func replay(
        _ segments: [LogSegment], from start: Int64, to end: Int64, into producers: inout ProducerStates,
        reindexFrom: Int64 = .max
    ) throws(LogFault) {
        defer { producers.mapEndOffset = end }
        if reindexFrom != .max {
            for segment in segments where segment.baseOffset >= reindexFrom {
                try onDisk { () throws(DiskError) in try segment.files.transactionIndex.file.truncate(toCount: 0) }
            }
        }
        guard start < end else { return }
        // In front of the first segment there is nothing left to read.
        for segment in segments[(segmentIndex(segments, for: start) ?? 0)...] where segment.baseOffset < end {
            let aborted = try replay(segment, from: start, to: .max, into: &producers)
            guard segment.baseOffset >= reindexFrom, !aborted.isEmpty else { continue }
            try onDisk { () throws(DiskError) in
                for entry in aborted { try segment.append(entry) }
                try segment.files.transactionIndex.file.write()
            }
        }
    }

    /// - Returns: the transactions whose aborts are in the segment, between the two offsets.
    static func replay(
        _ segment: LogSegment, from start: Int64, to end: Int64, into producers: inout ProducerStates
    ) throws(LogFault) -> [AbortedTransaction] {
        let size = segment.size
        guard let first = try segment.firstBatch(endingAtOrAfter: start, end: size) else { return [] }
        let file = try segment.file()
        return try segment.scan(file, from: first.position, to: size, windowBytes: 8192) {
            (scanner) throws(LogFault) in
            var aborted: [AbortedTransaction] = []
            while let batch = try scanner.next(), batch.baseOffset < end {
                guard let header = batch.header else { continue }
                let marker = try header.isControl && header.hasProducerId ? readMarker(batch, file) : nil
                let ended = producers.apply(header, marker: marker, timeMs: header.maxTimestamp)
                if let ended, let entry = producers.indexEntry(of: ended) { aborted.append(entry) }
            }
            return aborted
        }
    }

    /// What a control batch can take; markers have some hundred bytes.
    private static let maxMarkerBytes = 1 << 16

    /// - Returns: nil for what is no marker, or cannot be read as one.
    static func readMarker(_ batch: StoredBatch, _ file: any DiskFile) throws(LogFault) -> EndTransactionMarker? {
        guard batch.size <= maxMarkerBytes else { return nil }
        let bytes = try onDisk { () throws(DiskError) in try file.readBytes(at: batch.position, count: batch.size) }
        return try? EndTransactionMarker(batch: bytes)
    }
}
