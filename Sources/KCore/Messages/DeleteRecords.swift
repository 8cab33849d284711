/// Moves the start of partitions: what is before it is deleted (KIP-107).
struct DeleteRecordsRequest: ApiRequest {
    typealias Response = DeleteRecordsResponse
    static var api: Api { Api(.deleteRecords, versions: 0...2, flexible: 2) }

    var topics: [DeleteRecordsTopic] = []
    var timeoutMs: Int32 = 0
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&topics)
        try c.field(&timeoutMs)
    }

    struct DeleteRecordsTopic: WireStruct {
        var name = ""
        var partitions: [DeleteRecordsPartition] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&partitions)
        }
    }

    struct DeleteRecordsPartition: WireStruct {
        var partitionIndex: Int32 = 0
        /// The new start; -1 for the high watermark.
        var offset: Int64 = 0
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&partitionIndex)
            try c.field(&offset)
        }
    }
}

struct DeleteRecordsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var topics: [DeleteRecordsTopicResult] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs)
        try c.field(&topics)
    }

    struct DeleteRecordsTopicResult: WireStruct {
        var name = ""
        var partitions: [DeleteRecordsPartitionResult] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&partitions)
        }
    }

    struct DeleteRecordsPartitionResult: WireStruct {
        var partitionIndex: Int32 = 0
        /// The smallest log start offset of the replicas; -1 on an error.
        var lowWatermark: Int64 = 0
        var errorCode = ErrorCode.none
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&partitionIndex)
            try c.field(&lowWatermark)
            try c.field(&errorCode)
        }
    }
}
