import Testing

@testable import KCore

@Suite struct UnstableTransactionsTests {
    private func ended(_ firstOffset: Int64, _ lastOffset: Int64) -> EndedTransaction {
        EndedTransaction(producerId: 1, firstOffset: firstOffset, lastOffset: lastOffset, isCommit: true)
    }

    @Test(arguments: UInt64(1)...50) func `the oldest that is not decided is found among many`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var unstable = UnstableTransactions()
        var all: [EndedTransaction] = []
        var replicatedEnd: Int64 = 0
        for step in 1...300 {
            let lastOffset = Int64(step) * 3
            let transaction = ended(Int64.random(in: max(0, lastOffset - 60)..<lastOffset, using: &random), lastOffset)
            unstable.end(transaction)
            all.append(transaction)
            if Int.random(in: 0..<4, using: &random) == 0 {
                unstable.firstOpenOffset =
                    Bool.random(using: &random) ? Int64.random(in: 0..<lastOffset, using: &random) : nil
            }
            if Bool.random(using: &random) {
                replicatedEnd = Int64.random(in: replicatedEnd...lastOffset + 1, using: &random)
            }
            let offsets =
                all.filter { $0.lastOffset >= replicatedEnd }.map(\.firstOffset) + [unstable.firstOpenOffset ?? .max]
            let expected = offsets.min().flatMap { $0 == .max ? nil : $0 }
            #expect(unstable.firstUnstableOffset(replicatedEnd: replicatedEnd) == expected)
        }
        #expect(unstable.firstUnstableOffset(replicatedEnd: .max) == unstable.firstOpenOffset)
        unstable.firstOpenOffset = nil
        #expect(unstable.isEmpty)
    }
}
