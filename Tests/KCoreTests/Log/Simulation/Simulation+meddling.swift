import Synchronization

@testable import KCore

/// What people do to the files of a broker that does not run: nothing that was promised may be lost by it.
extension Simulation {
    func meddle(_ meddling: SimulationPlan.Meddling) {
        // Of what a disk that failed has, nobody knows enough.
        guard failedDirectories.isEmpty else { return }
        tell("  somebody \(meddling.rawValue)")
        switch meddling {
        case .damagesIndexes: damageIndexes()
        case .movesPartition: movePartition()
        case .removesRecoveryPoints: replaceRecoveryPoints(with: nil)
        case .spoilsRecoveryPoints:
            // Behind a loss of power the end of a log can be damaged, and then nobody could tell what had been promised.
            if level != .power { replaceRecoveryPoints(with: Array("0\n1\nno checkpoint\n".utf8)) }
        }
    }

    private func damageIndexes() {
        let kinds: [SegmentFileKind] = [.offsetIndex, .timeIndex]
        let paths = disk.paths.filter { path in
            guard let file = SegmentFileKind.parse(SimulatedNames.name(path)), kinds.contains(file.kind) else {
                return false
            }
            return LogDirectoryName.parse(SimulatedNames.name(parentDirectory(path))).map { models[$0] != nil } ?? false
        }
        for path in paths where random.oneIn(3) {
            guard var contents = disk.contents(path), !contents.isEmpty else { continue }
            switch random.int(0..<4) {
            case 0: contents = []
            case 1: contents = Array(repeating: 0, count: contents.count)
            case 2: contents.removeLast(contents.count / 2)
            default:
                let place = random.int(0..<contents.count)
                contents[place] ^= 1 << UInt8(random.int(0..<8))
            }
            tell("    \(path)")
            disk.plant(path, contents)
            LogDirectoryName.parse(SimulatedNames.name(parentDirectory(path))).map {
                models[$0]?.hasDamagedIndexes = true
            }
        }
    }

    private func movePartition() {
        guard directories.count > 1, let partition = random.pick(partitions), let target = random.pick(directories)
        else {
            return
        }
        let homes = directories.filter { directory in
            disk.state.withLock { $0.names.directory("\(directory)/\(partition)") != nil }
        }
        guard homes.count == 1, homes[0] != target else { return }
        // What a directory says of a partition that was also deleted there is of one of the two.
        let deleted = disk.paths.contains { path in
            LogDirectoryName.parseDeleted(SimulatedNames.name(parentDirectory(path))) == partition
        }
        if deleted { return }
        tell("    \(partition) from \(homes[0]) to \(target)")
        disk.state.withLock { $0.names.move("\(homes[0])/\(partition)", to: target) }
    }

    private func replaceRecoveryPoints(with contents: [UInt8]?) {
        guard let directory = random.pick(directories) else { return }
        let path = directory + "/" + OffsetCheckpoint.recoveryPointName
        guard disk.contents(path) != nil else { return }
        tell("    \(path)")
        if let contents { return disk.plant(path, contents) }
        try? disk.remove(path)
        try? disk.syncDirectory(directory)
    }
}
