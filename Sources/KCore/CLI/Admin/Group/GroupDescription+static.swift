extension GroupDescription {
    /// For a person who has stopped all members, behind what says that there are some; empty where each says that it goes.
    /// - Parameter topic: only of members that read it; nil for all.
    func staticNote(readers topic: String? = nil) -> String {
        let isStatic = members.contains { member in
            member.instanceId != nil && (topic == nil || member.partitions.contains { $0.topic == topic })
        }
        return isStatic ? "; a static one that has stopped counts until its session is over" : ""
    }
}
