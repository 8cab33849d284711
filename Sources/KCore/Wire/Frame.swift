/// An open file that parts of frames can be sent from. Whoever holds a reference keeps it open.
public protocol RegionSource: AnyObject, Sendable {
    /// The descriptor for `sendfile`, or nil where there is none (a simulated disk): then ``read(at:into:)`` is used.
    var descriptor: Int32? { get }
    /// Reads up to `target.count` bytes from `position`; fewer only at the end of the file.
    /// - Returns: bytes read, or a negative `errno`.
    func read(at position: Int64, into target: UnsafeMutableRawBufferPointer) -> Int
    /// Whether the bytes are in memory, so that sending them does not wait for a disk. Never waits itself.
    func isCached(at position: Int64, count: Int) -> Bool
    /// Brings the bytes into memory, and waits for that.
    func load(at position: Int64, count: Int)
}

extension RegionSource {
    public func isCached(at position: Int64, count: Int) -> Bool { true }
    public func load(at position: Int64, count: Int) {}
}

/// A range of bytes of a file, for instance record batches in a segment.
public struct FileRegion: Sendable {
    public var source: any RegionSource
    /// Bytes from the start of the file.
    public var position: Int64
    /// Bytes.
    public var count: Int
    /// Until when it is in memory for certain, since it was written just before: milliseconds of the monotonic clock.
    public var inMemoryUntilMs: Int64 = 0
    /// Who waits for the file's disk, so that those who wait for another one are not held up; nil: who does so for all.
    public var readers: WorkerPool?

    public init(source: any RegionSource, position: Int64, count: Int) {
        self.source = source
        self.position = position
        self.count = count
    }

    /// The region's bytes, read into memory.
    /// - Returns: nil when the file ends before the region does, or cannot be read.
    public func load() -> Bytes? {
        guard count > 0 else { return Bytes() }
        let storage = ByteStorage(capacity: count)
        var done = 0
        while done < count {
            let rest = UnsafeMutableRawBufferPointer(start: storage.base + done, count: count - done)
            let got = source.read(at: position + Int64(done), into: rest)
            guard got > 0 else { return nil }
            done += got
        }
        return Bytes(storage: storage, count: count)
    }
}

extension FileRegion: Equatable {
    public static func == (a: FileRegion, b: FileRegion) -> Bool {
        a.source === b.source && a.position == b.position && a.count == b.count
    }
}

/// What goes to a socket as one piece: bytes in memory and ranges of files, in order.
public struct Frame: Sendable {
    public enum Segment: Sendable {
        case bytes(Bytes)
        case file(FileRegion)
    }

    public var segments: [Segment]
    /// Bytes in all segments together.
    public var count: Int

    public init(segments: [Segment], count: Int) {
        self.segments = segments
        self.count = count
    }

    public init(_ bytes: Bytes) { self.init(segments: bytes.isEmpty ? [] : [.bytes(bytes)], count: bytes.count) }
}

/// The `records` type of the definitions: record batches, in memory or still in the files they are stored in.
/// Reading always gives bytes; writing takes either.
public enum WireRecords: Sendable, Equatable {
    case bytes(Bytes)
    case files([FileRegion])

    public static var empty: WireRecords { .bytes(Bytes()) }

    /// Bytes.
    public var count: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .files(let regions): regions.indices.reduce(0) { $0 + regions[$1].count }
        }
    }
}

extension WireRecords: NullableWireValue {
    public static func readNullable(_ decoder: inout WireDecoder) throws(WireError) -> WireRecords? {
        try Bytes.readNullable(&decoder).map { .bytes($0) }
    }
    public static func read(_ decoder: inout WireDecoder) throws(WireError) -> WireRecords {
        .bytes(try Bytes.read(&decoder))
    }
    public static func writeNull(_ encoder: inout WireEncoder) throws(WireError) { encoder.nullBlock() }
    public func write(_ encoder: inout WireEncoder) throws(WireError) {
        switch self {
        // A segment of its own costs less than copying, but for small batches.
        case .bytes(let bytes) where bytes.count >= 4096:
            try encoder.blockLength(bytes.count)
            encoder.shared(bytes)
        case .bytes(let bytes): try encoder.bytes(bytes)
        case .files(let regions):
            try encoder.blockLength(count)
            for index in regions.indices { encoder.region(regions[index]) }
        }
    }
}
