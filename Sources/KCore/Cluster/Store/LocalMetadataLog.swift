/// Names of the metadata log, in Kafka's layout.
enum LocalMetadataLog {
    static let topic = "__cluster_metadata"
    static let directoryName = "__cluster_metadata-0"
    static let segmentSuffix = ".log"
    /// What `kafka-storage format` leaves for the first start.
    static let bootstrapName = "bootstrap.checkpoint"
    static let quorumStateName = "quorum-state"
    static let topicId = Uuid(high: 0, low: 1)

    static func segmentName(_ baseOffset: Int64) -> String { padded(baseOffset, 20) + segmentSuffix }

    /// The first offset of a segment, nil for other files.
    static func baseOffset(_ fileName: String) -> Int64? {
        guard fileName.utf8.count == 20 + segmentSuffix.utf8.count, fileName.hasSuffix(segmentSuffix) else {
            return nil
        }
        return Int64(fileName.dropLast(segmentSuffix.count))
    }

    /// Who leads the log's partition since which epoch, as Kafka keeps it beside the log.
    /// - Parameter directoryId: the node's among the voters, where voters have one (KIP-853).
    static func quorumState(nodeId: Int32, epoch: Int32, directoryId: Uuid? = nil) -> Bytes {
        if directoryId != nil {
            return Bytes(
                #"{"leaderId":\#(nodeId),"leaderEpoch":\#(epoch),"votedId":-1,"votedDirectoryId":"\#(Uuid.zero)","#
                    + #""data_version":1}"#)
        }
        return Bytes(
            #"{"clusterId":"","leaderId":\#(nodeId),"leaderEpoch":\#(epoch),"votedId":-1,"appliedOffset":0,"#
                + #""currentVoters":[{"voterId":\#(nodeId)}],"data_version":0}"#)
    }
}
