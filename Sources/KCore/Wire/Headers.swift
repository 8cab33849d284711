/// What stands in front of every request.
public struct RequestHeader: Sendable, Equatable {
    public var apiKey: ApiKey
    public var apiVersion: Int16
    public var correlationId: Int32
    public var clientId: String?
    public var unknownTags: [UnknownTag] = []

    public init(apiKey: ApiKey, apiVersion: Int16, correlationId: Int32, clientId: String?) {
        self.apiKey = apiKey
        self.apiVersion = apiVersion
        self.correlationId = correlationId
        self.clientId = clientId
    }

    /// Reads what all header versions begin with, from a frame without its length.
    public static func peek(_ frame: Bytes) throws(WireError) -> (key: ApiKey, version: Int16, correlationId: Int32) {
        var decoder = WireDecoder(frame, version: 0, flexible: false)
        let key: Int16 = try decoder.integer()
        let version: Int16 = try decoder.integer()
        return (ApiKey(rawValue: key), version, try decoder.integer())
    }

    /// Reads a header; `position` is then where the request begins.
    public static func read(
        _ frame: Bytes, headerVersion: Int16
    ) throws(WireError) -> (header: RequestHeader, position: Int) {
        let start = try peek(frame)
        var rest = Rest()
        // The client id keeps its 16-bit length in every version; only the tag section is flexible.
        var decoder = WireDecoder(frame, at: 8, version: headerVersion, flexible: false)
        if headerVersion >= 1 { rest.clientId = try String.readNullable(&decoder) }
        if headerVersion >= 2 {
            var tags = WireDecoder(frame, at: decoder.position, version: headerVersion, flexible: true)
            var section = TagsOnly()
            try tags.structure(&section)
            rest.unknownTags = section.unknownTags
            decoder = tags
        }
        var header = RequestHeader(
            apiKey: start.key, apiVersion: start.version, correlationId: start.correlationId, clientId: rest.clientId)
        header.unknownTags = rest.unknownTags
        return (header, decoder.position)
    }

    private struct Rest {
        var clientId: String?
        var unknownTags: [UnknownTag] = []
    }
}

/// A structure that has nothing but a tag section.
struct TagsOnly: WireStruct {
    var unknownTags: [UnknownTag] = []
    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {}
}

/// Whole frames: a length, a header and a message.
public enum Framing {
    /// A request's frame, its four length bytes included.
    public static func request<R: ApiRequest>(
        _ request: R, version: Int16, correlationId: Int32, clientId: String?
    ) throws(WireError) -> Frame {
        let headerVersion = R.api.requestHeaderVersion(version)
        var encoder = WireEncoder(version: version, flexible: R.api.isFlexible(version))
        encoder.integer(0 as Int32)
        encoder.integer(R.api.key.rawValue)
        encoder.integer(version)
        encoder.integer(correlationId)
        if headerVersion >= 1 { try encoder.legacyString(clientId) }
        if headerVersion >= 2 { encoder.unsignedVarint(0) }
        try encoder.structure(request)
        return try framed(&encoder)
    }

    /// A response's frame, its four length bytes included.
    public static func response<R: WireStruct>(
        _ response: R, api: Api, version: Int16, correlationId: Int32
    ) throws(WireError) -> Frame {
        var encoder = WireEncoder(version: version, flexible: api.isFlexible(version))
        encoder.integer(0 as Int32)
        encoder.integer(correlationId)
        if api.responseHeaderVersion(version) >= 1 { encoder.unsignedVarint(0) }
        try encoder.structure(response)
        return try framed(&encoder)
    }

    /// Reads a response's frame, without its length, all of it.
    public static func readResponse<R: ApiRequest>(
        to _: R.Type, _ frame: Bytes, version: Int16
    ) throws(WireError) -> (correlationId: Int32, response: R.Response) {
        let flexible = R.api.isFlexible(version)
        var decoder = WireDecoder(frame, version: version, flexible: flexible)
        let correlationId: Int32 = try decoder.integer()
        if R.api.responseHeaderVersion(version) >= 1 {
            var section = TagsOnly()
            try decoder.structure(&section)
        }
        let response = try R.Response.read(&decoder)
        try decoder.finish()
        return (correlationId, response)
    }

    private static func framed(_ encoder: inout WireEncoder) throws(WireError) -> Frame {
        let length = encoder.count - 4
        guard length <= Int(Int32.max) else { throw .valueTooLong(length) }
        encoder.patch(Int32(length), at: 0)
        return encoder.finish()
    }
}
