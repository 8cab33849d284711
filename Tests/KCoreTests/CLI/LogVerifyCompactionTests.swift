import Testing

@testable import KCore

/// Offsets that are missing: compaction's work up to the cleaner's checkpoint, a loss from there on.
@Suite struct LogVerifyCompactionTests {
    private func logs(_ copy: VerifiedDirectory) -> [String] {
        copy.problems().filter { $0.path.hasSuffix(".log") }.map { "\($0.severity): \($0.description)" }
    }

    @Test func `a hole behind what was cleaned is an error in a compacted topic, too`() throws {
        let copy = try VerifiedDirectory(.clean)
        let log = "compacted-0/00000000000000000200.log"
        // The first of its batches, by the length in its header.
        try copy.change(log) { bytes in
            let length = bytes[8..<12].reduce(0) { $0 << 8 | Int($1) }
            bytes.removeFirst(12 + length)
        }
        #expect(logs(copy).first == "error: /data/\(log), byte 0: offsets 200 to 209 are missing")
    }

    @Test func `whole segments are missed only behind what was cleaned, whatever the policy is now`() throws {
        let copy = try VerifiedDirectory(.clean)
        // A topic that was compacted once.
        try copy.change("cleaner-offset-checkpoint") { $0 = Array("0\n2\ncompacted 0 200\nrolled 0 121\n".utf8) }
        #expect(copy.problems() == [])
        try copy.remove("rolled-0/00000000000000000041.log")
        #expect(logs(copy) == [])
        try copy.remove("rolled-0/00000000000000000161.log")
        let second = "/data/rolled-0/00000000000000000201.log"
        #expect(logs(copy) == ["error: \(second), byte 0: offsets 161 to 200 are missing in front of it"])
        // The checkpoint comes after the cleaning.
        try copy.remove(".kafka_cleanshutdown")
        #expect(
            logs(copy) == [
                "warning: \(second), byte 0: offsets 161 to 200 are missing in front of it: good only if the broker was "
                    + "cleaning the log when it died"
            ])
    }

    @Test func `producers and aborted transactions are compared behind what was cleaned`() throws {
        let copy = try VerifiedDirectory(.clean)
        let index = "transactions-0/00000000000000000000.txnindex"
        let bytes = try #require(copy.disk.contents("/data/\(index)"))
        let first = try #require(AbortedIndexReader(Bytes(bytes)).entries.first)
        // What it says of the producer.
        try copy.change(index) { $0[9] ^= 1 }
        #expect(copy.said(of: index).first?.hasPrefix("0: says producer ") == true)
        func clean(upTo offset: Int64) throws {
            try copy.change("cleaner-offset-checkpoint") {
                $0 = Array("0\n2\ncompacted 0 200\ntransactions 0 \(offset)\n".utf8)
            }
        }
        try clean(upTo: first.firstOffset)
        #expect(copy.said(of: index).first?.hasPrefix("0: says producer ") == true)
        try clean(upTo: first.firstOffset + 1)
        #expect(copy.said(of: index) == [])
    }

    private func traces(
        _ policy: CompactionTraces.Policy, cleaned: Int64? = nil, hasCheckpoint: Bool = true, replicas: Int? = 1,
        clean: Bool? = true
    ) -> CompactionTraces {
        CompactionTraces(
            policy: policy, cleanedOffset: cleaned, hasCheckpoint: hasCheckpoint, replicas: replicas,
            wasCleanStop: clean)
    }

    @Test func `nothing excuses a hole in a log that only this broker ever wrote and cleaned`() {
        for policy in [CompactionTraces.Policy.delete, .compact, .unknown] {
            #expect(traces(policy).excuse == nil)
            #expect(
                traces(policy, cleaned: 7)
                    == CompactionTraces(
                        policy: policy, cleanedOffset: 7, hasCheckpoint: true, replicas: 1, wasCleanStop: true))
            #expect(traces(policy, cleaned: 7).comparableFrom == 7)
        }
        #expect(traces(.delete, replicas: 3, clean: false).excuse == nil)
        #expect(traces(.unknown, clean: false).excuse == nil)
    }

    @Test func `what cannot be known excuses a hole`() {
        #expect(traces(.unknown, replicas: 3).excuse != nil)
        #expect(traces(.compact, replicas: 3).excuse != nil)
        #expect(traces(.compact, replicas: 3).comparableFrom == nil)
        #expect(traces(.unknown, replicas: nil).excuse != nil)
        #expect(traces(.unknown, replicas: nil).comparableFrom == 0)
        #expect(traces(.compact, clean: false).excuse != nil)
        #expect(traces(.delete, cleaned: 7, clean: false).excuse != nil)
        #expect(traces(.unknown, hasCheckpoint: false).excuse != nil)
    }

    @Test func `the policy is the topic's own, or what was set for brokers`() {
        func policy(_ own: String?, _ brokers: String?...) -> CompactionTraces.Policy {
            .init(own: own, brokers: brokers)
        }
        #expect(policy("compact,delete") == .compact)
        #expect(policy("delete", "compact") == .delete)
        #expect(policy(nil, nil, "compact") == .compact)
        #expect(policy(nil, "delete", "compact") == .delete)
        #expect(policy(nil, nil, nil) == .unknown)
    }
}
