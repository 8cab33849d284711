/// Deletes topics by name, from version 6 on also by id.
struct DeleteTopicsRequest: ApiRequest {
    typealias Response = DeleteTopicsResponse
    static var api: Api { Api(.deleteTopics, versions: 0...6, flexible: 4) }

    var topics: [DeleteTopicState] = []
    var topicNames: [String] = []
    var timeoutMs: Int32 = 0
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&topics, in: 6..., else: [])
        try c.field(&topicNames, in: 0...5)
        try c.field(&timeoutMs)
    }

    struct DeleteTopicState: WireStruct {
        /// Null when `topicId` says it.
        var name: String?
        var topicId = Uuid.zero
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&topicId)
        }
    }
}

struct DeleteTopicsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var responses: [DeletableTopicResult] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs, in: 1...)
        try c.field(&responses)
    }

    struct DeletableTopicResult: WireStruct {
        /// Null for an id that is not known.
        var name: String?
        var topicId = Uuid.zero
        var errorCode = ErrorCode.none
        var errorMessage: String?
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name, in: 0..., nullable: 6...)
            try c.field(&topicId, in: 6...)
            try c.field(&errorCode)
            try c.field(&errorMessage, in: 5...)
        }
    }
}
