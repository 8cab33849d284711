/// Asks for the configuration of topics, brokers, loggers and groups.
struct DescribeConfigsRequest: ApiRequest {
    typealias Response = DescribeConfigsResponse
    static var api: Api { Api(.describeConfigs, versions: 0...4, flexible: 4) }

    var resources: [DescribeConfigsResource] = []
    /// Tell also what each value hides (KIP-226).
    var includeSynonyms = false
    var includeDocumentation = false
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&resources)
        try c.field(&includeSynonyms, in: 1..., else: false)
        try c.field(&includeDocumentation, in: 3..., else: false)
    }

    struct DescribeConfigsResource: WireStruct {
        var resourceType = ConfigResourceType.unknown
        var resourceName = ""
        /// Null for all.
        var configurationKeys: [String]? = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&resourceType)
            try c.field(&resourceName)
            try c.field(&configurationKeys)
        }
    }
}

struct DescribeConfigsResponse: WireStruct {
    var throttleTimeMs: Int32 = 0
    var results: [DescribeConfigsResult] = []
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&throttleTimeMs)
        try c.field(&results)
    }

    struct DescribeConfigsResult: WireStruct {
        var errorCode = ErrorCode.none
        var errorMessage: String?
        var resourceType = ConfigResourceType.unknown
        var resourceName = ""
        var configs: [DescribeConfigsResourceResult] = []
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&errorCode)
            try c.field(&errorMessage)
            try c.field(&resourceType)
            try c.field(&resourceName)
            try c.field(&configs)
        }
    }

    struct DescribeConfigsResourceResult: WireStruct {
        var name = ""
        /// Null when sensitive, or when there is none.
        var value: String?
        var readOnly = false
        /// What version 0 has in place of `configSource`.
        var isDefault = false
        var configSource = ConfigSource.notSent
        var isSensitive = false
        /// Every place that sets this value, the one that wins first.
        var synonyms: [DescribeConfigsSynonym] = []
        var configType = ConfigType.unknown
        /// Null unless asked for (KIP-569).
        var documentation: String?
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&value)
            try c.field(&readOnly)
            try c.field(&isDefault, in: 0...0)
            try c.field(&configSource, in: 1...)
            try c.field(&isSensitive)
            try c.field(&synonyms, in: 1...)
            try c.field(&configType, in: 3...)
            try c.field(&documentation, in: 3...)
        }
    }

    struct DescribeConfigsSynonym: WireStruct {
        var name = ""
        var value: String?
        var source = ConfigSource.unknown
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&name)
            try c.field(&value)
            try c.field(&source)
        }
    }
}
