/// What the records of a log mean, and so how their keys and values are printed.
enum RecordDecoder {
    /// Bytes of whoever produced them.
    case data(key: FieldDecoder, value: FieldDecoder)
    /// `__cluster_metadata`, and its snapshots.
    case metadata
    /// `__consumer_offsets`
    case groups
    /// `__transaction_state`
    case transactions

    /// The one that belongs to the topic of a partition's directory.
    init?(topic: String) {
        switch topic {
        case LocalMetadataLog.topic: self = .metadata
        case TopicName.groups: self = .groups
        case TopicName.transactions: self = .transactions
        default: return nil
        }
    }

    /// The key and the value of a record as text; nil where there is nothing to print.
    func text(key: Bytes?, value: Bytes?) -> (key: String?, payload: String?) {
        do throws(WireError) {
            switch self {
            case .data(let keys, let values):
                return (key.map { keys.text($0) }, value.map { values.text($0) })
            case .metadata:
                guard let value else { return (nil, nil) }
                return (nil, try RecordDecoder.metadata(value))
            case .groups:
                guard let key else { return (nil, nil) }
                return try RecordDecoder.group(key, value)
            case .transactions:
                guard let key else { return (nil, nil) }
                return try RecordDecoder.transaction(key, value)
            }
        } catch {
            let raw = FieldDecoder.base64
            return (key.map { raw.text($0) }, (value.map { raw.text($0) } ?? "") + " (cannot be decoded: \(error))")
        }
    }

    // MARK: Metadata

    private static func metadata(_ value: Bytes) throws(WireError) -> String {
        let record = try MetadataLogRecord(value: value)
        var start = WireDecoder(value, version: 0, flexible: true)
        let frame = try MetadataRecordFrame.read(&start)
        guard let structure = Mirror(reflecting: record).children.first?.value as? any WireStruct else {
            let body = value.slice(start.position..<value.count)
            return #"{"type":"UNKNOWN_RECORD","apiKey":\#(frame.apiKey),"version":\#(frame.version),"#
                + #""data":\#(JSONText.quoted(Base64.text(body)))}"#
        }
        let name = upperSnake("\(type(of: structure))")
        return #"{"type":"\#(name)","version":\#(frame.version),"data":"#
            + MessageJSON.text(structure, version: frame.version) + "}"
    }

    /// `TopicRecord` is `TOPIC_RECORD`.
    private static func upperSnake(_ name: String) -> String {
        var result = ""
        for character in name {
            if character.isUppercase && !result.isEmpty { result += "_" }
            result += character.uppercased()
        }
        return result
    }

    // MARK: Groups

    private static func group(_ key: Bytes, _ value: Bytes?) throws(WireError) -> (String?, String?) {
        switch try GroupRecord(key: key, value: value) {
        case .offsetCommit(let k, let v): return try pair(key, value, k, v)
        case .groupMetadata(let k, let v): return try pair(key, value, k, v, replacing: members)
        case .consumerGroupMetadata(let k, let v): return try pair(key, value, k, v)
        case .consumerGroupPartitionMetadata(let k, let v): return try pair(key, value, k, v)
        case .consumerGroupMemberMetadata(let k, let v): return try pair(key, value, k, v)
        case .consumerGroupTargetAssignmentMetadata(let k, let v): return try pair(key, value, k, v)
        case .consumerGroupTargetAssignmentMember(let k, let v): return try pair(key, value, k, v)
        case .consumerGroupCurrentMemberAssignment(let k, let v): return try pair(key, value, k, v)
        case .unknown:
            let type = try key.leadingVersion()
            let raw = FieldDecoder.base64
            return (
                #"{"type":"\#(type)","data":\#(JSONText.quoted(raw.text(key.slice(2..<key.count))))}"#,
                value.map { JSONText.quoted(raw.text($0)) } ?? "<DELETE>"
            )
        }
    }

    private static func pair(
        _ key: Bytes, _ value: Bytes?, _ keyStruct: some VersionedStruct, _ valueStruct: (some VersionedStruct)?,
        replacing: (String, Any) -> String? = { _, _ in nil }
    ) throws(WireError) -> (String?, String?) {
        let type = try key.leadingVersion()
        let keyText = #"{"type":"\#(type)","data":\#(MessageJSON.text(keyStruct, version: type))}"#
        guard let value, let valueStruct else { return (keyText, "<DELETE>") }
        let version = try value.leadingVersion()
        let data = MessageJSON.text(valueStruct, version: version, replacing: replacing)
        return (keyText, #"{"version":"\#(version)","data":\#(data)}"#)
    }

    // What consumers say to each other; of other kinds of members the bytes are printed.
    private static func members(_ name: String, _ value: Any) -> String? {
        guard let bytes = value as? Bytes, !bytes.isEmpty else { return nil }
        func text<S: VersionedStruct>(_: S.Type) -> String? {
            guard let structure = try? S(versioned: bytes), let version = try? bytes.leadingVersion() else {
                return nil
            }
            return MessageJSON.text(structure, version: version)
        }
        return switch name {
        case "subscription": text(ConsumerProtocolSubscription.self)
        case "assignment": text(ConsumerProtocolAssignment.self)
        default: nil
        }
    }

    // MARK: Transactions

    private static func transaction(_ key: Bytes, _ value: Bytes?) throws(WireError) -> (String?, String?) {
        switch try TransactionLogRecord(key: key, value: value) {
        case .transaction(let id, let value):
            let name = "transaction_metadata::transactionalId=\(id.transactionalId)"
            guard let value else { return (name, "<DELETE>") }
            let partitions = (value.transactionPartitions ?? []).flatMap { topic in
                topic.partitionIds.map { "\(topic.topic)-\($0)" }
            }
            return (
                name,
                "producerId:\(value.producerId),producerEpoch:\(value.producerEpoch),"
                    + "state=\(value.transactionStatus.name),partitions=[\(partitions.joined(separator: ","))],"
                    + "txnLastUpdateTimestamp=\(value.transactionLastUpdateTimestampMs),"
                    + "txnTimeoutMs=\(value.transactionTimeoutMs)"
            )
        case .unknown(let key, let value):
            return (FieldDecoder.base64.text(key), value.map { FieldDecoder.base64.text($0) } ?? "<DELETE>")
        }
    }
}
