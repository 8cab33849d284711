import Synchronization
import Testing

@testable import KCore

@Suite struct ProducerIdAllocatorTests {
    @Test func `ids are dense within blocks and never repeat`() {
        let blocks = Mutex(0)
        let allocator = ProducerIdAllocator { completion in
            let block = blocks.withLock { count in
                defer { count += 1 }
                return count
            }
            completion(.init(first: Int64(block) * 3, count: 3))
        }
        let given = Mutex<[Int64]>([])
        for _ in 0..<10 {
            allocator.next { outcome in
                if case .success(let id) = outcome { given.withLock { $0.append(id) } }
            }
        }
        #expect(given.withLock { $0 } == Array(0..<10))
        #expect(blocks.withLock { $0 } == 4)
    }

    @Test func `many that wait for one block all get an id`() {
        let pending = Mutex<[@Sendable (AllocateProducerIds.Block) -> Void]>([])
        let allocator = ProducerIdAllocator { completion in pending.withLock { $0.append(completion) } }
        let given = Mutex<Set<Int64>>([])
        for _ in 0..<5 {
            allocator.next { outcome in
                if case .success(let id) = outcome { _ = given.withLock { $0.insert(id) } }
            }
        }
        #expect(pending.withLock { $0.count } == 1)
        var first: Int64 = 100
        while let completion = pending.withLock({ $0.popLast() }) {
            completion(.init(first: first, count: 2))
            first += 2
        }
        #expect(given.withLock { $0 } == [100, 101, 102, 103, 104])
    }

    @Test func `a failure is told and the next call asks again`() {
        let requests = Mutex(0)
        let allocator = ProducerIdAllocator { completion in
            requests.withLock { $0 += 1 }
            completion(.init(errorCode: .kafkaStorageError))
        }
        let errors = Mutex<[ErrorCode]>([])
        for _ in 0..<2 {
            allocator.next { outcome in
                if case .failure(let code) = outcome { errors.withLock { $0.append(code) } }
            }
        }
        #expect(errors.withLock { $0 } == [.kafkaStorageError, .kafkaStorageError])
        #expect(requests.withLock { $0 } == 2)
    }
}
