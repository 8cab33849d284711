/// Which versions of which APIs a broker has, and what it knows its cluster to have agreed on.
struct ApiVersionTable: Sendable, Equatable {
    private(set) var ranges: [ApiKey: ClosedRange<Int16>] = [:]
    /// Levels by the names of features (KIP-584).
    private(set) var finalizedFeatures: [String: Int16] = [:]
    /// Grows with every change of the features; -1 of a broker that does not know of any.
    private(set) var featuresEpoch: Int64 = -1

    init(_ response: ApiVersionsResponse) {
        self.init(response.apiKeys)
        featuresEpoch = response.finalizedFeaturesEpoch
        for feature in response.finalizedFeatures { finalizedFeatures[feature.name] = feature.maxVersionLevel }
    }

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
