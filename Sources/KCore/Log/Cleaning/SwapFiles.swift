/// What a start finds of a cleaning that was not finished: `.cleaned` files, which are removed, and `.swap` files, which
/// are whole and take the place of what they were made of, as Kafka does it.
enum SwapFiles {
    static func isLeftover(_ name: String) -> Bool {
        name.hasSuffix(SegmentFileStage.cleaned.suffix) || name.hasSuffix(SegmentFileStage.swap.suffix)
    }

    private struct File {
        var name: String
        var baseOffset: Int64
        var kind: SegmentFileKind
        var stage: SegmentFileStage
    }

    private static func parse(_ name: String) -> File? {
        for stage in [SegmentFileStage.regular, .cleaned, .swap] where name.hasSuffix(stage.suffix) {
            guard let (offset, kind) = SegmentFileKind.parse(String(name.dropLast(stage.suffix.utf8.count))) else {
                continue
            }
            return File(name: name, baseOffset: offset, kind: kind, stage: stage)
        }
        return nil
    }

    /// Brings a directory in order in which there is such a file. Can be interrupted at any moment and done again.
    /// - Throws: damage of a swap that cannot be what it says; then nothing of it is done.
    static func settle(_ folder: PartitionFolder, logger: Logger) throws(LogFault) {
        var files = try onDisk { () throws(DiskError) in try folder.disk.list(folder.path) }.compactMap {
            parse($0.name)
        }
        let unfinished = files.filter { $0.stage == .cleaned }
        if let first = unfinished.map(\.baseOffset).min() {
            // A swap whose files do not all have their new names has not begun. They go first: without the unfinished one
            // beside it, it would look complete.
            try remove(files.filter { $0.stage == .swap && $0.baseOffset >= first }, folder)
            try remove(unfinished, folder)
            files.removeAll { $0.stage == .cleaned || $0.stage == .swap && $0.baseOffset >= first }
        }
        let swapped = files.filter { $0.stage == .swap }
        for log in swapped where log.kind == .log {
            let end = try endOffset(of: log, folder)
            logger.info(
                "a cleaned segment takes the place of what it was made of",
                ["dir": folder.path, "baseOffset": log.baseOffset, "endOffset": end])
            let replaced = files.filter {
                $0.stage == .regular && $0.baseOffset > log.baseOffset && $0.baseOffset < end
            }
            let last = files.filter { $0.kind == .log }.map(\.baseOffset).max()
            // The active segment is never cleaned.
            if replaced.contains(where: { $0.kind == .log && $0.baseOffset == last }) {
                throw .damaged(
                    path: folder.path + "/" + log.name, position: 0,
                    reason:
                        "by its last batch it ends at \(end), and takes the place of all segments, which no cleaning does"
                )
            }
            try remove(replaced, folder)
        }
        // An index without its log is one whose log has its final name already. The logs last: as long as they are swaps,
        // this can be done again.
        for file in swapped.filter({ $0.kind != .log }) + swapped.filter({ $0.kind == .log }) {
            let target = folder.path + "/" + file.kind.fileName(baseOffset: file.baseOffset)
            try onDisk { () throws(DiskError) in try folder.disk.rename(folder.path + "/" + file.name, to: target) }
        }
        try onDisk { () throws(DiskError) in try folder.sync() }
    }

    private static func remove(_ files: [File], _ folder: PartitionFolder) throws(LogFault) {
        try onDisk { () throws(DiskError) in
            if files.isEmpty { return }
            for file in files { try folder.disk.removeTree(folder.path + "/" + file.name) }
            try folder.sync()
        }
    }

    // Behind the last batch. It was on stable storage before it got its name: damage is the disk's.
    private static func endOffset(of log: File, _ folder: PartitionFolder) throws(LogFault) -> Int64 {
        let path = folder.path + "/" + log.name
        let file = try onDisk { () throws(DiskError) in try folder.disk.open(path, .read) }
        let size = try onDisk { () throws(DiskError) in try file.size() }
        return try BatchScanner.scan(file, from: 0, to: size, windowBytes: 8192, segmentOffset: log.baseOffset) {
            (scanner) throws(LogFault) in
            var end = log.baseOffset
            while let batch = try scanner.next() { end = batch.lastOffset + 1 }
            return end
        }
    }
}
