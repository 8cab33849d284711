@testable import KCore

/// A message with everything a definition may have, for tests of the coder itself. Version 2 is the first flexible one.
struct Sample: WireStruct {
    var number: Int32 = 0
    var text = ""
    /// May be null from version 1 on.
    var note: String?
    var parts: [Part] = []
    var mode: Int8 = 0
    var limit: Int64 = -1
    var part = Part()
    var names: [String]?
    var unknownTags: [UnknownTag] = []

    mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
        try c.field(&number)
        try c.field(&text)
        try c.field(&note, in: 0..., nullable: 1...)
        try c.field(&parts)
        try c.field(&mode, in: 1..., else: 0)
        try c.tagged(1, &limit, in: 2..., default: -1)
        try c.tagged(3, &part, in: 2..., default: Part())
        try c.tagged(5, &names, in: 3..., default: nil)
    }

    struct Part: WireStruct {
        var id: Int16 = 0
        var weight: Int8 = 7
        var unknownTags: [UnknownTag] = []

        mutating func fields<C: Coder>(_ c: inout C) throws(WireError) {
            try c.field(&id)
            try c.tagged(0, &weight, in: 2..., default: 7)
        }
    }
}

extension WireStruct {
    func encoded(_ version: Int16, flexible: Bool? = nil) throws(WireError) -> [UInt8] {
        var encoder = WireEncoder(version: version, flexible: flexible ?? (version >= 2), capacity: 1)
        try write(&encoder)
        return encoder.bytes().array
    }

    static func decoded(_ bytes: [UInt8], _ version: Int16, flexible: Bool? = nil) throws(WireError) -> Self {
        var decoder = WireDecoder(Bytes(bytes), version: version, flexible: flexible ?? (version >= 2))
        let value = try read(&decoder)
        try decoder.finish()
        return value
    }
}
