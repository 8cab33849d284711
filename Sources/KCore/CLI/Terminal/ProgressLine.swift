internal import CKernel
internal import Glibc

/// A line on the terminal that says how far long work has come: count, rate, percentage, time left. Redrawn in place a few
/// times a second, and wiped before anything else is written. Nothing is shown where stderr is no terminal.
public struct ProgressLine {
    /// How far the work has come.
    public struct State {
        public var records: Int64
        public var bytes: Int64
        /// The part that is done, 0 to 1, where the whole is known.
        public var fraction: Double?
        public var failures: Int64 = 0

        public init(records: Int64, bytes: Int64, fraction: Double? = nil, failures: Int64 = 0) {
            self.records = records
            self.bytes = bytes
            self.fraction = fraction
            self.failures = failures
        }
    }

    private let descriptor: Int32
    private let isEnabled: Bool
    private let clock: any Clock
    private let startNs: Int64
    private let intervalNs: Int64
    private var nextNs: Int64
    private var isShown = false

    /// - Parameter isWanted: false with `--quiet`, or when the data itself goes to the terminal.
    public init(_ console: Console, isWanted: Bool = true, intervalMs: Int64 = 250) {
        descriptor = console.errors
        isEnabled = isWanted && Console.isTerminal(console.errors) && console.environment["TERM"] != "dumb"
        clock = console.clock
        startNs = clock.monotonicNs
        intervalNs = intervalMs * 1_000_000
        nextNs = startNs + intervalNs
    }

    /// Whether it is time to call ``show(_:)``.
    public var isDue: Bool { isEnabled && clock.monotonicNs >= nextNs }

    public mutating func show(_ state: State) {
        guard isEnabled else { return }
        let now = clock.monotonicNs
        nextNs = now + intervalNs
        var width = winsize()
        let columns = ioctl(descriptor, UInt(TIOCGWINSZ), &width) == 0 && width.ws_col > 10 ? Int(width.ws_col) - 1 : 79
        let line = ProgressLine.text(state, seconds: Double(now - startNs) / 1e9)
        Console.write("\r" + line.prefix(columns) + "\u{1B}[K", to: descriptor)
        isShown = true
    }

    /// Wipes the line, so that something else can be written.
    public mutating func clear() {
        if isShown { Console.write("\r\u{1B}[K", to: descriptor) }
        isShown = false
    }

    static func text(_ state: State, seconds: Double) -> String {
        let perSecond = max(seconds, 0.001)
        var text = Quantity.count(state.records, "record") + " · " + ByteSize.text(state.bytes)
        text += " · " + Quantity.grouped(Int64(Double(state.records) / perSecond)) + "/s"
        text += " · " + ByteSize.text(Int64(Double(state.bytes) / perSecond)) + "/s"
        if let fraction = state.fraction, fraction.isFinite {
            let part = min(max(fraction, 0), 1)
            text += " · " + Quantity.decimal(part * 100, digits: 0) + "%"
            if part > 0.001 && part < 1 && seconds >= 1 {
                text += " · " + Quantity.duration(seconds: seconds / part - seconds) + " left"
            }
        }
        if state.failures > 0 { text += " · \(Quantity.grouped(state.failures)) failed" }
        return text
    }
}
