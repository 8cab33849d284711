@testable import KCore
import Glibc
import Testing

/// `kadmin group` against a broker of this process.
@Suite struct GroupToolsTests {
    typealias Cluster = ToolsEndToEndTests.Cluster

    /// Topics `orders` and `clicks` of two partitions with five records each, and the group `billing` that has read three
    /// of each partition of `orders`.
    private func cluster() throws -> Cluster {
        let cluster = try Cluster()
        #expect(cluster.run(.kadmin, "topic", "create", "orders", "clicks", "-p", "2").status == .done)
        for topic in ["orders", "clicks"] {
            for partition in ["0", "1"] {
                let done = cluster.run(.kproduce, "-t", topic, "-p", partition, "-q", input: "a\nb\nc\nd\ne\n")
                #expect(done.status == .done, "\(done.errors)")
            }
        }
        let done = cluster.run(.kadmin, "group", "seek", "billing", "-o", "3", "-t", "orders", "-y")
        #expect(done.status == .done, "\(done.errors)")
        return cluster
    }

    @Test func `a place that is not there is refused with what is there`() throws {
        let cluster = try cluster()
        func refusal(_ words: String...) -> String {
            let test = TestConsole(tool: "kadmin", environment: ["KAFKA_BOOTSTRAP_SERVERS": cluster.server])
            #expect(Command.kadmin.run(words, test.console) != .done)
            return test.errors.text
        }
        #expect(
            refusal("group", "seek", "billing", "-o", "1", "-t", "orders", "-p", "7", "-y").contains(
                "orders has no partition 7; it has 0-1"))
        #expect(
            refusal("group", "seek", "billing", "-o", "1", "-p", "7", "-y").contains(
                "group billing has no stored offsets in these partitions"))
        #expect(refusal("group", "seek", "nobody", "-o", "1", "-y").contains("there is no group nobody"))
        for text in ["foo", "5:10"] {
            #expect(
                refusal("group", "seek", "billing", "-o", text).contains(
                    "-o \(text): not beginning, end, N, -N or @TIME\n"))
        }
        #expect(
            refusal("topic", "trim", "orders", "--before", "2", "-p", "2", "-y").contains(
                "orders has no partition 2; it has 0-1"))
        #expect(refusal("topic", "trim", "order", "--before", "2", "-y").contains("there is no topic order"))
        #expect(refusal("topic", "trim", "orders", "--before", "x", "-y").contains("--before x: not beginning, end"))
    }
}
