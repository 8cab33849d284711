@testable import KCore

extension Simulation {
    func append(_ kind: SimulationPlan.Kind, _ log: Log, _ random: inout SimulatedDisk.Random) throws {
        guard let model = models[log.topicPartition] else { return }
        switch kind {
        case .appendReplicated: try append(replicated(model, &random), log, .replication)
        case .appendSeveral:
            var batches: [ModelBatch] = []
            var next = model.endOffset
            for _ in 0..<random.int(2...3) {
                let batch = try makeBatch(model, BatchOptions(), at: next, &random)
                next = batch.lastOffset + 1
                batches.append(batch)
            }
            try append(batches, log, .client)
        case .appendIdempotent:
            let options = producerOptions(model, Int64(random.int(1...3)), &random)
            try append([try makeBatch(model, options, at: model.endOffset, &random)], log, .client)
        case .resend: try resend(log, model, &random)
        case .beginTransaction:
            var options = producerOptions(model, Int64(random.int(11...12)), &random)
            options.isTransactional = true
            try append([try makeBatch(model, options, at: model.endOffset, &random)], log, .client)
        case .endTransaction: try endTransaction(log, model, &random)
        default: try append([try makeBatch(model, BatchOptions(), at: model.endOffset, &random)], log, .client)
        }
    }

    // MARK: Batches

    private func makeBatch(
        _ model: LogModel, _ options: BatchOptions, at offset: Int64, _ random: inout SimulatedDisk.Random
    ) throws -> ModelBatch {
        var options = options
        if random.oneIn(4) { options.compression = .lz4 }
        options.baseOffset = offset
        options.partitionLeaderEpoch = model.leaderEpoch
        let records = (0..<Int64(random.int(1...4))).map { index in
            nextId += 1
            let hasKey = model.isCompacted || random.oneIn(3)
            let padding = String(repeating: "x", count: random.oneIn(3) ? random.int(0...300) : random.int(0...20))
            let isTombstone = model.isCompacted && random.oneIn(6)
            return Record(
                offset: offset + index, timestamp: clock.wallMs + Int64(random.int(-3000...1000)),
                key: hasKey ? Bytes("key \(random.int(0...lastKey))") : nil,
                value: isTombstone ? nil : Bytes("value \(nextId) \(padding)"),
                headers: random.oneIn(5) ? [RecordHeader(key: "n", value: Bytes("\(nextId)"))] : [])
        }
        return try finish(try RecordBatchBuilder.batch(records, options), model)
    }

    private func finish(_ bytes: Bytes, _ model: LogModel) throws -> ModelBatch {
        let reader = try RecordBatchReader(bytes)
        nextId += 1
        let isRewritten = model.config.compression != .producer || model.config.messageTimestampType == .logAppendTime
        return ModelBatch(
            id: nextId, header: reader.header, records: try reader.allRecords(),
            bytes: isRewritten ? nil : bytes)
    }

    private func producerOptions(
        _ model: LogModel, _ id: Int64, _ random: inout SimulatedDisk.Random
    ) -> BatchOptions {
        var options = BatchOptions()
        options.producerId = id
        if let last = model.producers[id], !last.isControl, !random.oneIn(10) || model.transactions[id] != nil {
            options.producerEpoch = last.producerEpoch
            options.baseSequence = SequenceNumber.next(last.lastSequence)
        } else {
            options.producerEpoch = (model.producerEpochs[id] ?? -1) + 1
            options.baseSequence = 0
        }
        return options
    }

    private func replicated(_ model: LogModel, _ random: inout SimulatedDisk.Random) throws -> [ModelBatch] {
        var next = model.endOffset
        if model.isCompacted && random.oneIn(2) { next += Int64(random.int(1...10)) }
        var batches: [ModelBatch] = []
        for _ in 0..<random.int(1...2) {
            var batch = try makeBatch(model, BatchOptions(), at: next, &random)
            if batch.bytes == nil {
                // A follower stores what it gets.
                batch.bytes = try RecordBatchBuilder.batch(batch.records, BatchOptions(keeping: batch.header))
            }
            next = batch.lastOffset + 1
            batches.append(batch)
        }
        return batches
    }

