import Testing

@testable import KCore

/// Holds every message of every version against bytes that were made from Kafka's definitions, not by this code.
@Suite struct MessageFixtureTests {
    /// Versions of Kafka 4.0 that are newer than the definitions: they change what a broker does, and no byte.
    private static let newer: [ApiKey: Int16] = [.produce: 12, .txnOffsetCommit: 5]

    @Test func `every message has Kafka's bytes and puts each value into the field of its name`() throws {
        try #require(MessageFixture.all.count > 500, "Tests/Fixtures/messages.txt is missing")
        for fixture in MessageFixture.all {
            do {
                let (value, encoded) = try fixture.roundTrip(fixture.bytes)
                let dump = MessageDump.of(value)
                #expect(
                    encoded == fixture.bytes, "encoded: \(encoded.array.hex)\nfixture: \(fixture)\nread as: \(dump)")
                #expect(MessageDump.hash(dump) == fixture.hash, "\(fixture) was read as \(dump)")
            } catch {
                Issue.record("\(fixture) was refused: \(error)")
            }
        }
    }

    @Test func `the described APIs and versions are those of the definitions`() {
        let described = ApiTable.all.map { type in
            let api = type.api
            let flexible = api.firstFlexible.map { "\($0)" } ?? "none"
            let last = Self.newer[api.key].map { $0 - 1 } ?? api.versions.upperBound
            return "api \(api.key.rawValue) \(api.key.name) \(range(api.versions.lowerBound...last)) \(flexible)"
        }
        let defined = MessageFixture.lines.filter { $0[0] == "api" }.map { $0.joined(separator: " ") }
        #expect(described == defined)
    }

    @Test func `every version of every message is among the fixtures`() {
        let covered = Set(MessageFixture.all.map { "\($0.name) \($0.version)" })
        func check<R: ApiRequest>(_: R.Type) {
            for version in R.api.versions where Self.newer[R.api.key] != version {
                #expect(covered.contains("\(R.self) \(version)"))
                #expect(covered.contains("\(R.Response.self) \(version)"))
            }
        }
        for type in ApiTable.all { check(type) }
    }

    @Test func `a version that is newer than the definitions has the bytes of the one before`() throws {
        func check<R: ApiRequest>(_: R.Type) throws {
            guard let version = Self.newer[R.api.key] else { return }
            #expect(R.api.versions.upperBound == version)
            let before = MessageFixture.all.filter {
                $0.version == version - 1 && ["\(R.self)", "\(R.Response.self)"].contains($0.name)
            }
            #expect(before.count > 2)
            for var fixture in before {
                fixture.version = version
                let (value, encoded) = try fixture.roundTrip(fixture.bytes)
                #expect(encoded == fixture.bytes, "\(fixture)")
                #expect(MessageDump.hash(MessageDump.of(value)) == fixture.hash, "\(fixture)")
            }
        }
        for type in ApiTable.all { try check(type) }
    }

    @Test func `every metadata record of the definitions is described, in all of its versions`() throws {
        for words in MessageFixture.lines where words[0] == "metadata" {
            let name = String(words[2])
            let versions = MessageFixture.all.filter { $0.name == name }
            let last = try #require(words[3].split(separator: "-").last.flatMap { Int16($0) })
            #expect(Set(versions.map(\.version)) == Set(0...last))
            for fixture in versions {
                if case .unknown(let frame, _) = try MetadataLogRecord(value: fixture.bytes) {
                    Issue.record("\(name) v\(frame.version) is not described")
                }
            }
        }
    }

    @Test func `every record of a coordinator's log is described, in the versions of the definitions`() {
        let described = MessageFixture.versioned.map { name, type in
            let flexible = type.firstFlexible.map { "\($0)" } ?? "none"
            return "struct \(name) \(range(type.versions)) \(flexible)"
        }
        let defined = MessageFixture.lines.filter { $0[0] == "struct" }.map { $0.joined(separator: " ") }
        #expect(described.sorted() == defined.sorted())
        for (name, type) in MessageFixture.versioned {
            #expect(Set(MessageFixture.all.filter { $0.name == name }.map(\.version)) == Set(type.versions))
        }
    }

    @Test func `a message that is cut off anywhere is refused`() {
        for fixture in MessageFixture.all {
            // A long one is cut at every few bytes only, at other places in each fixture.
            let step = 1 + fixture.bytes.count / 48
            for end in stride(from: Int(fixture.hash % UInt64(step)), to: fixture.bytes.count, by: step) {
                #expect(throws: WireError.self, "\(fixture) cut to \(end) bytes") {
                    try fixture.roundTrip(fixture.bytes.slice(0..<end))
                }
            }
        }
    }

    @Test func `a message with bytes behind it is refused`() {
        for fixture in MessageFixture.all {
            #expect(throws: WireError.trailingBytes(1), "\(fixture)") {
                try fixture.roundTrip(Bytes(fixture.bytes.array + [0]))
            }
        }
    }

    private func range(_ versions: ClosedRange<Int16>) -> String {
        versions.count == 1 ? "\(versions.lowerBound)" : "\(versions.lowerBound)-\(versions.upperBound)"
    }
}
