import Testing

@testable import KCore

/// The small files of a data directory.
@Suite struct LogVerifyFilesTests {
    private func errors(_ copy: VerifiedDirectory) -> [String] {
        copy.problems().filter { $0.severity == .error }.map(\.description)
    }

    private func warnings(_ copy: VerifiedDirectory) -> [String] {
        copy.problems().filter { $0.severity == .warning }.map(\.description)
    }

    @Test func `a high watermark above the end of the log says that records are lost`() throws {
        let copy = try VerifiedDirectory(.clean)
        try copy.change("replication-offset-checkpoint") { $0 = Array("0\n1\nplain 0 999\n".utf8) }
        #expect(
            errors(copy) == ["/data/plain-0: the log ends at 150, below the high watermark 999 of its last run"])
        // A power failure takes what was not flushed, and leaves the checkpoint.
        try copy.remove(".kafka_cleanshutdown")
        #expect(errors(copy).isEmpty)
        #expect(warnings(copy).contains { $0.hasPrefix("/data/plain-0: the log ends at 150, below") })
    }

    @Test func `a log that ends below what was cleaned has lost records`() throws {
        let copy = try VerifiedDirectory(.clean)
        try copy.change("cleaner-offset-checkpoint") { $0 = Array("0\n1\ncompacted 0 999\n".utf8) }
        #expect(errors(copy) == ["/data/compacted-0: the log ends at 240, but had been cleaned up to 999"])
    }

    @Test(arguments: ["index", "timeindex"]) func `an index that is not there will be made anew`(kind: String) throws {
        let copy = try VerifiedDirectory(.clean)
        try copy.remove("plain-0/00000000000000000000.\(kind)")
        #expect(errors(copy).isEmpty)
        #expect(
            warnings(copy) == ["/data/plain-0/00000000000000000000.\(kind): is missing and will be made anew"])
    }

    @Test func `what waits to be removed is one line for each directory`() throws {
        let copy = try VerifiedDirectory(.clean)
        for base in 1...3 { copy.disk.plant("/data/plain-0/0000000000000000000\(base).log.deleted", []) }
        copy.disk.plant("/data/recovery-point-offset-checkpoint.tmp", [])
        #expect(
            Set(warnings(copy)) == [
                "/data/plain-0: 3 files wait to be removed",
                "/data/recovery-point-offset-checkpoint.tmp: is left of work that was not finished",
            ])
    }

    @Test func `an id of the cluster that was cut off is told`() throws {
        let copy = try VerifiedDirectory(.clean)
        try copy.change("meta.properties") { contents in
            let lines = String(decoding: contents, as: UTF8.self).split(separator: "\n")
            contents = Array(
                lines.map { $0.hasPrefix("cluster.id=") ? "cluster.id=jQI" : $0 }.joined(separator: "\n").utf8)
        }
        #expect(copy.said(of: "meta.properties").contains { $0.hasPrefix("has the cluster.id jQI, which is not 22") })
    }

    @Test func `files of JSON are read`() throws {
        let copy = try VerifiedDirectory(.clean)
        let state = "__cluster_metadata-0/quorum-state"
        try copy.change(state) { $0 = Array("garbage".utf8) }
        #expect(copy.said(of: state) == ["no JSON object: expected {, at byte 0"])
        try copy.change(state) { $0 = Array(#"{"leaderId":1,"leaderEpoch":1,"data_version":0}"#.utf8) }
        #expect(copy.said(of: state) == ["no votedId"])
        try copy.change(state) { $0 = Array(#"{"leaderId":1,"leaderEpoch":1,"votedId":-1,"data_version":7}"#.utf8) }
        #expect(copy.said(of: state) == ["no data_version that is known"])
        let marker = ".kafka_cleanshutdown"
        try copy.change(marker) { $0 = Array("{\"version\":1}".utf8) }
        #expect(copy.said(of: marker) == ["not version 0"])
        try copy.change(marker) { $0 = [0x7B] }
        #expect(copy.said(of: marker).count == 1)
        try copy.change(marker) { $0 = [] }
        #expect(copy.said(of: marker) == [])
    }

    @Test(arguments: [
        #"{"a":1,"b":[{"c":null},-1.5e3,"x\"y",true],"d":{}}"#, "{}", " { \"a\" : 1 } \n",
    ])
    func `whatever is no number is passed over`(_ text: String) throws {
        #expect(try JSONCursor.integers(in: Bytes(text)) == (text.contains("a") ? ["a": 1] : [:]))
    }

    @Test(arguments: [
        "", "[]", "{", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{"a":[1,2}"#, "{} x", #"{"a":tru}"#,
        "{\"a\":" + String(repeating: "[", count: 200),
    ])
    func `what is no JSON object is refused`(_ text: String) {
        #expect(throws: JSONCursor.Problem.self) { try JSONCursor.integers(in: Bytes(text)) }
    }

    @Test func `files that a stop in order leaves are missed`() throws {
        for name in ["recovery-point", "log-start", "replication"].map({ "\($0)-offset-checkpoint" }) {
            let copy = try VerifiedDirectory(.clean)
            try copy.remove(name)
            #expect(warnings(copy) == ["/data/\(name): is missing, although the broker was stopped in order"])
            try copy.remove(".kafka_cleanshutdown")
            #expect(copy.said(of: name) == [])
        }
        let copy = try VerifiedDirectory(.clean)
        try copy.remove("plain-0/partition.metadata")
        #expect(
            warnings(copy) == [
                "/data/plain-0/partition.metadata: is missing: nothing says which topic the partition is of"
            ])
    }
}
