import Testing

@testable import KCore

struct RecordSerialsTests {
    private func list(_ serials: RecordSerials) -> [Int64] {
        var result: [Int64] = []
        serials.visit { index, serial in
            #expect(index == result.count)
            result.append(serial)
        }
        return result
    }

    @Test(arguments: [[], [0], [5, 6, 7], [1, 3, 4, 9], [10, 20, 30]] as [[Int64]])
    func `what was appended comes back in order`(numbers: [Int64]) {
        var serials = RecordSerials()
        for number in numbers { serials.append(number) }
        #expect(list(serials) == numbers)
        #expect(serials.count == numbers.count)
    }

    @Test func `a slice has the numbers of its records`() {
        var serials = RecordSerials()
        for number in [1, 2, 3, 8, 9, 12] as [Int64] { serials.append(number) }
        #expect(list(serials.slice(2..<5)) == [3, 8, 9])
    }
}