    private func endTransaction(_ log: Log, _ model: LogModel, _ random: inout SimulatedDisk.Random) throws {
        guard let id = random.pick(model.transactions.keys.sorted()), let last = model.producers[id] else { return }
        let marker = EndTransactionMarker(isCommit: random.oneIn(2), coordinatorEpoch: 1)
        let bytes = try marker.batch(producerId: id, producerEpoch: last.producerEpoch, timestampMs: clock.wallMs)
        let records = try RecordBatchReader(bytes).allRecords()
        var options = BatchOptions(keeping: try RecordBatchReader(bytes).header)
        options.baseOffset = model.endOffset
        options.partitionLeaderEpoch = model.leaderEpoch
        let moved = records.map {
            Record(offset: $0.offset + model.endOffset, timestamp: $0.timestamp, key: $0.key, value: $0.value)
        }
        var batch = try finish(try RecordBatchBuilder.batch(moved, options), model)
        batch.marker = marker
        try append([batch], log, .coordinator)
    }

    // MARK: Handing over

    /// What is sent has offsets of its own, as producers send it; a leader's records keep theirs.
    private func wire(_ batches: [ModelBatch], _ origin: AppendOrigin) throws -> Bytes {
        var sent: [UInt8] = []
        for batch in batches {
            var options = BatchOptions(keeping: batch.header)
            var records = batch.records
            if origin != .replication {
                options.baseOffset = 0
                options.partitionLeaderEpoch = -1
                for index in records.indices { records[index].offset -= batch.baseOffset }
            }
            try RecordBatchBuilder.batch(records, options).withUnsafeBytes { sent.append(contentsOf: $0) }
        }
        return Bytes(sent)
    }

    private func append(_ batches: [ModelBatch], _ log: Log, _ origin: AppendOrigin) throws {
        let partition = log.topicPartition
        guard let first = batches.first, let last = batches.last else { return }
        for batch in batches { models[partition]?.attempt(batch) }
        if first.baseOffset > models[partition]?.endOffset ?? 0 { models[partition]?.hasGaps = true }
        let bytes = try wire(batches, origin)
        let epoch = models[partition]?.leaderEpoch ?? 0
        let outcome = Result { () throws(LogError) in try log.append(bytes, leaderEpoch: epoch, origin: origin) }
        var result: AppendResult?
        switch outcome {
        case .success(let value): result = value
        case .failure(let error):
            tell("    fails: \(error)")
            if disk.isDead { return }
            if error.code == .recordListTooLarge && bytes.count > log.config.segmentBytes { return }
            guard mayFail(log) else { throw SimulationFailure("\(partition): an append fails: \(error)") }
            if log.isOffline { models[partition]?.isUncertain = true }
            // Its records can be in although they could not be flushed.
            if log.logEndOffset != last.lastOffset + 1 { return }
        }
        if disk.isDead { return }
        tell("    \(first.baseOffset) to \(last.lastOffset)")
        if let result {
            guard !result.isDuplicate, result.baseOffset == first.baseOffset, result.lastOffset == last.lastOffset
            else {
                throw SimulationFailure(
                    "\(partition): appended at \(first.baseOffset), the answer is \(result.baseOffset) to "
                        + "\(result.lastOffset)\(result.isDuplicate ? ", a duplicate" : "")")
            }
        }
        for batch in batches { models[partition]?.append(batch) }
        log.highWatermark = .max
        if result?.awaitsFlush == true { awaitFlush(log, to: last.lastOffset + 1) }
    }

    /// As an answer with acks=all waits. What was cut off meanwhile is promised to nobody.
    private func awaitFlush(_ log: Log, to offset: Int64) {
        let cuts = models[log.topicPartition]?.cuts
        log.whenFlushed(to: offset) { [weak self] error in
            guard let self, error == nil, !disk.isDead else { return }
            guard let model = models[log.topicPartition], model.cuts == cuts else { return }
            if failedDirectories.contains(directory(of: log)) { return }
            models[log.topicPartition]?.promise(to: offset)
        }
    }

    private func resend(_ log: Log, _ model: LogModel, _ random: inout SimulatedDisk.Random) throws {
        // What was to be removed and came back with the power is not known any more.
        let first = max(model.startOffset, model.askedStart)
        let known = model.producers.filter { $0.value.lastOffset >= first && !$0.value.isControl }
        guard let id = random.pick(known.keys.sorted()), let header = known[id],
            let batch = model.live.last(where: { $0.baseOffset == header.baseOffset }),
            // Cleaning has left less of it than was sent.
            batch.records.count == Int(batch.header.recordCount)
        else { return }
        tell("    producer \(id): \(batch.baseOffset) to \(batch.lastOffset) again")
        let bytes = try wire([batch], .client)
        try excusing(log) {
            let result = try log.append(bytes, leaderEpoch: model.leaderEpoch, origin: .client)
            guard result.isDuplicate, result.baseOffset == batch.baseOffset else {
                throw SimulationFailure("\(log.topicPartition): what was sent again is at \(result.baseOffset)")
            }
        }
    }
}
