/// Prints the files of a log directory as Kafka's dump tool does. Reads only what is asked for, changes nothing, and says
/// where a file is damaged instead of stopping at it.
public struct SegmentDump {
    public struct Options: Sendable {
        /// Print the records, not only the batches.
        public var printsData = false
        /// Print batches without their records' payload lines being decoded, even if ``printsData``.
        public var maxMessageBytes = 256 << 20

        public init() {}
    }

    let disk: any Disk
    let options: Options
    private let output: (String) -> Void

    /// - Parameter output: called with each line, without its end.
    public init(disk: any Disk = SystemDisk(), options: Options = Options(), output: @escaping (String) -> Void) {
        self.disk = disk
        self.options = options
        self.output = output
    }

    /// Prints a file of any kind, told by its name.
    /// - Returns: whether all of it was sound.
    /// - Throws: KAFKA_STORAGE_ERROR when it cannot be read, INVALID_REQUEST when it is no file of a log.
    public func dump(_ path: String) throws(LogError) -> Bool {
        output("Dumping \(path)")
        let name = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[path.index(after: $0)...]) } ?? path
        let file: any DiskFile
        let size: Int64
        do {
            file = try disk.open(path, .read)
            size = try file.size()
        } catch {
            throw LogError(error)
        }
        guard let (baseOffset, kind) = SegmentFileKind.parse(name) else { return try dumpText(file, size, name) }
        do {
            switch kind {
            case .log: return try dumpLog(file, size, baseOffset)
            case .offsetIndex: return try dumpOffsetIndex(file, size, baseOffset)
            case .timeIndex: return try dumpTimeIndex(file, size, baseOffset)
            case .producerSnapshot: return try dumpSnapshot(file, size, baseOffset)
            case .transactionIndex: return try dumpTransactionIndex(file, size)
            }
        } catch {
            throw LogError(error)
        }
    }

    // MARK: Batches

    private func dumpLog(_ file: any DiskFile, _ size: Int64, _ baseOffset: Int64) throws(LogFault) -> Bool {
        output("Log starting offset: \(baseOffset)")
        var isSound = true
        var position: Int64 = 0
        do {
            try BatchScanner.scan(file, from: 0, to: size) { (scanner) throws(LogFault) in
                while let batch = try scanner.next() {
                    let isBatchSound = try dump(batch, file)
                    isSound = isSound && isBatchSound
                    position = batch.end
                }
            }
        } catch .damaged(_, let place, let reason) {
            output("Found \(size - place) invalid bytes at the end of \(file.path), from position \(place): \(reason)")
            return false
        }
        return isSound && position == size
    }

    private func dump(_ batch: StoredBatch, _ file: any DiskFile) throws(LogFault) -> Bool {
        guard let header = batch.header else {
            output("offset: \(batch.lastOffset) position: \(batch.position) size: \(batch.size) magic: below 2")
            return true
        }
        guard batch.size <= options.maxMessageBytes else {
            output("baseOffset: \(batch.baseOffset) position: \(batch.position) size: \(batch.size) is too large to read")
            return false
        }
        let bytes = try onDisk { () throws(DiskError) in try file.readBytes(at: batch.position, count: batch.size) }
        let isValid = bytes.withUnsafeBytes { RecordBatchHeader.isCRCValid($0) }
        output(SegmentDump.line(header, position: batch.position, isValid: isValid))
        guard options.printsData, isValid else { return isValid }
        do throws(RecordsError) {
            try RecordBatchReader(bytes, checkCRC: false).forEachRecord { (record) throws(RecordsError) in
                output(SegmentDump.line(record, header))
            }
        } catch {
            output("the records cannot be read: \(error)")
            return false
        }
        return true
    }

    private static func line(_ header: RecordBatchHeader, position: Int64, isValid: Bool) -> String {
        let horizon = header.deleteHorizonMs.map { "OptionalLong[\($0)]" } ?? "OptionalLong.empty"
        let codec = header.attributes.compression?.name ?? "unknown(\(header.attributes.compressionId))"
        return "baseOffset: \(header.baseOffset) lastOffset: \(header.lastOffset) count: \(header.recordCount)"
            + " baseSequence: \(header.baseSequence) lastSequence: \(header.lastSequence)"
            + " producerId: \(header.producerId) producerEpoch: \(header.producerEpoch)"
            + " partitionLeaderEpoch: \(header.partitionLeaderEpoch) isTransactional: \(header.isTransactional)"
            + " isControl: \(header.isControl) deleteHorizonMs: \(horizon) position: \(position)"
            + " \(name(header.attributes.timestampType)): \(header.maxTimestamp) size: \(header.sizeInBytes)"
            + " magic: \(header.magic) compresscodec: \(codec) crc: \(header.crc) isvalid: \(isValid)"
    }

    private static func name(_ type: TimestampType) -> String {
        type == .createTime ? "CreateTime" : "LogAppendTime"
    }

    private static func line(_ record: RecordView, _ header: RecordBatchHeader) -> String {
        let sequence =
            header.baseSequence < 0
            ? -1
            : SequenceNumber.increment(header.baseSequence, by: Int32(truncatingIfNeeded: record.offset - header.baseOffset))
        var keys: [String] = []
        for header in record.headers { keys.append(String(decoding: header.key, as: UTF8.self)) }
        var line =
            "| offset: \(record.offset) \(name(header.attributes.timestampType)): \(record.timestamp)"
            + " keySize: \(record.key?.count ?? -1) valueSize: \(record.value?.count ?? -1)"
            + " sequence: \(sequence) headerKeys: [\(keys.joined(separator: ","))]"
        if header.isControl { return line + controlText(record) }
        if let key = record.key { line += " key: " + String(decoding: key, as: UTF8.self) }
        if let value = record.value { line += " payload: " + String(decoding: value, as: UTF8.self) }
        return line
    }

    private static func controlText(_ record: RecordView) -> String {
        do throws(RecordsError) {
            if let marker = try EndTransactionMarker(record) {
                return " endTxnMarker: \(marker.isCommit ? "COMMIT" : "ABORT") coordinatorEpoch: \(marker.coordinatorEpoch)"
            }
            let type = try ControlRecordType(key: record.key)
            return " controlType: \(type)(\(type.rawValue))"
        } catch {
            return " controlType: \(error)"
        }
    }

    // MARK: Text

    private func dumpText(_ file: any DiskFile, _ size: Int64, _ name: String) throws(LogError) -> Bool {
        let isText =
            [LeaderEpochs.fileName, PartitionMetadataFile.name, LogDirectoryName.cleanStopMarker, "meta.properties"]
            .contains(name) || name.hasSuffix("-checkpoint")
        guard isText else {
            throw LogError(.invalidRequest, "\(name) is not named like a file of a log")
        }
        do {
            let text = try file.readBytes(at: 0, count: Int(min(size, 64 << 20))).utf8String
            for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast(text.hasSuffix("\n") ? 1 : 0) {
                output(String(line))
            }
            return true
        } catch {
            throw LogError(error)
        }
    }

    func print(_ line: String) { output(line) }
}
