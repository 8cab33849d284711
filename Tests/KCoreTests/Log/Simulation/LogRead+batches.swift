@testable import KCore

extension LogRead {
    enum Unreadable: Error { case file }

    /// The batches, loaded.
    func batches() throws -> [Bytes] {
        guard case .files(let regions) = records else { return [] }
        var result: [Bytes] = []
        for region in regions {
            guard let bytes = region.load() else { throw Unreadable.file }
            var scan = RecordBatches(bytes)
            while let batch = try scan.next() { result.append(scan.bytes(of: batch)) }
        }
        return result
    }
}
