/// How long to wait before the next try: doubling from a first to a longest wait, 20 % either way, so that many clients
/// that failed together do not come back together (KIP-580).
struct Backoff: Sendable {
    var firstMs: Int64
    var maxMs: Int64

    /// Milliseconds before try number `failures` + 1.
    /// - Parameter failures: tries that have failed in a row, at least 1.
    func delayMs(failures: Int, using generator: inout some RandomNumberGenerator) -> Int64 {
        let doublings = min(max(failures - 1, 0), 30)
        let (product, overflow) = firstMs.multipliedReportingOverflow(by: 1 << Int64(doublings))
        let base = overflow ? maxMs : min(product, maxMs)
        guard base > 0 else { return 0 }
        return Int64(Double(base) * Double.random(in: 0.8...1.2, using: &generator))
    }

    func delayMs(failures: Int) -> Int64 {
        var generator = SystemRandomNumberGenerator()
        return delayMs(failures: failures, using: &generator)
    }
}
