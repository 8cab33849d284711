/// What becomes of a segment's file, as its name says it.
enum SegmentFileStage: UInt8, Sendable {
    /// Part of the log.
    case regular
    /// The cleaner writes it.
    case cleaned
    /// Whole, and about to take the place of the segments that it was made of.
    case swap
    /// Waits to be removed.
    case deleted

    var suffix: String {
        switch self {
        case .regular: ""
        case .cleaned: ".cleaned"
        case .swap: ".swap"
        case .deleted: SegmentFileKind.deletedSuffix
        }
    }
}

/// The files that belong to a base offset, by Kafka's names: the offset in 20 digits and the kind.
enum SegmentFileKind: String, Sendable, CaseIterable {
    case log = ".log"
    case offsetIndex = ".index"
    case timeIndex = ".timeindex"
    case transactionIndex = ".txnindex"
    case producerSnapshot = ".snapshot"

    /// What a file is called while it waits to be removed.
    static let deletedSuffix = ".deleted"

    func fileName(baseOffset: Int64) -> String {
        let digits = String(baseOffset)
        return String(repeating: "0", count: max(0, 20 - digits.utf8.count)) + digits + rawValue
    }

    /// The base offset and kind that a name states; nil for every other name.
    static func parse(_ name: String) -> (baseOffset: Int64, kind: SegmentFileKind)? {
        guard name.utf8.count > 20, let kind = SegmentFileKind(rawValue: String(name.dropFirst(20))) else { return nil }
        var offset: Int64 = 0
        for byte in name.utf8.prefix(20) {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            let (scaled, overflow) = offset.multipliedReportingOverflow(by: 10)
            let (sum, carry) = scaled.addingReportingOverflow(Int64(byte - UInt8(ascii: "0")))
            if overflow || carry { return nil }
            offset = sum
        }
        return (offset, kind)
    }
}
