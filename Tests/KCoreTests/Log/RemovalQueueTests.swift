import Testing

@testable import KCore

@Suite struct RemovalQueueTests {
    private let disk = SimulatedDisk()
    private let queue = RemovalQueue()
    private let capture = PipeCapture()
    private let path = "/a/t-0/00000000000000000000.log.deleted"

    private func removeDue(_ nowMs: Int64) {
        let logger = Logger(component: "log", sink: Logger.Sink(descriptor: capture.descriptor))
        queue.removeDue(nowMs: nowMs, disk: disk, logger: logger)
    }

    private var toldCount: Int { capture.text.split(separator: "\n").count { $0.contains("cannot be removed") } }

    init() {
        disk.plant(path, [1])
        queue.add([path], atMs: 1000)
    }

    @Test func `what could not be removed because too much was open is removed later, and told once`() {
        disk.inject(InjectedError(operation: .remove, code: 24, times: 4))
        for nowMs: Int64 in [1000, 5000, 11_000, 15_000, 21_000, 31_000, 41_000] { removeDue(nowMs) }
        #expect(disk.contents(path) == nil)
        #expect(queue.count == 0)
        #expect(toldCount == 1)
    }

    @Test func `what the disk refuses is left for the next start`() {
        disk.inject(InjectedError(operation: .remove, code: 5, times: .max))
        removeDue(1000)
        #expect(queue.count == 0)
        #expect(toldCount == 1)
    }
}
