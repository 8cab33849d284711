import Testing

@testable import KCore

@Suite struct OrderedAnswersTests {
    @Test func `answers are put together in order, on the loop of whoever asked`() throws {
        let (asker, coordinator) = (try EventLoop(), try EventLoop())
        defer {
            asker.stop()
            coordinator.stop()
        }
        let whole = Monitor<[String]?>(nil)
        let answers = OrderedAnswers<String>(count: 3, on: asker) { all in
            whole.update { $0 = asker.inLoop ? all : ["elsewhere"] }
        }
        for index in [2, 0, 1, 1] { coordinator.execute { answers.set(index, "\(index)") } }
        #expect(whole.wait(timeoutMs: 30_000) { $0 } == ["0", "1", "2"])
    }

    @Test func `who asks for nothing is answered, too`() throws {
        let asker = try EventLoop()
        defer { asker.stop() }
        let whole = Monitor<[String]?>(nil)
        _ = OrderedAnswers<String>(count: 0, on: asker) { all in whole.update { $0 = all } }
        #expect(whole.wait(timeoutMs: 30_000) { $0 } == [])
    }
}
