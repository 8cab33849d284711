extension SinkDirectory {
    /// Begins what was to begin together with other partitions by who was then killed. Call it when partitions were opened.
    func resume() throws(ToolError) {
        let new = sinks.filter { $0.value.position == nil }
        for entry in new.isEmpty ? [] : try planned() {
            guard let sink = new[entry.partition], sink.isOf(entry.topicId) else { continue }
            try syncAbove()
            try sink.begin(entry)
        }
        try settle()
    }

    /// Says where the output of open partitions begins or goes on: of those that have none yet, of all of them or of none,
    /// whatever moment the process or the machine ends at.
    /// - Parameter partitions: how many each topic has now, as far as that is known.
    func begin(
        _ places: [TopicPartition: SinkStarts.Place], partitions: [String: Int32] = [:]
    ) throws(ToolError) {
        var new: [SinkStarts.Entry] = []
        for (partition, place) in places.sorted(by: { $0.key < $1.key }) {
            guard let sink = sinks[partition] else { continue }
            let entry = SinkStarts.Entry(
                partition: partition, place: place, partitions: partitions[partition.topic], topicId: sink.topicId)
            if sink.position == nil { new.append(entry) } else { try sink.begin(entry) }
        }
        if !new.isEmpty { try syncAbove() }
        if new.count > 1, let first = sinks[new[0].partition] {
            let others = first.starts.entries.filter { old in !new.contains { $0.partition == old.partition } }
            try first.keep(starts: SinkStarts(others + new))
        }
        for entry in new { try sinks[entry.partition]?.begin(entry) }
        try settle()
    }

    /// Whether an open partition without output begins at its beginning, whatever was asked for: it had no leader when the
    /// others began.
    func beginsAtBeginning(_ partition: TopicPartition) -> Bool { sinks[partition]?.ownStart?.place == .beginning }

    /// Where an open partition without output begins if the group has no offset for it, whatever was asked for since: a
    /// transaction held that when the others began.
    func offsetUnlessStored(_ partition: TopicPartition) -> Int64? {
        if case .storedOr(let offset) = sinks[partition]?.ownStart?.place { offset } else { nil }
    }

    /// Whether it is kept where an open partition without output begins, or that it has some.
    func isPlanned(_ partition: TopicPartition) -> Bool {
        sinks[partition].map { $0.position != nil || $0.ownStart != nil } ?? false
    }

    /// What is to begin in any directory, whoever writes there.
    private func planned() throws(ToolError) -> [SinkStarts.Entry] {
        let directories = try ToolError.rethrowing { () throws(DiskError) in try disk.list(path) }
        var planned: [SinkStarts.Entry] = []
        for entry in directories where entry.isDirectory {
            planned += try SinkStarts.read(disk, path + "/" + entry.name)?.entries ?? []
        }
        return planned
    }

    /// Takes what has begun out of the files that say what is to begin.
    private func settle() throws(ToolError) {
        for (home, sink) in sinks where !sink.starts.entries.isEmpty {
            var left: [SinkStarts.Entry] = []
            for entry in sink.starts.entries where try hasBegun(entry, keptBy: home) == false { left.append(entry) }
            try sink.keep(starts: SinkStarts(left))
        }
    }

    /// Whether the partition's own directory says where it begins.
    private func hasBegun(_ entry: SinkStarts.Entry, keptBy home: TopicPartition) throws(ToolError) -> Bool {
        let isOwn = entry.partition == home
        if let sink = sinks[entry.partition] { return sink.position != nil || !isOwn && sink.ownStart != nil }
        let directory = directory(entry.partition)
        let position = try ToolError.rethrowing { () throws(DiskError) in
            try disk.readFile(directory + "/" + SinkPosition.fileName)
        }
        if position != nil { return true }
        return try SinkStarts.read(disk, directory)?.entry(entry.partition) != nil
    }

    /// Makes the names of the partitions' directories durable, and of those above them: who was killed may have made some and
    /// not come to that.
    private func syncAbove() throws(ToolError) {
        do throws(DiskError) {
            try disk.syncDirectory(path)
        } catch {
            // May be written and not read: nothing can be done for its names.
            if error.operation != .open { throw ToolError("\(error)") }
        }
        if isSyncedAbove { return }
        isSyncedAbove = true
        var (below, above) = (path, parentDirectory(path))
        while above != below {
            // Far above they are others', and may be of a kind that has no sync.
            try? disk.syncDirectory(above)
            (below, above) = (above, parentDirectory(above))
        }
    }
}

extension SinkStarts {
    /// What is kept in a partition's directory; nil when there is nothing.
    static func read(_ disk: any Disk, _ directory: String) throws(ToolError) -> SinkStarts? {
        let path = directory + "/" + fileName
        let text = try ToolError.rethrowing { () throws(DiskError) in
            do throws(DiskError) {
                return try disk.readFile(path)?.utf8String
            } catch {
                // Its writer has just taken it away.
                if error.isMissing { return nil }
                throw error
            }
        }
        guard let text else { return nil }
        guard let starts = SinkStarts(text) else { throw ToolError("\(path) is not what kconsume has written") }
        return starts
    }
}
