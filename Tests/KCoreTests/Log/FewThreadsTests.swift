import Testing

@testable import KCore

/// A process that the system lets have no other thread, as where a container's limit is reached.
@Suite struct FewThreadsTests {
    private func none(_ name: String, _ body: @escaping @Sendable () -> Void) -> Thread? { nil }

    @Test func `what several threads were to do is done by the calling one`() {
        let done = Heard<Int>()
        Parallel.forEach(Array(0..<10), threads: 4, start: none) { done.add($0) }
        #expect(done.all == Array(0..<10))
    }

    @Test func `what helpers there are take part`() {
        let asked = Heard<String>()
        let done = Heard<Int>()
        Parallel.forEach(
            Array(0..<10), threads: 4,
            start: { name, body in
                asked.add(name)
                return asked.all.count == 1 ? Thread(name: name, body) : nil
            }
        ) { done.add($0) }
        #expect(done.all.sorted() == Array(0..<10))
        #expect(asked.all.count == 3)
    }

    @Test func `without a thread that cleans there is none to wait for`() throws {
        let manager = try LogManager(
            LogManagerOptions(directories: ["/a"]), disk: SimulatedDisk(), clock: ManualClock(), background: { $0() })
        #expect(CleanerThreads(manager.cleaner, number: 0, start: none) { [] } == nil)
        let threads = try #require(CleanerThreads(manager.cleaner, number: 0) { [] })
        threads.stop()
    }
}
