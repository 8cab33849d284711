/// The entries of a `leader-epoch-checkpoint` as they are, contradictions included.
enum EpochFileReader {
    static func read(_ contents: Bytes) throws(CheckpointFile.Malformed) -> [LeaderEpochs.Entry] {
        var entries: [LeaderEpochs.Entry] = []
        for (index, fields) in try CheckpointFile.read(contents, fields: 2).enumerated() {
            guard let epoch = Int32(fields[0]), let offset = Int64(fields[1]), epoch >= 0, offset >= 0 else {
                throw CheckpointFile.Malformed(line: index + 3, reason: "not an epoch and an offset")
            }
            if let last = entries.last, epoch <= last.epoch || offset < last.startOffset {
                throw CheckpointFile.Malformed(
                    line: index + 3,
                    reason: "epoch \(epoch) from \(offset) does not follow \(last.epoch) from \(last.startOffset)")
            }
            entries.append(LeaderEpochs.Entry(epoch: epoch, startOffset: offset))
        }
        return entries
    }
}
