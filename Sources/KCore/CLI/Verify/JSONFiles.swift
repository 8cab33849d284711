/// Small files that are a JSON object.
enum JSONFiles {
    /// What is wrong with a `quorum-state`; nil when nothing is. Kafka does not start with one that it cannot read.
    static func problemOfQuorumState(_ contents: Bytes) -> String? {
        let members: [String: Int64]
        do throws(JSONCursor.Problem) { members = try JSONCursor.integers(in: contents) } catch {
            return "no JSON object: \(error.message), at byte \(error.position)"
        }
        guard let version = members["data_version"], version == 0 || version == 1 else {
            return "no data_version that is known"
        }
        for name in ["leaderId", "leaderEpoch", "votedId"] where members[name] == nil { return "no \(name)" }
        return (members["leaderEpoch"] ?? 0) < 0 ? "a negative leaderEpoch" : nil
    }

    /// What is wrong with a `.kafka_cleanshutdown`; nil when nothing is. Before Kafka 3.6 it was empty.
    static func problemOfCleanStopMarker(_ contents: Bytes) -> String? {
        if contents.isEmpty { return nil }
        let members: [String: Int64]
        do throws(JSONCursor.Problem) { members = try JSONCursor.integers(in: contents) } catch {
            return "no JSON object: \(error.message), at byte \(error.position)"
        }
        return members["version"] == 0 ? nil : "not version 0"
    }
}
