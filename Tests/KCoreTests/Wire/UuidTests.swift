import Testing

@testable import KCore

@Suite struct UuidTests {
    @Test func `what is printed reads back`() throws {
        for _ in 0..<100 {
            let id = Uuid.random()
            #expect(Uuid(id.description) == id)
        }
        #expect(Uuid.zero.description == "AAAAAAAAAAAAAAAAAAAAAA")
    }

    @Test func `an id prints with hyphens as Java has them`() {
        #expect(Uuid(high: 0x1234, low: 0xFEDC_BA98_0000_0001).hyphenated == "00000000-0000-1234-fedc-ba9800000001")
    }
}
