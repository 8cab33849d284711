internal import CKernel
internal import Glibc

/// Bytes one connection may move in one turn before others get theirs.
private let maxBytesPerTurn = 1024 * 1024

extension Connection {
    /// Reads what is there, up to a limit, and delivers the frames in it.
    func readAvailable() {
        if !backlog.isEmpty {
            let bytes = backlog
            backlog = Bytes()
            bytes.withUnsafeBytes { input in
                let rest = deliver(input)
                if isOpen { backlog = bytes.slice(bytes.count - rest..<bytes.count) }
            }
        }
        var budget = maxBytesPerTurn
        while isOpen, pauses.isEmpty, budget > 0 {
            let scratch = loop.buffers.scratch
            let room = reader.directRoom(&loop.buffers.storages)
            let got = room.map { transport.read(into: $0, then: scratch) } ?? transport.read(into: scratch)
            guard got > 0 else {
                if got == -Int(EINTR) { continue }
                return readFailed(got)
            }
            lastActiveMs = loop.nowMs
            receivedBytes += Int64(got)
            budget -= got
            if discardsInput { continue }
            let direct = min(got, room?.count ?? 0)
            if direct > 0, let frame = reader.received(directly: direct) { handler?.received(frame, on: self) }
            if got > direct {
                let input = UnsafeRawBufferPointer(rebasing: scratch[..<(got - direct)])
                let rest = deliver(input)
                if rest > 0, isOpen { backlog = Bytes(copying: UnsafeRawBufferPointer(rebasing: input.suffix(rest))) }
            }
            // The socket gave less than it could have: it is empty, and epoll will tell when it is not.
            if got < (room?.count ?? 0) + scratch.count { break }
        }
        if isOpen, !pauses.isEmpty || transport.layer?.hasBufferedInput == true { scheduleTurn() }
    }

    /// Delivers frames from `input` until it is used up or reading is paused.
    /// - Returns: bytes at the end of `input` that were not used.
    private func deliver(_ input: UnsafeRawBufferPointer) -> Int {
        var input = input
        while isOpen, pauses.isEmpty {
            do throws(FrameLengthError) {
                guard let frame = try reader.next(&input, &loop.buffers.storages) else { return 0 }
                handler?.received(frame, on: self)
            } catch {
                close(.badFrameLength(error.length))
                return 0
            }
        }
        return input.count
    }

    private func readFailed(_ result: Int) {
        switch -result {
        case 0: inputEnded()
        case Int(EAGAIN): break
        default: close(.failed(NetError("receive", code: Int32(truncatingIfNeeded: result))))
        }
    }

    /// Sends what is queued, up to a limit, as far as the socket takes it.
    func flush() {
        var budget = maxBytesPerTurn
        while !output.isEmpty, !isWriteBlocked {
            guard budget > 0 else { return scheduleTurn() }
            var most = budget
            if let region = output.firstFile {
                most = inMemory(region, budget)
                // The output goes on when it has been read.
                if most == 0 { return }
            }
            let (asked, result) = sendNext(most)
            guard result > 0 else {
                switch -result {
                case 0: return close(.brokenRegion)
                case Int(EAGAIN): isWriteBlocked = true
                case Int(EINTR): continue
                default: return close(.failed(NetError("send", code: Int32(truncatingIfNeeded: result))))
                }
                return
            }
            output.advance(result)
            sentBytes += Int64(result)
            lastActiveMs = loop.nowMs
            budget -= result
            if result < asked { isWriteBlocked = true }
        }
    }

    /// - Returns: bytes that were offered, and bytes that went, 0 when a file ended too early, or a negative `errno`.
    private func sendNext(_ budget: Int) -> (asked: Int, result: Int) {
        if let region = output.firstFile {
            let count = min(region.count, budget)
            if transport.canSendFiles, let descriptor = region.source.descriptor {
                let result = transport.sendFile(descriptor, position: region.position, count: count)
                // Some file systems cannot.
                if result != -Int(EINVAL) { return (count, result) }
            }
            guard loadFront(region) else { return (count, 0) }
        }
        let pieces = loop.buffers.pieces
        let (count, bytes, more) = output.gather(pieces, maxPieces: LoopBuffers.maxPieces, maxBytes: budget)
        return (bytes, transport.write(pieces, count: count, more: more))
    }

    /// Puts a part of the file region in front of the queue into memory.
    private func loadFront(_ region: FileRegion) -> Bool {
        let count = min(region.count, 128 * 1024)
        let storage = loop.buffers.storages.take(atLeast: count) ?? loop.buffers.storages.make(count)
        let got = region.source.read(
            at: region.position, into: UnsafeMutableRawBufferPointer(start: storage.base, count: count))
        guard got > 0 else { return false }
        output.replaceFront(with: Bytes(storage: storage, count: min(got, count)))
        return true
    }
}
