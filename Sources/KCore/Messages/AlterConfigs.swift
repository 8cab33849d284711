/// Replaces the configuration of resources: what is not named goes back to its default.
/// IncrementalAlterConfigs is for single values.
struct AlterConfigsRequest: ApiRequest {
    typealias Response = AlterConfigsResponse
    static var api: Api { Api(.alterConfigs, versions: 0...2, flexible: 2) }

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
        /// Null for the default.
        var value: String?
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&value)
        }
    }
}

struct AlterConfigsResponse: WireStruct {
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
