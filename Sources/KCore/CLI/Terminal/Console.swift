internal import Glibc

/// The process as a command sees it: where it reads and writes, what surrounds it. Handed in, so that tests can be the
/// surroundings.
public struct Console: Sendable {
    public var input: Int32
    public var output: Int32
    public var errors: Int32
    public var environment: [String: String]
    /// The tool's name, in front of its error lines.
    public var tool: String
    /// Ends long work early; nil where nobody can.
    public var interruption: Interruption?
    public var clock: any Clock = SystemClock()

    public init(
        tool: String, input: Int32 = 0, output: Int32 = 1, errors: Int32 = 2, environment: [String: String] = [:],
        interruption: Interruption? = nil
    ) {
        self.tool = tool
        self.input = input
        self.output = output
        self.errors = errors
        self.environment = environment
        self.interruption = interruption
    }

    /// Whether a person sees what is written to `descriptor`, or types what is read from it.
    public static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Whether escape sequences may be written to stderr: https://no-color.org
    public var hasColour: Bool {
        Console.isTerminal(errors) && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }

    /// Data: text to stdout. A reader that has gone (`head`) is no error.
    public func print(_ text: String) { Console.write(text, to: output) }

    /// Everything else: a line to stderr.
    public func note(_ line: String) { Console.write(line + "\n", to: errors) }

    /// `TOOL: message` to stderr.
    public func failure(_ message: String) {
        note(hasColour ? "\u{1B}[1;31m\(tool):\u{1B}[0m \(message)" : "\(tool): \(message)")
    }

    public func warning(_ message: String) {
        note(hasColour ? "\u{1B}[1;33m\(tool): warning:\u{1B}[0m \(message)" : "\(tool): warning: \(message)")
    }

    /// Asks on the terminal. Where there is none, nobody can agree.
    /// - Returns: nil without a terminal.
    public func confirm(_ question: String) -> Bool? {
        guard Console.isTerminal(input) && Console.isTerminal(errors) else { return nil }
        Console.write("\(question) [y/N] ", to: errors)
        var answer: [UInt8] = []
        var byte: UInt8 = 0
        while read(input, &byte, 1) == 1 && byte != UInt8(ascii: "\n") && answer.count < 16 { answer.append(byte) }
        return ["y", "yes"].contains(String(decoding: answer, as: UTF8.self).lowercased())
    }

    @discardableResult
    static func write(_ text: String, to descriptor: Int32) -> Bool {
        var text = text
        return text.withUTF8 { writeAll(UnsafeRawBufferPointer($0), to: descriptor) == 0 }
    }

    /// - Returns: 0, or the `errno` that ended it.
    static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32 {
        guard let base = bytes.baseAddress else { return 0 }
        var done = 0
        while done < bytes.count {
            let wrote = Glibc.write(descriptor, base + done, bytes.count - done)
            if wrote >= 0 {
                done += wrote
            } else if errno == EAGAIN {
                // Somebody made our terminal or pipe non-blocking; wait as if it were not.
                var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&ready, 1, -1)
            } else if errno != EINTR {
                return errno
            }
        }
        return 0
    }
}

/// What a system call's error number means, in the system's words.
func systemMessage(_ number: Int32) -> String {
    guard let text = strerror(number) else { return "error \(number)" }
    return String(cString: text)
}
