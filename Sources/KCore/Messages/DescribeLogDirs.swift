/// Asks what the log directories of a broker hold (KIP-113).
struct DescribeLogDirsRequest: ApiRequest {
    typealias Response = DescribeLogDirsResponse
    static var api: Api { Api(.describeLogDirs, versions: 0...4, flexible: 2) }

    /// Null for all.
    var topics: [DescribableLogDirTopic]? = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&topics)
    }

    struct DescribableLogDirTopic: WireStruct {
        var topic = ""
        var partitions: [Int32] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&topic)
            try c.field(&partitions)
        }
    }
}

struct DescribeLogDirsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var errorCode = ErrorCode.none
    var results: [DescribeLogDirsResult] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs)
        try c.field(&errorCode, in: 3...)
        try c.field(&results)
    }

    struct DescribeLogDirsResult: WireStruct {
        /// KAFKA_STORAGE_ERROR for a directory that is out of service.
        var errorCode = ErrorCode.none
        /// Its absolute path.
        var logDir = ""
        var topics: [DescribeLogDirsTopic] = []
        /// The size of its file system; -1 when not known (KIP-827).
        var totalBytes: Int64 = -1
        /// What is free of it.
        var usableBytes: Int64 = -1
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&errorCode)
            try c.field(&logDir)
            try c.field(&topics)
            try c.field(&totalBytes, in: 4...)
            try c.field(&usableBytes, in: 4...)
        }
    }

    struct DescribeLogDirsTopic: WireStruct {
        var name = ""
        var partitions: [DescribeLogDirsPartition] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&partitions)
        }
    }

    struct DescribeLogDirsPartition: WireStruct {
        var partitionIndex: Int32 = 0
        /// Bytes of all segments.
        var partitionSize: Int64 = 0
        /// How far the log is behind the high watermark or, being moved here, behind the current one.
        var offsetLag: Int64 = 0
        /// The log is being moved here and will replace the current one.
        var isFutureKey = false
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&partitionIndex)
            try c.field(&partitionSize)
            try c.field(&offsetLag)
            try c.field(&isFutureKey)
        }
    }
}
