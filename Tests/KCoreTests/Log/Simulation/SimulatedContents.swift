/// A file's bytes: as processes see them, as they are on the medium, and what happened in between.
struct SimulatedContents: Sendable {
    enum Change: Sendable {
        case write(Int, [UInt8])
        case truncate(Int)
    }

    static let sector = 512

    /// What reads give.
    private(set) var cached: [UInt8] = []
    private(set) var durable: [UInt8] = []
    private var unsynced: [Change] = []
    /// The medium lost what a failed sync had taken out of the dirty pages: a later sync does not bring it there.
    private var hasDiverged = false

    init() {}

    /// A file that has always been there.
    init(durable contents: [UInt8]) {
        cached = contents
        durable = contents
    }

    var isSynced: Bool { unsynced.isEmpty }

    // MARK: Changes

    mutating func write(_ bytes: [UInt8], at position: Int) {
        SimulatedContents.put(&cached, position, bytes[...])
        unsynced.append(.write(position, bytes))
    }

    mutating func truncate(to size: Int) {
        if cached.count == size { return }
        SimulatedContents.resize(&cached, size)
        unsynced.append(.truncate(size))
    }

    mutating func sync() {
        if hasDiverged {
            for change in unsynced { SimulatedContents.apply(change, to: &durable) }
        } else if !unsynced.isEmpty {
            durable = cached
        }
        unsynced = []
    }

    /// The sync failed: some of what was dirty may have got there, the rest is taken for clean and never will, as Linux
    /// does it.
    mutating func failSync(_ random: inout SimulatedDisk.Random) {
        durable = survivors(&random)
        unsynced = []
        hasDiverged = durable != cached
    }

    /// What was read from the medium before is read from there again, but for what is to be written still.
    mutating func dropCache() {
        guard hasDiverged else { return }
        cached = durable
        for change in unsynced { SimulatedContents.apply(change, to: &cached) }
        hasDiverged = false
    }

    /// Power was lost.
    mutating func crash(_ random: inout SimulatedDisk.Random) {
        if !unsynced.isEmpty { durable = survivors(&random) }
        cached = durable
        unsynced = []
        hasDiverged = false
    }

    /// A bit of the medium tips over.
    mutating func flip(bit: Int, at position: Int) {
        cached[position] ^= 1 << UInt8(bit)
        if position < durable.count { durable[position] ^= 1 << UInt8(bit) }
    }

    // MARK: What survives

    private func survivors(_ random: inout SimulatedDisk.Random) -> [UInt8] {
        switch random.int(0..<5) {
        case 0: return durable
        case 1: return after(unsynced.count)
        case 2: return torn(&random)
        default: return mixed(&random)
        }
    }

    private func after(_ count: Int) -> [UInt8] {
        var contents = durable
        for change in unsynced.prefix(count) { SimulatedContents.apply(change, to: &contents) }
        return contents
    }

    // What happened up to some moment; the last write got as far as a sector's border.
    private func torn(_ random: inout SimulatedDisk.Random) -> [UInt8] {
        let count = random.int(0...unsynced.count)
        var contents = after(count)
        guard count < unsynced.count, case .write(let position, let bytes) = unsynced[count] else { return contents }
        let border = (position + random.int(0...bytes.count)) / SimulatedContents.sector * SimulatedContents.sector
        if border > position { SimulatedContents.put(&contents, position, bytes[..<(border - position)]) }
        return contents
    }

    // Each sector as it was at some moment, and the size of yet another: what was never written is zero, or garbage.
    private func mixed(_ random: inout SimulatedDisk.Random) -> [UInt8] {
        var images = [durable]
        var image = durable
        let stride = max(1, unsynced.count / 8)
        for (index, change) in unsynced.enumerated() {
            SimulatedContents.apply(change, to: &image)
            if index % stride == 0 || index == unsynced.count - 1 { images.append(image) }
        }
        let size = random.oneIn(2) ? image.count : images[random.int(0..<images.count)].count
        let hasGarbage = random.oneIn(4)
        var contents: [UInt8] = []
        contents.reserveCapacity(size)
        while contents.count < size {
            let start = contents.count
            let end = min(start + SimulatedContents.sector, size)
            let image = images[random.int(0..<images.count)]
            if start < image.count { contents.append(contentsOf: image[start..<min(end, image.count)]) }
            while contents.count < end {
                contents.append(hasGarbage ? UInt8.random(in: 0...255, using: &random) : 0)
            }
        }
        return contents
    }

    // MARK: Bytes

    private static func apply(_ change: Change, to contents: inout [UInt8]) {
        switch change {
        case .write(let position, let bytes): put(&contents, position, bytes[...])
        case .truncate(let size): resize(&contents, size)
        }
    }

    private static func resize(_ contents: inout [UInt8], _ size: Int) {
        if size < contents.count {
            contents.removeLast(contents.count - size)
        } else {
            contents.append(contentsOf: repeatElement(0, count: size - contents.count))
        }
    }

    private static func put(_ contents: inout [UInt8], _ position: Int, _ bytes: ArraySlice<UInt8>) {
        if contents.count == position {
            contents.append(contentsOf: bytes)
            return
        }
        if contents.count < position + bytes.count { resize(&contents, position + bytes.count) }
        contents.replaceSubrange(position..<position + bytes.count, with: bytes)
    }
}
