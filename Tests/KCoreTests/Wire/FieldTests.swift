import Testing

@testable import KCore

@Suite struct FieldTests {
    @Test func `lengths are fixed in old versions and compact in flexible ones`() throws {
        let sample = Sample(number: -2, text: "ab", note: "c", parts: [.init(id: 1)], mode: 0)
        #expect(
            try sample.encoded(0)
                == [0xFF, 0xFF, 0xFF, 0xFE, 0, 2, 0x61, 0x62, 0, 1, 0x63, 0, 0, 0, 1, 0, 1])
        #expect(
            try sample.encoded(2)
                == [0xFF, 0xFF, 0xFF, 0xFE, 3, 0x61, 0x62, 2, 0x63, 2, 0, 1, 0, 0, 0])
    }

    @Test func `null is refused in a version that does not allow it`() throws {
        #expect(throws: WireError.unexpectedNull) { try Sample(note: nil).encoded(0) }
        #expect(throws: WireError.unexpectedNull) {
            try Sample.decoded([0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0], 0)
        }
        #expect(try Sample.decoded(Sample(note: nil).encoded(1), 1).note == nil)
    }

    @Test func `null for a field that is never null is refused`() {
        // text
        #expect(throws: WireError.unexpectedNull) { try Sample.decoded([0, 0, 0, 0, 0xFF, 0xFF], 0) }
        #expect(throws: WireError.unexpectedNull) { try Sample.decoded([0, 0, 0, 0, 0], 2) }
        // parts
        #expect(throws: WireError.unexpectedNull) { try Sample.decoded([0, 0, 0, 0, 1, 1, 0, 0, 0], 2) }
    }

    @Test func `a value that the version has no field for is refused where it may not be dropped`() throws {
        #expect(throws: WireError.noFieldInVersion(0)) { try Sample(note: "", mode: 1).encoded(0) }
        #expect(try Sample.decoded(Sample(note: "", mode: 1).encoded(1), 1).mode == 1)
        #expect(try Sample.decoded(Sample(note: "", limit: 4).encoded(1), 1).limit == -1)
    }

    @Test func `a structure that may be null has a byte in front`() throws {
        #expect(try MaybePart(part: nil).encoded(0) == [0xFF])
        #expect(try MaybePart(part: .init(id: 3)).encoded(0) == [1, 0, 3])
        #expect(try MaybePart.decoded([0xFF], 0).part == nil)
        #expect(try MaybePart.decoded([1, 0, 3], 0).part == Sample.Part(id: 3))
    }

    @Test func `a string of 32767 bytes is the longest, in both forms`() throws {
        let longest = String(repeating: "s", count: 32767)
        for version in [1, 2] as [Int16] {
            let sample = Sample(text: longest)
            #expect(try Sample.decoded(sample.encoded(version), version) == sample)
            #expect(throws: WireError.valueTooLong(32768)) { try Sample(text: longest + "s").encoded(version) }
            // Bytes count, not characters.
            #expect(throws: WireError.valueTooLong(32768)) {
                try Sample(text: String(repeating: "ä", count: 16384)).encoded(version)
            }
        }
    }

    @Test func `bytes that are not UTF-8 are replaced, never refused`() throws {
        #expect(try Sample.decoded([0, 0, 0, 0, 0, 2, 0x61, 0xFF, 0, 0, 0, 0, 0, 0], 0).text == "a\u{FFFD}")
    }

    @Test func `numbers are big-endian and reach to the ends of their types`() throws {
        let numbers = Numbers(
            a: .min, b: .max, z: .max, d: .min, e: .max, f: .min, g: -0.5, h: true, i: Uuid(high: 1, low: .max))
        let bytes = try numbers.encoded(0)
        #expect(
            bytes.hex == "80" + "7fff" + "ffff" + "80000000" + "ffffffff" + "8000000000000000"
                + "bfe0000000000000" + "01" + "0000000000000001ffffffffffffffff")
        #expect(try Numbers.decoded(bytes, 0) == numbers)
    }

    private struct MaybePart: WireStruct {
        var part: Sample.Part?
        var unknownTags: [UnknownTag] = []
        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) { try c.field(&part) }
    }

    private struct Numbers: WireStruct {
        var a: Int8 = 0
        var b: Int16 = 0
        var z: UInt16 = 0
        var d: Int32 = 0
        var e: UInt32 = 0
        var f: Int64 = 0
        var g = 0.0
        var h = false
        var i = Uuid.zero
        var unknownTags: [UnknownTag] = []
        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&a)
            try c.field(&b)
            try c.field(&z)
            try c.field(&d)
            try c.field(&e)
            try c.field(&f)
            try c.field(&g)
            try c.field(&h)
            try c.field(&i)
        }
    }
}
