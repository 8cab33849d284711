import Testing

@testable import KCore

/// What a hostile peer may send: nothing of it may trap, and memory is taken only for what has arrived.
@Suite struct LimitTests {
    @Test(arguments: [Int32.max, Int32.max - 1, 1 << 20, 5, -2, Int32.min])
    func `a count that the rest of the message cannot hold is refused`(count: Int32) {
        var encoder = WireEncoder(version: 0, flexible: false)
        encoder.integer(count)
        encoder.integer(0 as Int32)
        var decoder = WireDecoder(encoder.bytes(), version: 0, flexible: false)
        #expect(throws: WireError.badLength(Int(count))) { try [Int64].read(&decoder) }
    }

    @Test func `the largest compact count is refused`() {
        let bytes: Bytes = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 0]
        var decoder = WireDecoder(bytes, version: 0, flexible: true)
        #expect(throws: WireError.badLength(Int(UInt32.max) - 1)) { try [Int8].read(&decoder) }
        decoder = WireDecoder(bytes, version: 0, flexible: true)
        #expect(throws: WireError.badLength(Int(UInt32.max) - 1)) { try String.read(&decoder) }
        decoder = WireDecoder(bytes, version: 0, flexible: true)
        #expect(throws: WireError.badLength(Int(UInt32.max) - 1)) { try Bytes.read(&decoder) }
    }

    @Test func `a compact string is no longer than one with a length of 16 bits`() throws {
        for length in [32767, 32768] {
            var encoder = WireEncoder(version: 0, flexible: true)
            encoder.unsignedVarint(UInt32(length + 1))
            for _ in 0..<length { encoder.integer(UInt8(ascii: "x")) }
            var decoder = WireDecoder(encoder.bytes(), version: 0, flexible: true)
            let string = try? String.read(&decoder)
            #expect(string?.utf8.count == (length == 32767 ? length : nil))
        }
    }

    @Test func `a string that would be too long when it is written again is refused`() {
        for (count, isRefused) in [(10_922, false), (10_923, true), (32_767, true)] {
            var encoder = WireEncoder(version: 0, flexible: false)
            encoder.integer(Int16(count))
            // Each is no UTF-8, and is replaced by three bytes.
            for _ in 0..<count { encoder.integer(0xFF as UInt8) }
            var decoder = WireDecoder(encoder.bytes(), version: 0, flexible: false)
            let string = try? String.read(&decoder)
            #expect((string == nil) == isRefused)
        }
    }

    @Test func `a negative string or byte length other than null is refused`() {
        var decoder = WireDecoder([0xFF, 0xFE, 0, 0], version: 0, flexible: false)
        #expect(throws: WireError.badLength(-2)) { try String.readNullable(&decoder) }
        decoder = WireDecoder([0xFF, 0xFF, 0xFF, 0xFE], version: 0, flexible: false)
        #expect(throws: WireError.badLength(-2)) { try WireRecords.readNullable(&decoder) }
    }

    @Test func `an array of large structures cannot take much more memory than its bytes`() {
        // A partition is some hundred bytes in memory and could be claimed with one byte each.
        let count = WireDecoder.memoryLimit / MemoryLayout<FetchResponse.PartitionData>.stride + 1
        let storage = ByteStorage(capacity: count + 8)
        storage.base.initializeMemory(as: UInt8.self, repeating: 0, count: count + 8)
        storage.base.storeBytes(of: Int32(count).bigEndian, as: Int32.self)
        let bytes = Bytes(storage: storage, count: count + 8)
        var decoder = WireDecoder(bytes, version: 4, flexible: false)
        #expect(throws: WireError.memoryLimit) { try [FetchResponse.PartitionData].read(&decoder) }
    }

    @Test func `the limit is for all arrays and strings of a message together`() throws {
        let text = Bytes(String(repeating: "x", count: 1 << 14))
        var encoder = WireEncoder(version: 0, flexible: true)
        for _ in 0...(WireDecoder.memoryLimit >> 14) { try encoder.bytes(text) }
        var decoder = WireDecoder(encoder.bytes(), version: 0, flexible: true)
        #expect(throws: WireError.memoryLimit) {
            while decoder.remaining > 0 { _ = try String.read(&decoder) }
        }
        #expect(decoder.remaining > 0)
    }

    @Test func `byte fields share the frame's memory, and take none of the limit`() throws {
        var encoder = WireEncoder(version: 0, flexible: false)
        try encoder.bytes([1, 2, 3])
        let frame = encoder.bytes()
        var decoder = WireDecoder(frame, version: 0, flexible: false)
        let field = try Bytes.read(&decoder)
        #expect(field == [1, 2, 3])
        #expect(field.storage === frame.storage)
    }

    @Test func `reading from an empty frame is refused`() {
        var decoder = WireDecoder(Bytes(), version: 0, flexible: true)
        #expect(throws: WireError.truncated(needed: 1, available: 0)) { try Bool.read(&decoder) }
        #expect(throws: WireError.truncated(needed: 1, available: 0)) { try String.read(&decoder) }
        #expect(throws: WireError.truncated(needed: 8, available: 0)) { try Uuid.read(&decoder) }
    }
}
