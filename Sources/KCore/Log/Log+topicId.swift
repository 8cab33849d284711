internal import Synchronization

extension Log {
    /// Of the topic whose log it is; nil when the directory states none, as old ones do, or nothing that can be read.
    public var topicId: Uuid? { knownTopicId.withLock { $0 } }

    /// Has the directory state whose log it is, where it does not. When there is no room it is left to the next call.
    func adopt(topicId: Uuid) throws(LogError) {
        if self.topicId != nil { return }
        let path = folder.path + "/" + PartitionMetadataFile.name
        do {
            try environment.disk.replaceFile(path, with: PartitionMetadataFile.write(topicId: topicId))
            knownTopicId.withLock { $0 = topicId }
            environment.logger.warning("the topic id of a log is written anew", ["path": path, "topicId": topicId])
        } catch  where error.isHarmless && !error.isMissing {
            environment.logger.warning("the topic id of a log cannot be written", ["path": path, "error": error])
        } catch {
            throw answer(to: error)
        }
    }
}
