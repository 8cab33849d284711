/// ApiVersions: what this broker can be asked, from the same table that requests are dispatched by, and what the cluster has
/// agreed on.
enum ApiVersionsHandler {
    static func handle(_ request: ApiVersionsRequest, _ call: Call) {
        var response = ApiVersionsResponse()
        if call.version >= 3
            && !(isName(request.clientSoftwareName) && isName(request.clientSoftwareVersion))
        {
            response.errorCode = .invalidRequest
            return call.reply(response)
        }
        response.apiKeys = Route.all.map { entry($0.api) }
        response.add(call.image, version: call.version)
        call.reply(response)
    }

    /// The answer to a version that is too new: in version 0, with the versions of ApiVersions alone, so that the
    /// client can ask again (KIP-511).
    static var downgrade: ApiVersionsResponse {
        var response = ApiVersionsResponse()
        response.errorCode = .unsupportedVersion
        response.apiKeys = [entry(ApiVersionsRequest.api)]
        return response
    }

    private static func entry(_ api: Api) -> ApiVersionsResponse.ApiVersion {
        var entry = ApiVersionsResponse.ApiVersion()
        entry.apiKey = api.key
        entry.minVersion = api.versions.lowerBound
        entry.maxVersion = api.versions.upperBound
        return entry
    }

    /// Letters and digits, with dots and dashes between them (KIP-511).
    private static func isName(_ text: String) -> Bool {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: false
            }
        }
        let bytes = text.utf8
        guard let first = bytes.first, let last = bytes.last, isAlphanumeric(first), isAlphanumeric(last) else {
            return false
        }
        return bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }
}
