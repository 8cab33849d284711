/// What topics that are deleted mean for the offsets that were committed for them.
extension CoordinatorRuntime where Machine == GroupCoordinator {
    /// Has all groups forget topics that were deleted just now. Also where the name is there again: what was committed was for
    /// the one that is gone.
    func forgetTopics(_ names: Set<String>) {
        if names.isEmpty { return }
        submitToAll { machine, turn in machine.forgetTopics(&turn) { names.contains($0) } }
    }
}

extension GroupCoordinator {
    /// The first step of a machine that has read a log: a topic may have been deleted while nobody could be told, and made anew
    /// since. Nothing is committed while a log is read, so that all of it was for topics that there were before.
    /// - Parameters:
    ///   - before: as it was when the log began to be read.
    ///   - image: as it is now. It is as new as the leadership of the partition, and so has every topic that offsets were taken
    ///     for.
    mutating func forgetTopicsGone(before: ClusterImage, now image: ClusterImage, _ turn: inout Turn) {
        forgetTopics(&turn) { name in image.topic(name).map { $0.id != before.topic(name)?.id } ?? true }
    }
}
