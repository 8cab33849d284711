extension PartitionCheck {
    /// Compares a snapshot of producers with the segments in front of it.
    /// - Parameter history: of these segments; nil to look at the snapshot alone.
    mutating func compare(_ disk: any Disk, snapshot offset: Int64, _ history: PartitionHistory?) {
        let name = SegmentFileKind.producerSnapshot.fileName(baseOffset: offset)
        do {
            guard let contents = try disk.readFile("\(path)/\(name)") else { return }
            let states = try ProducerSnapshot.entries(contents)
            guard let history, let first = surroundings.compaction.comparableFrom else { return }
            for entry in states {
                guard
                    let what = history.contradiction(
                        entry, start: max(first, bases.first ?? 0, surroundings.startOffset))
                else { continue }
                found(name, at: entry.place, what)
            }
        } catch let error as ProducerSnapshot.Malformed {
            found(name, at: error.position, error.reason, explained(offset) ? .warning : .error)
        } catch {
            found(name, "\(error)")
        }
    }

    /// Compares a segment's index of aborted transactions with the markers in it.
    /// - Parameter history: up to the end of the segment.
    mutating func compareAborted(_ disk: any Disk, _ check: SegmentCheck, _ history: PartitionHistory) {
        let name = SegmentFileKind.transactionIndex.fileName(baseOffset: check.baseOffset)
        let contents: Bytes?
        do { contents = try disk.readFile("\(path)/\(name)") } catch { return found(name, error.description) }
        let index = AbortedIndexReader(contents ?? Bytes())
        let severity = explained(check.facts.nextOffset) ? LogProblem.Severity.warning : .error
        for problem in index.problems(baseOffset: check.baseOffset) {
            found(name, at: problem.position, problem.what, severity)
        }
        guard let first = surroundings.compaction.comparableFrom, check.facts.gap == nil else { return }
        // What ended below the log's start, and where what goes on over it began, a recovery leaves out: nobody reads it.
        let start = surroundings.startOffset
        let inSegment = history.aborted.filter {
            $0.lastOffset >= max(first, check.baseOffset, start) && $0.lastOffset < check.facts.nextOffset
        }
        // Cleaning removes the records of aborted transactions, and with them where these began.
        for entry in index.entries where entry.firstOffset >= first && entry.lastOffset >= start {
            guard let aborted = inSegment.first(where: { $0.lastOffset == entry.lastOffset }) else {
                found(name, at: entry.place, "no transaction was aborted at offset \(entry.lastOffset)", severity)
                continue
            }
            let isSameStart = aborted.firstOffset == entry.firstOffset || aborted.firstOffset < start
            if aborted.producerId != entry.producerId || !isSameStart {
                found(
                    name, at: entry.place,
                    "says producer \(entry.producerId) from offset \(entry.firstOffset); in the log it is "
                        + "\(aborted.producerId) from \(aborted.firstOffset)", severity)
            }
        }
        for aborted in inSegment where !index.entries.contains(where: { $0.lastOffset == aborted.lastOffset }) {
            found(
                name,
                "the transaction of producer \(aborted.producerId) from \(aborted.firstOffset) to \(aborted.lastOffset) "
                    + "was aborted and is missing", severity)
        }
    }
}
