internal import Glibc
internal import Synchronization

/// Something to be done to partitions' directories in one log directory.
struct DirectoryTask: Sendable {
    var directory: LogDirectory
    /// Calls `progress` with each thing that is done.
    var body: @Sendable (_ progress: @escaping @Sendable () -> Void) -> Void
}

/// Who makes the log of a partition. Nobody else does as long as it has the name.
struct LogMaker: Sendable {
    var directory: DirectoryHealth
    var number: Int
}

extension LogManager {
    /// Has threads of the directories do what waits for their disks, and returns when it is done, or when none of them has got
    /// anywhere for `options.hangingMs`: whoever waited longer for one disk would keep what is on the others from being made,
    /// deleted and configured. A thread that is busy with what somebody else has asked for gets somewhere, too: the disk
    /// answers. For a directory that was given up it does not wait. What was not done is done once the disk answers. The only
    /// directory is waited for.
    /// - Returns: whether each was done.
    func perform(_ tasks: [DirectoryTask]) -> [Bool] {
        let isAlone = directories.count { !$0.health.isOffline } < 2
        // For what is offline nobody waits for ever: that would hold up the one that is well.
        let areWaitedFor = isAlone && !tasks.contains { $0.directory.health.isOffline }
        let waits = Monitor(Set(tasks.indices))
        var awaited: Set<Int> = []
        for (index, task) in tasks.enumerated() {
            let watch = task.directory.health.watch
            if !watch.isGivenUp || areWaitedFor { awaited.insert(index) }
            task.directory.workers.maker {
                let directory = task.directory
                directory.making.withLock { _ in task.body { directory.makerSteps.add(1, ordering: .relaxed) } }
                directory.makerSteps.add(1, ordering: .relaxed)
                if waits.update({ $0.remove(index) == nil }) { watch.comeBack() }
            }
        }
        // By task that is waited for still, what was done in its directory.
        func steps() -> [Int: Int] {
            var steps: [Int: Int] = [:]
            for index in waits.withLock({ $0.intersection(awaited) }) {
                steps[index] = tasks[index].directory.makerSteps.load(ordering: .relaxed)
            }
            return steps
        }
        var seen: [Int: Int]
        repeat {
            seen = steps()
            let timeoutMs = areWaitedFor ? .max : options.hangingMs
            _ = waits.wait(timeoutMs: timeoutMs) { $0.isDisjoint(with: awaited) ? true : nil }
        } while steps().contains { $0.value != seen[$0.key] }
        return waits.withLock { pending in
            let isDone = tasks.indices.map { !pending.contains($0) }
            for index in pending { tasks[index].directory.health.watch.giveUp() }
            pending = []
            return isDone
        }
    }

    /// Whether nothing has come back from the disk for some seconds.
    func isHanging(_ directory: LogDirectory, nowMs: Int64) -> Bool {
        directory.health.watch.isGivenUp || directory.health.watch.oldestMs > options.hangingMs
            || directory.inProgress.withLock { $0[.presence].map { nowMs - $0 > options.hangingMs } ?? false }
    }

    /// Has appends refused from now on where the disk does not answer, and taken where it answers again.
    func noteSilence(of directory: LogDirectory) {
        directory.lookingForSilence.withLock { _ in lookForSilence(of: directory) }
    }

    private func lookForSilence(of directory: LogDirectory) {
        // By what the disk was asked. A job that has not begun says nothing of the disk. Where no other one is better, who
        // waits loses nothing.
        let nowMs = clock.monotonicMs
        let isSilent =
            directory.health.watch.oldestMs > options.silentMs
            && directories.contains { !$0.health.isOffline && $0 !== directory && !isHanging($0, nowMs: nowMs) }
        guard directory.health.setSilent(isSilent) else { return }
        if isSilent {
            logger.error("the disk does not answer, appends are refused until it does", ["dir": directory.path])
        } else {
            logger.info("the disk answers again", ["dir": directory.path])
        }
    }

    /// Takes directories offline whose disk has not answered for `options.answerTimeoutMs`, as long as there is one that
    /// does: without another one nothing would be better for it, and the disk may only be slow.
    func giveUpSilent(nowMs: Int64) {
        let online = directories.filter { !$0.health.isOffline }
        let silent = online.filter { $0.health.watch.look(nowMs: nowMs) > options.answerTimeoutMs }
        guard !silent.isEmpty, online.contains(where: { !isHanging($0, nowMs: nowMs) }) else { return }
        for directory in silent {
            _ = directory.health.fail(DiskError(.answer, path: directory.path, code: ETIMEDOUT))
        }
    }

    // MARK: Names

    /// Takes those of the names that nobody has, so that their logs can be made. Who works in a directory that was given up has
    /// none.
    func take(_ names: [TopicPartition], in directory: LogDirectory) -> (taken: [TopicPartition], maker: LogMaker) {
        state.withLock { state in
            state.lastMaker += 1
            let maker = LogMaker(directory: directory.health, number: state.lastMaker)
            let taken = names.filter { name in state.makers[name].map { $0.directory.isOffline } ?? true }
            for name in taken { state.makers[name] = maker }
            return (taken, maker)
        }
    }

    func giveBack(_ names: [TopicPartition], _ maker: LogMaker) {
        state.withLock { state in
            for name in names where state.makers[name]?.number == maker.number { state.makers[name] = nil }
        }
    }

    /// Those of the names that still want a log from this maker: nobody has deleted them or given up the directory.
    func wanted(_ names: [TopicPartition], _ maker: LogMaker) -> [TopicPartition] {
        state.withLock { state in names.filter { state.logs[$0] == nil && state.isWanted($0, maker) } }
    }

    /// The answer to who would have to wait for a disk that does not answer.
    func unanswered(_ topicPartition: TopicPartition, in directory: String) -> LogError {
        var error = LogError(
            .kafkaStorageError, "the disk of \(directory) does not answer, and \(topicPartition) waits for it")
        error.isTransient = true
        return error
    }
}

extension LogManager.State {
    func isWanted(_ name: TopicPartition, _ maker: LogMaker) -> Bool {
        !maker.directory.isOffline && makers[name]?.number == maker.number
    }
}
