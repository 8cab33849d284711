import Testing

@testable import KCore

@Suite struct TagSectionTests {
    // number 1, text "a", note null, no parts, mode 0
    private let plain: [UInt8] = [0, 0, 0, 1, 2, 0x61, 0, 1, 0]
    private let base = Sample(number: 1, text: "a")

    @Test func `tagged fields with their defaults are left out`() throws {
        #expect(try base.encoded(2) == plain + [0])
    }

    @Test func `tagged fields stand in the order of their tags, with their sizes in front`() throws {
        var sample = base
        sample.limit = 5
        sample.part = Sample.Part(id: 9)
        sample.names = ["x", ""]
        let tags: [UInt8] = [3, 1, 8, 0, 0, 0, 0, 0, 0, 0, 5, 3, 3, 0, 9, 0, 5, 4, 3, 2, 0x78, 1]
        #expect(try sample.encoded(3) == plain + tags)
        #expect(try Sample.decoded(plain + tags, 3) == sample)
    }

    @Test func `tags nobody knows are kept and written between the known ones`() throws {
        let tags: [UInt8] = [
            5, 0, 2, 0xAA, 0xBB, 1, 8, 0, 0, 0, 0, 0, 0, 0, 5, 2, 0, 3, 3, 0, 9, 0, 0x80, 0x01, 1, 0xCC,
        ]
        let sample = try Sample.decoded(plain + tags, 3)
        #expect(sample.limit == 5)
        #expect(sample.part.id == 9)
        #expect(sample.unknownTags.map(\.tag) == [0, 2, 128])
        #expect(sample.unknownTags.map(\.value) == [[0xAA, 0xBB], [], [0xCC]])
        #expect(try sample.encoded(3) == plain + tags)
    }

    @Test func `a tag is unknown in a version that does not have it`() throws {
        let bytes = plain + [1, 5, 2, 2, 1]
        #expect(try Sample.decoded(bytes, 3).names == [""])
        let older = try Sample.decoded(bytes, 2)
        #expect(older.names == nil)
        #expect(older.unknownTags == [UnknownTag(tag: 5, value: [2, 1])])
        #expect(try older.encoded(2) == bytes)
    }

    @Test func `tags of a structure inside a tag are its own`() throws {
        var sample = base
        sample.part = Sample.Part(id: 9, weight: 1, unknownTags: [UnknownTag(tag: 4, value: [1])])
        sample.unknownTags = [UnknownTag(tag: 4, value: [2])]
        let bytes = plain + [2, 3, 9, 0, 9, 2, 0, 1, 1, 4, 1, 1, 4, 1, 2]
        #expect(try sample.encoded(2) == bytes)
        #expect(try Sample.decoded(bytes, 2) == sample)
    }

    @Test func `a tagged field longer than 127 bytes gets a size of two bytes`() throws {
        var sample = base
        sample.names = [String(repeating: "n", count: 200)]
        let bytes = try sample.encoded(3)
        // count 1, tag 5, size 203 in two bytes, one element, length 200 + 1 in two bytes
        #expect(Array(bytes[plain.count..<plain.count + 7]) == [1, 5, 0xCB, 0x01, 2, 0xC9, 0x01])
        #expect(bytes.count == plain.count + 4 + 203)
        #expect(try Sample.decoded(bytes, 3) == sample)
    }

    @Test func `a tagged null is written, as it differs from a default that is not null`() throws {
        var encoder = WireEncoder(version: 0, flexible: true)
        try NullByTag(names: nil).write(&encoder)
        #expect(encoder.bytes() == [1, 0, 1, 0])
        #expect(try NullByTag.decoded([1, 0, 1, 0], 0, flexible: true).names == nil)
        #expect(try NullByTag.decoded([0], 0, flexible: true).names == [])
    }

    @Test(
        arguments: [
            [2, 1, 8, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0], [2, 4, 0, 4, 0],
        ] as [[UInt8]])
    func `tags that do not ascend are refused`(tags: [UInt8]) {
        #expect(throws: WireError.badTags) { try Sample.decoded(plain + tags, 2) }
    }

    @Test func `a tagged field that does not use up its size is refused`() {
        #expect(throws: WireError.badTags) { try Sample.decoded(plain + [1, 1, 9, 0, 0, 0, 0, 0, 0, 0, 5, 0], 2) }
    }

    @Test func `a tagged field cannot read beyond its size`() {
        #expect(throws: WireError.truncated(needed: 8, available: 7)) {
            try Sample.decoded(plain + [1, 1, 7, 0, 0, 0, 0, 0, 0, 0, 5], 2)
        }
    }

    @Test func `a size beyond the message, and too many tags, are refused`() {
        #expect(throws: WireError.badLength(3)) { try Sample.decoded(plain + [1, 9, 3, 0, 0], 2) }
        let count = WireDecoder.maxTags + 1
        #expect(throws: WireError.badLength(count)) {
            try Sample.decoded(plain + [UInt8(count & 0x7F | 0x80), UInt8(count >> 7)], 2)
        }
    }

    private struct NullByTag: WireStruct {
        var names: [String]? = []
        var unknownTags: [UnknownTag] = []
        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.tagged(0, &names, in: 0..., default: [])
        }
    }
}
