internal import Glibc
internal import Synchronization

/// Writes what happens as lines: time, level, component, message, and the facts as `key=value`.
///
///     2026-11-21T09:32:04.117Z INFO  log: segment rolled topic=orders partition=3 baseOffset=18000
public struct Logger: Sendable {
    public enum Level: Int, Sendable, Comparable {
        case debug, info, warning, error

        public static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }

        var name: String {
            switch self {
            case .debug: "DEBUG"
            case .info: "INFO"
            case .warning: "WARN"
            case .error: "ERROR"
            }
        }
    }

    public enum Format: String, Sendable { case text, json }

    /// Where lines go. One write for each line, so that lines of several threads do not mix.
    public final class Sink: Sendable {
        private let descriptor: Int32
        private let lock = Mutex(())

        public init(descriptor: Int32 = 2) { self.descriptor = descriptor }

        func write(_ line: String) {
            var line = line
            lock.withLock { _ in
                line.withUTF8 { bytes in
                    var done = 0
                    while done < bytes.count {
                        let wrote = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
                        if wrote < 0 && errno != EINTR { return }
                        done += max(wrote, 0)
                    }
                }
            }
        }
    }

    public var component: String
    public var level: Level
    public var format: Format
    private let sink: Sink?
    private let clock: any Clock

    public init(
        component: String, level: Level = .info, format: Format = .text, sink: Sink = Sink(),
        clock: any Clock = SystemClock()
    ) {
        self.component = component
        self.level = level
        self.format = format
        self.sink = sink
        self.clock = clock
    }

    private init() {
        component = ""
        level = .error
        format = .text
        sink = nil
        clock = SystemClock()
    }

    /// Says nothing.
    public static let silent = Logger()

    /// The same logger speaking for another part of the program.
    public func named(_ component: String) -> Logger {
        var logger = self
        logger.component = component
        return logger
    }

    public typealias Facts = KeyValuePairs<String, any CustomStringConvertible>

    public func debug(_ message: @autoclosure () -> String, _ facts: @autoclosure () -> Facts = [:]) {
        if level <= .debug { log(.debug, message(), facts()) }
    }
    public func info(_ message: @autoclosure () -> String, _ facts: @autoclosure () -> Facts = [:]) {
        if level <= .info { log(.info, message(), facts()) }
    }
    public func warning(_ message: @autoclosure () -> String, _ facts: @autoclosure () -> Facts = [:]) {
        if level <= .warning { log(.warning, message(), facts()) }
    }
    public func error(_ message: @autoclosure () -> String, _ facts: @autoclosure () -> Facts = [:]) {
        log(.error, message(), facts())
    }

    private func log(_ level: Level, _ message: String, _ facts: Facts) {
        guard let sink else { return }
        let time = Timestamp.iso8601(clock.wallMs)
        var line: String
        switch format {
        case .text:
            let padding = String(repeating: " ", count: 5 - level.name.utf8.count)
            line = "\(time) \(level.name)\(padding) \(component): \(oneLine(message))"
            for (key, value) in facts { line += " \(key)=\(quoted(value.description))" }
        case .json:
            line = "{\"time\":\"\(time)\",\"level\":\"\(level.name)\",\"component\":\(JSONText.quoted(component))"
            line += ",\"message\":\(JSONText.quoted(message))"
            for (key, value) in facts { line += ",\(JSONText.quoted(key)):\(JSONText.quoted(value.description))" }
            line += "}"
        }
        sink.write(line + "\n")
    }

    // A message or value from outside must not be able to forge a line.
    private func oneLine(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 }) else { return text }
        return String(JSONText.quoted(text).dropFirst().dropLast())
    }

    private func quoted(_ text: String) -> String {
        let needsQuotes = text.utf8.contains { $0 <= 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "=") }
        return needsQuotes || text.isEmpty ? JSONText.quoted(text) : text
    }
}
