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
}
