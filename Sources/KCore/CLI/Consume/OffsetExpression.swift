/// `kconsume -o`: where reading starts and, for a range, where it stops.
///
///     beginning   end   1000   -10   @1763717524117   @2026-11-21T09:30Z   @-2h
///     1000:2000   @-2h:@-1h   -10:end   beginning:end   (the right side is not read itself)
public struct OffsetExpression: Sendable, Equatable {
    public enum Point: Sendable, Equatable {
        case beginning
        case end
        case offset(Int64)
        /// So many records before the end.
        case last(Int64)
        /// The first record at or after this time, in milliseconds since 1970.
        case time(Int64)
    }

    public var start: Point
    /// Exclusive; nil for no end.
    public var stop: Point?

    public init(start: Point, stop: Point? = nil) {
        self.start = start
        self.stop = stop
    }

    /// - Parameter nowMs: what `@-2h` counts from.
    public init(_ text: String, nowMs: Int64) throws(ToolError) {
        if text == "stored" { throw .usage("-o stored: needs a consumer group: -g GROUP") }
        if let point = OffsetExpression.point(text, nowMs: nowMs) {
            self.init(start: point)
            return
        }
        // A time may itself have colons, so each colon is tried.
        for colon in text.indices where text[colon] == ":" {
            let (left, right) = (text[..<colon], text[text.index(after: colon)...])
            guard let start = left.isEmpty ? .beginning : OffsetExpression.point(String(left), nowMs: nowMs) else {
                continue
            }
            if right.isEmpty {
                self.init(start: start)
                return
            }
            guard let stop = OffsetExpression.point(String(right), nowMs: nowMs) else { continue }
            switch stop {
            case .last: throw .usage("-o \(text): a range cannot stop at a number of records before the end")
            case .beginning: throw .usage("-o \(text): a range that stops at the beginning is empty")
            default: break
            }
            if case .offset(let a) = start, case .offset(let b) = stop, b < a {
                throw .usage("-o \(text): the range stops before it starts")
            }
            if case .time(let a) = start, case .time(let b) = stop, b < a {
                throw .usage("-o \(text): the range stops before it starts")
            }
            self.init(start: start, stop: stop)
            return
        }
        let near = NearestName.question(NearestName.of(text, among: ["beginning", "end", "earliest", "latest"]))
        throw .usage("-o \(text): not beginning, end, N, -N, @TIME or a range A:B of these\(near)")
    }

    private static func point(_ text: String, nowMs: Int64) -> Point? {
        switch text {
        case "beginning", "earliest", "start", "oldest": return .beginning
        case "end", "latest", "newest": return .end
        default: break
        }
        if text.hasPrefix("@") { return TimeExpression.parse(String(text.dropFirst()), nowMs: nowMs).map { .time($0) } }
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let number = Int64(digits) else {
            return nil
        }
        return text.hasPrefix("-") ? .last(number) : .offset(number)
    }
}
