import Testing

@testable import KCore

@Suite struct OpenFileShareTests {
    @Test(arguments: [64, 256, 1024, 20_000, 1_048_576])
    func `connections and segments together leave files for everything else`(limit: Int) {
        let share = BrokerSettings.shares(ofOpenFiles: limit)
        #expect(share.segments >= 8 && share.connections >= 8)
        #expect(share.segments + share.connections + 16 <= limit)
    }

    @Test func `five thousand connections fit into a common limit`() {
        #expect(BrokerSettings.shares(ofOpenFiles: 16_384).connections >= 5000)
    }
}
