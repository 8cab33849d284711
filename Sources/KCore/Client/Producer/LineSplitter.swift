internal import Glibc

/// Cuts a buffer into records by a delimiter.
struct LineSplitter {
    private let base: UnsafeRawPointer
    private let count: Int
    private let delimiter: Bytes
    private let first: Int32
    private let width: Int
    private(set) var position = 0

    /// - Parameter input: memory that outlives this value.
    init(_ input: UnsafeRawBufferPointer, delimiter: Bytes) {
        // Without bytes nothing is read from the stand-in.
        base = input.baseAddress ?? UnsafeRawPointer(UnsafeMutableRawPointer(bitPattern: 16).unsafelyUnwrapped)
        count = input.count
        self.delimiter = delimiter
        width = max(delimiter.count, 1)
        first = delimiter.isEmpty ? 10 : Int32(delimiter[0])
    }

    /// The next record that ends with a delimiter; nil when there is none. `position` stays until ``accept(_:)``.
    @inline(__always)
    func next() -> UnsafeRawBufferPointer? {
        let rest = count &- position
        guard rest >= width, let found = memchr(base + position, first, rest) else { return nil }
        let start = base + position
        if width == 1 { return UnsafeRawBufferPointer(start: start, count: UnsafeRawPointer(found) - start) }
        return nextWide(from: UnsafeRawPointer(found))
    }

    private func nextWide(from first: UnsafeRawPointer) -> UnsafeRawBufferPointer? {
        let start = base + position
        let end = base + count
        return delimiter.withUnsafeBytes { bytes in
            var candidate = first
            while end - candidate >= width {
                if let pattern = bytes.baseAddress, memcmp(candidate, pattern, width) == 0 {
                    return UnsafeRawBufferPointer(start: start, count: candidate - start)
                }
                let after = candidate + 1
                guard let found = memchr(after, self.first, end - after) else { return nil }
                candidate = UnsafeRawPointer(found)
            }
            return nil
        }
    }

    /// Goes on behind a record that ``next()`` gave.
    @inline(__always)
    mutating func accept(_ line: UnsafeRawBufferPointer) { position &+= line.count &+ width }

    /// What is left without a delimiter.
    var rest: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base + position, count: count - position) }

    mutating func acceptRest() { position = count }
}

extension UnsafeRawBufferPointer {
    /// Where `pattern` begins first; nil when it does not occur.
    func firstRange(of pattern: Bytes) -> Int? {
        guard let base = baseAddress, !pattern.isEmpty, count >= pattern.count else { return nil }
        return pattern.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return nil }
            let first = Int32(bytes[0])
            let last = count - bytes.count
            var position = 0
            while position <= last, let found = memchr(base + position, first, last - position + 1) {
                position = UnsafeRawPointer(found) - base
                if memcmp(found, start, bytes.count) == 0 { return position }
                position += 1
            }
            return nil
        }
    }
}
