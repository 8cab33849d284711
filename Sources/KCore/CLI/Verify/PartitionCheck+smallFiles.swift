extension PartitionCheck {
    /// Reads leader epochs, topic id and, of the metadata, the state of the quorum.
    mutating func checkSmallFiles(_ disk: any Disk, _ history: PartitionHistory, end: Int64) {
        compareEpochs(disk, history, end: end)
        readTopicId(disk)
        if smallFiles.contains(LocalMetadataLog.quorumStateName) { readQuorumState(disk) }
    }

    private mutating func compareEpochs(_ disk: any Disk, _ history: PartitionHistory, end: Int64) {
        guard smallFiles.contains(LeaderEpochs.fileName) else {
            if !history.epochs.isEmpty {
                found(LeaderEpochs.fileName, "is missing", explained(end) ? .warning : .error)
            }
            return
        }
        var epochs: [LeaderEpochs.Entry] = []
        do {
            let contents = try disk.readFile("\(path)/\(LeaderEpochs.fileName)") ?? Bytes()
            try CheckpointFile.leaderEpochs(contents) { epochs.append($0) }
        } catch let error as CheckpointFile.Malformed {
            return found(LeaderEpochs.fileName, "line \(error.line): \(error.reason)")
        } catch {
            return found(LeaderEpochs.fileName, "\(error)")
        }
        for (line, entry) in epochs.enumerated() where entry.startOffset > end && !explained(end) {
            found(
                LeaderEpochs.fileName,
                "line \(line + 3): epoch \(entry.epoch) begins at \(entry.startOffset), behind the "
                    + "end of the log at \(end)")
        }
        // The last run's epochs may not have reached the file.
        for entry in history.epochs where !explained(entry.startOffset) {
            let said = epochs.last { $0.startOffset <= entry.startOffset }?.epoch
            if said != entry.epoch && entry.startOffset >= surroundings.startOffset {
                found(
                    LeaderEpochs.fileName,
                    "offset \(entry.startOffset) is of epoch \(entry.epoch) in the log, and of "
                        + (said.map { "\($0)" } ?? "none") + " here")
            }
        }
    }

    private mutating func readTopicId(_ disk: any Disk) {
        guard smallFiles.contains(PartitionMetadataFile.name) else {
            if surroundings.wasCleanStop == true && surroundings.topicId != nil {
                found(PartitionMetadataFile.name, "is missing: nothing says which topic the partition is of", .warning)
            }
            return
        }
        do {
            let contents = try disk.readFile("\(path)/\(PartitionMetadataFile.name)") ?? Bytes()
            guard let id = PartitionMetadataFile.read(contents) else {
                return found(PartitionMetadataFile.name, "no topic id of version 0")
            }
            if let wanted = surroundings.topicId, wanted != id {
                found(PartitionMetadataFile.name, "says topic id \(id), the metadata \(wanted)")
            }
        } catch {
            found(PartitionMetadataFile.name, error.description)
        }
    }

    private mutating func readQuorumState(_ disk: any Disk) {
        let name = LocalMetadataLog.quorumStateName
        do {
            let contents = try disk.readFile("\(path)/\(name)") ?? Bytes()
            if let what = JSONFiles.problemOfQuorumState(contents) { found(name, what) }
        } catch {
            found(name, error.description)
        }
    }
}
