import Synchronization

@testable import KCore

extension Simulation {
    /// Tips a bit over in what a checkpoint says is safe, where a start after a crash reads: the log must be refused, by
    /// name, and the others served.
    func endInCorruption() throws {
        guard let (partition, path) = corrupt() else {
            if try start() { try checkAll() }
            return
        }
        tell("  damaged: \(path)")
        guard try start(), let manager else { return }
        guard let error = manager.state.withLock({ $0.refused[partition]?.error }), manager.log(for: partition) == nil
        else {
            throw SimulationFailure("\(path) is damaged where it was flushed, and \(partition) is served")
        }
        guard error.message.contains(path) else {
            throw SimulationFailure("\(path) is damaged, and the error does not say so: \(error)")
        }
        models[partition] = nil
        try checkAll()
    }

    private func corrupt() -> (TopicPartition, String)? {
        for directory in directories {
            guard disk.contents(directory + "/" + LogDirectoryName.cleanStopMarker) == nil,
                let points = try? OffsetCheckpoint(
                    disk: disk, directory: directory, name: OffsetCheckpoint.recoveryPointName
                ).read()
            else { continue }
            for (partition, point) in points.sorted(by: { $0.key < $1.key }) {
                let folder = directory + "/" + partition.description
                guard models[partition]?.mayBeMissing == false,
                    let path = disk.paths.last(where: { isSegment($0, in: folder, below: point) }),
                    let contents = disk.contents(path),
                    let end = promisedBytes(contents, below: point)
                else { continue }
                // Offset and leader epoch are not part of the checksum.
                var position = random.int(0..<end)
                let start = batchStart(contents, holding: position)
                if (0..<8).contains(position - start) || (12..<16).contains(position - start) { position = start + 21 }
                disk.flip(path, bit: random.int(0..<8), at: position)
                return (partition, path)
            }
        }
        return nil
    }

    private func isSegment(_ path: String, in folder: String, below point: Int64) -> Bool {
        guard parentDirectory(path) == folder, let (base, kind) = SegmentFileKind.parse(SimulatedNames.name(path))
        else {
            return false
        }
        return kind == .log && base <= point
    }

    // Where the last whole batch below the recovery point ends; nil when there is none.
    private func promisedBytes(_ contents: [UInt8], below point: Int64) -> Int? {
        var scan = RecordBatches(Bytes(contents))
        var end: Int?
        while let batch = try? scan.next(), batch.header.lastOffset < point { end = batch.end }
        return end
    }

    private func batchStart(_ contents: [UInt8], holding position: Int) -> Int {
        var scan = RecordBatches(Bytes(contents))
        while let batch = try? scan.next() { if batch.end > position { return batch.position } }
        return position
    }
}
