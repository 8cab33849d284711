internal import Glibc

/// A name that is another one when a single byte of it differs, as names are for Kafka.
///
/// Swift's strings are equal when they look the same (canonical equivalence): "é" is one character or two, and both are one
/// key of a dictionary. Two groups whose names differ in this way would share their offsets.
public struct ExactName: Hashable, Comparable, Sendable {
    public let text: String

    public init(_ text: String) { self.text = text }

    public static func == (a: ExactName, b: ExactName) -> Bool {
        a.text.utf8.count == b.text.utf8.count && order(a, b) == 0
    }

    public static func < (a: ExactName, b: ExactName) -> Bool { order(a, b) < 0 }

    /// Below zero when `a` is in front of `b`, and zero when they are the same. Comparing memory takes a fraction of the time that
    /// comparing byte by byte does.
    private static func order(_ a: ExactName, _ b: ExactName) -> Int {
        var (a, b) = (a.text, b.text)
        return a.withUTF8 { a in
            b.withUTF8 { b in
                guard let x = a.baseAddress, let y = b.baseAddress else { return a.count - b.count }
                let order = memcmp(x, y, min(a.count, b.count))
                return order == 0 ? a.count - b.count : Int(order)
            }
        }
    }

    public func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

extension String {
    /// Whether the bytes are the same, as ``ExactName`` has it.
    func isExactly(_ other: String) -> Bool { ExactName(self) == ExactName(other) }
}

/// A dictionary by ``ExactName``, used like one by `String`.
public struct NameMap<Value> {
    private var entries: [ExactName: Value] = [:]

    public init() {}

    /// With room for as many entries.
    public init(minimumCapacity: Int) { entries = Dictionary(minimumCapacity: minimumCapacity) }

    public var isEmpty: Bool { entries.isEmpty }
    public var count: Int { entries.count }
    /// In the order of their bytes.
    public var sortedNames: [String] { entries.keys.sorted().map(\.text) }

    /// In no order.
    public var values: some Collection<Value> { entries.values }

    public subscript(name: String) -> Value? {
        get { entries[ExactName(name)] }
        _modify { yield &entries[ExactName(name)] }
    }

    public subscript(name: String, default value: @autoclosure () -> Value) -> Value {
        get { entries[ExactName(name)] ?? value() }
        _modify { yield &entries[ExactName(name), default: value()] }
    }
}

extension NameMap: Sequence {
    /// In no order.
    public func makeIterator() -> some IteratorProtocol<(name: String, value: Value)> {
        entries.lazy.map { (name: $0.key.text, value: $0.value) }.makeIterator()
    }
}

extension NameMap: Sendable where Value: Sendable {}
extension NameMap: Equatable where Value: Equatable {}
