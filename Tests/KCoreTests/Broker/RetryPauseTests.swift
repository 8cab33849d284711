import Testing

@testable import KCore

@Suite struct RetryPauseTests {
    @Test func `what fails again and again is tried less and less, and at once after it went well`() {
        var pause = RetryPause()
        var nowMs: Int64 = 1000
        var pauses: [Int64] = []
        for _ in 0..<9 {
            #expect(pause.isDue(nowMs: nowMs))
            pause.failed(nowMs: nowMs)
            let failedMs = nowMs
            while !pause.isDue(nowMs: nowMs) { nowMs += 1000 }
            pauses.append((nowMs - failedMs) / 1000)
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60])
        pause.succeeded()
        #expect(pause.isDue(nowMs: 0))
    }
}
