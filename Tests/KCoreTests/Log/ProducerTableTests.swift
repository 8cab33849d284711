import Testing

@testable import KCore

@Suite struct ProducerTableTests {
    private func state(_ number: Int64) -> ProducerState { ProducerState(epoch: 0, lastTimestamp: number) }

    private func table(_ count: Int64, by step: Int64 = 1) -> ProducerTable {
        var table = ProducerTable()
        for number in 0..<count { table[number * step] = state(number) }
        return table
    }

    @Test(arguments: [0, 1, 512, 513, 20_000] as [Int64]) func `each producer has its state`(count: Int64) {
        // Negative ids come from nobody, and do no harm.
        for step in [1, -1, 256] as [Int64] {
            var table = table(count, by: step)
            #expect(table.count == Int(count) && table.isEmpty == (count == 0))
            #expect(table.map(\.key).sorted() == (0..<count).map { $0 * step }.sorted())
            #expect((0..<count).allSatisfy { table[$0 * step] == state($0) })
            #expect(table[count * step] == nil)
            for number in 0..<count where number % 2 == 0 {
                #expect(table.remove(number * step) == state(number))
                #expect(table.remove(number * step) == nil)
            }
            #expect(table.count == Int(count / 2))
            for number in 0..<count { table[number * step] = nil }
            #expect(table.isEmpty && table.map(\.key).isEmpty)
        }
    }

    @Test func `what is changed behind a copy is not in it`() {
        let before = table(3000)
        var after = before
        for number in Int64(0)..<3000 where number % 7 == 0 { after[number] = state(-1) }
        after[3000] = state(3000)
        _ = after.remove(1)
        #expect(before == table(3000))
        #expect(after != before && after.count == 3000)
        for number in Int64(0)..<3000 { after[number] = state(number) }
        #expect(after != before)
        after[3000] = nil
        #expect(after == before)
    }

    @Test func `tables with the same producers are equal, however many there were before`() {
        var table = table(2000)
        for number in Int64(3)..<2000 { table[number] = nil }
        #expect(table == self.table(3))
        table[2] = state(5)
        #expect(table != self.table(3))
    }
}
