/// Which versions of which APIs a broker has.
struct ApiVersionTable: Sendable, Equatable {
    private(set) var ranges: [ApiKey: ClosedRange<Int16>] = [:]

    init(_ apis: [ApiVersionsResponse.ApiVersion]) {
        for api in apis where api.minVersion >= 0 && api.maxVersion >= api.minVersion {
            ranges[api.apiKey] = api.minVersion...api.maxVersion
        }
    }

    /// The newest version that broker and caller both have; nil when there is none.
    func version(of key: ApiKey, within wanted: ClosedRange<Int16>) -> Int16? {
        guard let has = ranges[key] else { return nil }
        let newest = min(has.upperBound, wanted.upperBound)
        return newest >= max(has.lowerBound, wanted.lowerBound) ? newest : nil
    }
}
