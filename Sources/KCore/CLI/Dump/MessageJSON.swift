/// Prints structures of messages as JSON, by the names of the definitions and in their order, as Kafka's own tools do:
/// ids and bytes as base 64, numbers for choices, no fields that the version does not have, no tagged field that has its
/// default.
enum MessageJSON {
    /// A field that is not always there.
    private enum Presence {
        case from(Int16)
        case only(Int16)
        case tagged
    }

    // The names come from the Swift properties, which are declared in the order of the definitions. Which of them a
    // version lacks, or are tagged, a property does not say.
    private static let presence: [String: [String: Presence]] = [
        "RegisterBrokerRecord": [
            "isMigratingZkBroker": .from(2), "inControlledShutdown": .from(1), "logDirs": .tagged,
        ],
        "BrokerRegistrationChangeRecord": [
            "fenced": .tagged, "inControlledShutdown": .tagged, "logDirs": .tagged,
        ],
        "PartitionRecord": [
            "leaderRecoveryState": .tagged, "directories": .from(1), "eligibleLeaderReplicas": .tagged,
            "lastKnownElr": .tagged,
        ],
        "PartitionChangeRecord": [
            "isr": .tagged, "leader": .tagged, "replicas": .tagged, "removingReplicas": .tagged,
            "addingReplicas": .tagged, "leaderRecoveryState": .tagged, "directories": .tagged,
            "eligibleLeaderReplicas": .tagged, "lastKnownElr": .tagged,
        ],
        "BeginTransactionRecord": ["name": .tagged], "AbortTransactionRecord": ["reason": .tagged],
        "LeaderChangeMessage.Voter": ["voterDirectoryId": .from(1)],
        "OffsetCommitValue": ["leaderEpoch": .from(3), "expireTimestamp": .only(1)],
        "GroupMetadataValue": ["currentStateTimestamp": .from(2)],
        "GroupMetadataValue.MemberMetadata": ["groupInstanceId": .from(3), "rebalanceTimeout": .from(1)],
        "ConsumerGroupMemberMetadataValue": ["classicMemberMetadata": .tagged],
        "ConsumerProtocolSubscription": ["ownedPartitions": .from(1), "generationId": .from(2), "rackId": .from(3)],
        "TransactionLogValue": [
            "previousProducerId": .tagged, "nextProducerId": .tagged, "clientTransactionVersion": .tagged,
        ],
    ]

    /// - Parameters:
    ///   - version: the one that the structure was read in.
    ///   - replaced: what to print for fields of these names instead.
    static func text(
        _ structure: some WireStruct, version: Int16, replacing replaced: (String, Any) -> String? = { _, _ in nil }
    ) -> String {
        let type = typeName(structure)
        let optional = presence[type] ?? [:]
        let defaults = Mirror(reflecting: Swift.type(of: structure).init()).children.map { $0.value }
        var fields: [String] = []
        for (index, child) in Mirror(reflecting: structure).children.enumerated() {
            guard let name = child.label, name != "unknownTags" else { continue }
            let text = replaced(name, child.value) ?? value(child.value, version, replaced)
            switch optional[name] {
            case .from(let first) where version < first: continue
            case .only(let only) where version != only: continue
            case .tagged where text == value(defaults[index], version, replaced): continue
            default: fields.append("\(JSONText.quoted(name)):\(text)")
            }
        }
        return "{" + fields.joined(separator: ",") + "}"
    }

    private static func typeName(_ structure: some WireStruct) -> String {
        // With the module's name in front.
        String(String(reflecting: type(of: structure)).split(separator: ".", maxSplits: 1).last ?? "")
    }

    private static func value(_ value: Any, _ version: Int16, _ replaced: (String, Any) -> String?) -> String {
        switch value {
        case let text as String: return JSONText.quoted(text)
        case let bytes as Bytes: return JSONText.quoted(Base64.text(bytes))
        case let id as Uuid: return JSONText.quoted(id.description)
        case let flag as Bool: return flag ? "true" : "false"
        case let number as any FixedWidthInteger: return "\(number)"
        case let number as Double: return "\(number)"
        case let structure as any WireStruct: return text(structure, version: version, replacing: replaced)
        case let choice as any RawRepresentable: return "\(choice.rawValue)"
        default: break
        }
        let mirror = Mirror(reflecting: value)
        if mirror.displayStyle == .optional {
            return mirror.children.first.map { self.value($0.value, version, replaced) } ?? "null"
        }
        return "[" + mirror.children.map { self.value($0.value, version, replaced) }.joined(separator: ",") + "]"
    }
}
