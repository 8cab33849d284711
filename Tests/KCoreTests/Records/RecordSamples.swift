@testable import KCore

/// Records and bytes made from a seed.
enum RecordSamples {
    static func bytes(_ count: Int, using generator: inout SeededGenerator) -> Bytes {
        let storage = ByteStorage(capacity: count + 8)
        for position in stride(from: 0, to: count, by: 8) {
            storage.base.storeBytes(of: generator.next(), toByteOffset: position, as: UInt64.self)
        }
        return Bytes(storage: storage, count: count)
    }

    /// Records with everything that can vary: nulls, empty fields, long fields, headers, time going back.
    static func records(_ count: Int, using generator: inout SeededGenerator) -> [Record] {
        let start: Int64 = 1_700_000_000_000
        return (0..<count).map { index in
            Record(
                offset: Int64(index), timestamp: start + Int64.random(in: -100_000...1_000_000, using: &generator),
                key: field(using: &generator), value: field(using: &generator),
                headers: (0..<Int.random(in: 0...3, using: &generator)).map {
                    RecordHeader(key: ["", "trace", "ключ-\($0)"][$0], value: field(using: &generator))
                })
        }
    }

    private static func field(using generator: inout SeededGenerator) -> Bytes? {
        switch Int.random(in: 0...9, using: &generator) {
        case 0: nil
        case 1: Bytes()
        case 2: bytes(Int.random(in: 60...70, using: &generator), using: &generator)
        case 3: Bytes([UInt8](repeating: 7, count: Int.random(in: 8000...9000, using: &generator)))
        default: bytes(Int.random(in: 1...40, using: &generator), using: &generator)
        }
    }
}
