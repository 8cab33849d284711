/// Where partitions begin whose output begins together: the file `starts` in the directory of one of them. It is there before
/// the first of them has a position, so that a kill between two of them leaves none to begin elsewhere later, and until each
/// has one. A partition that has no leader, and so no offset yet, has a file of its own that says so, and so has one whose
/// offset of the group a transaction holds.
///
///     version=1
///     orders 0 1234 4 Fz3ZQ1VrTtK8p0b2yHn4uA
///     orders 1 beginning 4 Fz3ZQ1VrTtK8p0b2yHn4uA
///     orders 2 stored-or-1234 4 Fz3ZQ1VrTtK8p0b2yHn4uA
struct SinkStarts: Equatable, Sendable {
    static let fileName = "starts"

    enum Place: Equatable, Sendable {
        case offset(Int64)
        /// Wherever that is once somebody can say it.
        case beginning
        /// At the group's offset, which is not known yet, or at this one when it turns out that there is none.
        case storedOr(Int64)

        var text: String {
            switch self {
            case .offset(let offset): "\(offset)"
            case .beginning: "beginning"
            case .storedOr(let offset): "\(Place.storedOr)\(offset)"
            }
        }

        /// - Returns: nil for anything but what ``text`` gives.
        init?(_ text: String) {
            let isUndecided = text.hasPrefix(Place.storedOr)
            if text == "beginning" {
                self = .beginning
            } else if let offset = Int64(isUndecided ? String(text.dropFirst(Place.storedOr.count)) : text), offset >= 0
            {
                self = isUndecided ? .storedOr(offset) : .offset(offset)
            } else {
                return nil
            }
        }

        private static let storedOr = "stored-or-"
    }

    struct Entry: Equatable, Sendable {
        var partition: TopicPartition
        var place: Place
        /// As ``SinkPosition/partitions``.
        var partitions: Int32?
        /// As ``SinkPosition/topicId``.
        var topicId: Uuid
    }

    var entries: [Entry]

    init(_ entries: [Entry]) { self.entries = entries }

    func entry(_ partition: TopicPartition) -> Entry? { entries.first { $0.partition == partition } }

    var text: String {
        var text = "version=1\n"
        for entry in entries {
            let partitions = entry.partitions.map { "\($0)" } ?? "-"
            let topicId = entry.topicId.isZero ? "-" : "\(entry.topicId)"
            text +=
                "\(entry.partition.topic) \(entry.partition.partition) \(entry.place.text) \(partitions) \(topicId)\n"
        }
        return text
    }

    /// - Returns: nil for anything but what ``text`` gives.
    init?(_ text: String) {
        var lines = text.split(separator: "\n")
        guard !lines.isEmpty, lines.removeFirst() == "version=1" else { return nil }
        entries = []
        for line in lines {
            let words = line.split(separator: " ").map { String($0) }
            guard words.count == 5, let number = Int32(words[1]), let place = Place(words[2]),
                let topicId = words[4] == "-" ? .zero : Uuid(words[4])
            else { return nil }
            let partitions = Int32(words[3])
            guard partitions != nil || words[3] == "-" else { return nil }
            let partition = TopicPartition(topic: words[0], partition: number)
            entries.append(Entry(partition: partition, place: place, partitions: partitions, topicId: topicId))
        }
    }
}
