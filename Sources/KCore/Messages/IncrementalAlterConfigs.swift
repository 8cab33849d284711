/// Changes single values of the configuration of resources (KIP-339).
struct IncrementalAlterConfigsRequest: ApiRequest {
    typealias Response = IncrementalAlterConfigsResponse
    static var api: Api { Api(.incrementalAlterConfigs, versions: 0...1, flexible: 1) }

    var resources: [AlterConfigsResource] = []
    /// Only tell what would happen.
    var validateOnly = false
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&resources)
        try c.field(&validateOnly)
    }

    struct AlterConfigsResource: WireStruct {
        var resourceType = ConfigResourceType.unknown
        var resourceName = ""
        var configs: [AlterableConfig] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&resourceType)
            try c.field(&resourceName)
            try c.field(&configs)
        }
    }

    struct AlterableConfig: WireStruct {
        var name = ""
        var configOperation = ConfigOperation.set
        /// Null to delete.
        var value: String?
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&configOperation)
            try c.field(&value)
        }
    }
}

struct IncrementalAlterConfigsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var responses: [AlterConfigsResourceResponse] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs)
        try c.field(&responses)
    }

    struct AlterConfigsResourceResponse: WireStruct {
        var errorCode = ErrorCode.none
        var errorMessage: String?
        var resourceType = ConfigResourceType.unknown
        var resourceName = ""
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&errorCode)
            try c.field(&errorMessage)
            try c.field(&resourceType)
            try c.field(&resourceName)
        }
    }
}
