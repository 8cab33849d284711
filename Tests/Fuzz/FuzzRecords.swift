/// Records: batches of format 2, their codecs, and the older sets.
enum FuzzRecords {
    /// What a produce request holds. Checksums are mended first, since no mutation would ever hit one.
    static func batches(_ input: UnsafeRawBufferPointer) {
        let bytes = Bytes(copying: input)
        var batches = RecordBatches(bytes)
        while let batch = (try? batches.next()) ?? nil {
            let one = batches.bytes(of: batch)
            let covered = RecordBatchHeader.attributesPosition
            mend(one, at: RecordBatchHeader.crcPosition, covering: covered, CRC32C.checksum)
            checkConversion(one)
            guard let reader = try? RecordBatchReader(one, maxDecompressedBytes: limit),
                let records = try? reader.allRecords()
            else { continue }
            guard records.count == max(0, Int(batch.header.recordCount)) else {
                fatalError("a batch that has not as many records as it says")
            }
        }
        // Messages among the batches that are old enough already are taken as they are: only the consumer checks them.
        for magic in [0, 1] as [Int8] {
            _ = try? LegacyRecords.convertDown(bytes, to: magic, maxDecompressedBytes: limit)
        }
    }

    /// What is made for an old consumer of a batch can be read by one.
    private static func checkConversion(_ batch: Bytes) {
        for magic in [0, 1] as [Int8] {
            guard let down = try? LegacyRecords.convertDown(batch, to: magic, maxDecompressedBytes: limit) else {
                continue
            }
            guard (try? LegacyRecords.read(down, maxDecompressedBytes: limit)) != nil else {
                fatalError("converted down, but cannot be read")
            }
        }
    }

    /// A message set of format 0 or 1, mended likewise.
    static func messageSet(_ input: UnsafeRawBufferPointer) {
        let bytes = Bytes(copying: input)
        _ = try? LegacyRecords.read(bytes, checkCRC: false, maxDecompressedBytes: limit)
        var position = 0
        while let size = try? bytes.slice(position..<bytes.count).withUnsafeBytes({ (rest) throws(RecordsError) in
            try LegacyMessage(reading: rest, checkCRC: false).sizeInBytes
        }) {
            let message = bytes.slice(position..<position + size)
            mend(message, at: LegacyMessage.crcPosition, covering: RecordBatchHeader.magicPosition, CRC32.checksum)
            if (try? LegacyRecords.read(message, maxDecompressedBytes: limit)) != nil { checkConversion(message) }
            position += size
        }
        guard let batch = try? LegacyRecords.convertUp(bytes, maxDecompressedBytes: limit) else { return }
        guard let reader = try? RecordBatchReader(batch), (try? reader.allRecords()) != nil else {
            fatalError("converted up, but cannot be read")
        }
    }

    private static func mend(
        _ bytes: Bytes, at position: Int, covering start: Int, _ checksum: (UnsafeRawBufferPointer) -> UInt32
    ) {
        guard bytes.count > start else { return }
        bytes.withUnsafeMutableBytes { memory in
            let covered = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[start...])
            memory.storeBytes(of: checksum(covered).bigEndian, toByteOffset: position, as: UInt32.self)
        }
    }

    /// A records section, uncompressed: its count and the records.
    static func records(_ input: UnsafeRawBufferPointer) {
        guard let count = input.first else { return }
        let section = UnsafeRawBufferPointer(rebasing: input[1...])
        var header = RecordBatchHeader()
        header.recordCount = Int32(count)
        header.lastOffsetDelta = Int32(count) - 1
        guard var cursor = try? RecordCursor(records: section, header: header) else { return }
        var read = 0
        while let record = (try? cursor.next()) ?? nil {
            read += record.sizeInBytes
            for header in record.headers { read += header.key.count == 0 ? 0 : 1 }
        }
        guard read <= input.count * 2 else { fatalError("records larger than their section") }
    }

    /// A codec's number and what it should decompress.
    static func codec(_ input: UnsafeRawBufferPointer) {
        guard let first = input.first, let codec = CompressionCodec(rawValue: Int8(bitPattern: first)) else { return }
        let compressed = UnsafeRawBufferPointer(rebasing: input[1...])
        guard let bytes = try? codec.decompress(compressed, maxBytes: limit) else { return }
        guard bytes.count <= limit else { fatalError("more was decompressed than allowed") }
    }

    private static let limit = 16 << 20
}
