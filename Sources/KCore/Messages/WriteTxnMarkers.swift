/// Has the leaders of partitions write the markers that end transactions: a coordinator asks, or somebody who ends a
/// transaction that hangs (KIP-98, KIP-664).
struct WriteTxnMarkersRequest: ApiRequest {
    typealias Response = WriteTxnMarkersResponse
    static var api: Api { Api(.writeTxnMarkers, versions: 0...1, flexible: 1) }

    var markers: [WritableTxnMarker] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) { try c.field(&markers) }

    struct WritableTxnMarker: WireStruct {
        var producerId: Int64 = 0
        var producerEpoch: Int16 = 0
        /// Whether the transaction is committed.
        var transactionResult = false
        var topics: [WritableTxnMarkerTopic] = []
        /// Of the coordinator; -1 for somebody who is none.
        var coordinatorEpoch: Int32 = 0
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&producerId)
            try c.field(&producerEpoch)
            try c.field(&transactionResult)
            try c.field(&topics)
            try c.field(&coordinatorEpoch)
        }
    }

    struct WritableTxnMarkerTopic: WireStruct {
        var name = ""
        var partitionIndexes: [Int32] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&partitionIndexes)
        }
    }
}

struct WriteTxnMarkersResponse: WireStruct {
    var markers: [WritableTxnMarkerResult] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) { try c.field(&markers) }

    struct WritableTxnMarkerResult: WireStruct {
        var producerId: Int64 = 0
        var topics: [WritableTxnMarkerTopicResult] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&producerId)
            try c.field(&topics)
        }
    }

    struct WritableTxnMarkerTopicResult: WireStruct {
        var name = ""
        var partitions: [WritableTxnMarkerPartitionResult] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&partitions)
        }
    }

    struct WritableTxnMarkerPartitionResult: WireStruct {
        var partitionIndex: Int32 = 0
        var errorCode = ErrorCode.none
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&partitionIndex)
            try c.field(&errorCode)
        }
    }
}
