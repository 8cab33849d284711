extension AccumulatorState {
    /// Appends the records of a text as long as there is room: until the text is used up, a batch is full, or memory
    /// is.
    ///
    /// The fast path of kproduce: the partition's batch is looked up again only when the partition changes.
    mutating func appendLines(
        _ lines: inout LineSplitter, _ topic: Int, _ format: LineFormat, isLast: Bool, limit: inout Int,
        timestampMs: Int64, nowMs: Int64
    ) -> Outcome {
        if let end { return .ended(end) }
        var current: (partition: Int, batch: ProducerBatch, builder: RecordBatchBuilder)?
        let headersSize = format.headers.bytes.count
        let hasHeaders = headersSize > 1
        if let partition = format.partition, !topics[topic].open.indices.contains(Int(partition)) {
            return .noSuchPartition
        }
        while limit > 0 {
            let line: UnsafeRawBufferPointer
            var isRest = false
            if let next = lines.next() {
                line = next
            } else if isLast, lines.rest.count > 0 {
                line = lines.rest
                isRest = true
            } else {
                return .appended
            }
            let (key, value) = fields(line, format)
            let size = AccumulatorState.size(key, value, headersSize: headersSize)
            guard size &+ RecordBatchHeader.size <= maxRecordBytes else {
                reject(
                    topic, partition: format.partition ?? -1, key: key, value: value, timestampMs: timestampMs,
                    nowMs: nowMs)
                limit -= 1
                if isRest { lines.acceptRest() } else { lines.accept(line) }
                continue
            }
            let partition =
                format.partition.map(Int.init)
                ?? Int(topics[topic].partitioner.partition(key: key, sizeInBytes: size))
            if current?.partition != partition || (current?.builder.uncompressedSizeInBytes ?? 0) &+ size > batchBytes {
                let sealedBefore = sealed.count
                if let batch = batch(topic, partition, size: size), let builder = batch.builder {
                    current = (partition, batch, builder)
                } else {
                    // What was sealed should be on its way before more is put together.
                    if sealed.count > sealedBefore {
                        if format.partition == nil {
                            topics[topic].partitioner.leaveSticky(partition: Int32(partition))
                            topics[topic].partitioner.keep(Int32(partition))
                        }
                        return .sealed
                    }
                    let (opened, outcome) = open(topic, partition, size: size, nowMs: nowMs)
                    guard let opened, let builder = opened.builder else {
                        if format.partition == nil { topics[topic].partitioner.keep(Int32(partition)) }
                        return outcome
                    }
                    current = (partition, opened, builder)
                }
            }
            guard let current else { return .appended }
            do throws(RecordsError) {
                if hasHeaders {
                    try current.builder.append(timestamp: timestampMs, key: key, value: value, headers: format.headers)
                } else {
                    try current.builder.append(timestamp: timestampMs, key: key, value: value)
                }
            } catch {
                return .tooLarge
            }
            current.batch.serials.append(nextSerial)
            nextSerial &+= 1
            limit &-= 1
            acceptedBytes &+= Int64((key?.count ?? 0) &+ (value?.count ?? 0))
            if isRest { lines.acceptRest() } else { lines.accept(line) }
        }
        return .appended
    }

    /// Key and value of a line.
    @inline(__always)
    private func fields(
        _ line: UnsafeRawBufferPointer, _ format: LineFormat
    ) -> (key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?) {
        if format.keyDelimiter == nil && format.key == nil {
            return (nil, line.isEmpty && format.emptyValueIsNull ? nil : line)
        }
        return keyedFields(line, format)
    }

    private func keyedFields(
        _ line: UnsafeRawBufferPointer, _ format: LineFormat
    ) -> (key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?) {
        var value = line
        // The caller's format outlives the call, and with it the key's memory.
        var key = format.key.map { bytes in
            bytes.withUnsafeBytes { UnsafeRawBufferPointer(start: $0.baseAddress, count: $0.count) }
        }
        if let delimiter = format.keyDelimiter, let position = line.firstRange(of: delimiter) {
            key = UnsafeRawBufferPointer(rebasing: line[..<position])
            value = UnsafeRawBufferPointer(rebasing: line[(position + delimiter.count)...])
        }
        return (key, value.isEmpty && format.emptyValueIsNull ? nil : value)
    }
}
