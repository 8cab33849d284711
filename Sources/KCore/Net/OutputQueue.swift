internal import CKernel

/// What a connection has still to send: segments of frames, in order.
struct OutputQueue {
    private var segments: [Frame.Segment] = []
    // Segments before it are sent.
    private var head = 0
    // Bytes of the first segment that are sent.
    private var sent = 0
    /// Bytes to send, plus what the queue itself costs for each segment: many empty-handed frames are memory too.
    private(set) var cost = 0
    private static let segmentCost = 128

    var isEmpty: Bool { head == segments.count }

    mutating func append(_ frame: Frame) {
        for segment in frame.segments {
            let count = OutputQueue.count(segment)
            guard count > 0 else { continue }
            segments.append(segment)
            cost += count + OutputQueue.segmentCost
        }
    }

    mutating func removeAll() {
        segments = []
        head = 0
        sent = 0
        cost = 0
    }

    /// The rest of the first segment when it is a part of a file.
    var firstFile: FileRegion? {
        guard head < segments.count, case .file(var region) = segments[head] else { return nil }
        region.position += Int64(sent)
        region.count -= sent
        return region
    }

    /// Fills `pieces` with the memory in front, up to the first part of a file or `maxBytes`.
    /// The pieces are valid until the queue is changed.
    /// - Returns: pieces, their bytes, and whether more of the queue follows.
    func gather(
        _ pieces: UnsafeMutablePointer<iovec>, maxPieces: Int, maxBytes: Int
    ) -> (pieces: Int, bytes: Int, more: Bool) {
        var count = 0
        var bytes = 0
        var index = head
        var skip = sent
        while index < segments.count, count < maxPieces, bytes < maxBytes, case .bytes(let part) = segments[index],
            let storage = part.storage
        {
            pieces[count] = iovec(iov_base: storage.base + part.offset + skip, iov_len: part.count - skip)
            bytes += part.count - skip
            count += 1
            index += 1
            skip = 0
        }
        return (count, bytes, index < segments.count)
    }

    /// Says that the first `count` bytes went out.
    mutating func advance(_ count: Int) {
        var count = count
        cost -= count
        while count > 0 {
            let rest = OutputQueue.count(segments[head]) - sent
            guard count >= rest else {
                sent += count
                return
            }
            count -= rest
            sent = 0
            cost -= OutputQueue.segmentCost
            // Drops the reference now and not when the array is compacted.
            segments[head] = .bytes(Bytes())
            head += 1
        }
        if head == segments.count {
            segments.removeAll(keepingCapacity: segments.capacity <= 64)
            head = 0
        } else if head >= 64 && head * 2 >= segments.count {
            segments.removeFirst(head)
            head = 0
        }
    }

    /// Puts `bytes`, read from the file region in front, in its place.
    mutating func replaceFront(with bytes: Bytes) {
        guard case .file(var region)? = head < segments.count ? segments[head] : nil else { return }
        region.position += Int64(sent + bytes.count)
        region.count -= sent + bytes.count
        sent = 0
        if region.count > 0 {
            segments[head] = .file(region)
            segments.insert(.bytes(bytes), at: head)
            cost += OutputQueue.segmentCost
        } else {
            segments[head] = .bytes(bytes)
        }
    }

    private static func count(_ segment: Frame.Segment) -> Int {
        switch segment {
        case .bytes(let bytes): bytes.count
        case .file(let region): region.count
        }
    }
}
