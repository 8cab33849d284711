@testable import KCore
import Testing

@Suite struct BrokerOptionsTests {
    static let tool = Command(
        "kbroker", "", operands: [Operand("FILE", kind: .path)], options: BrokerOptions.all)

    func properties(_ words: String...) throws -> [String: String] {
        try BrokerOptions.properties(parsed(words))
    }

    private func parsed(_ words: String...) throws(ToolError) -> Arguments { try parsed(words) }

    private func parsed(_ words: [String]) throws(ToolError) -> Arguments {
        guard case .run(_, let arguments) = try ArgumentParser.parse(Self.tool, words) else { throw ToolError("no") }
        return arguments
    }

    @Test func `with nothing said it is a cluster of one on this machine`() throws {
        #expect(try properties() == ["log.dirs": "./data", "listeners": "PLAINTEXT://127.0.0.1:9092"])
    }

    @Test func `options go before the file, and overrides before options`() throws {
        let set = try properties(
            "--data", "/d", "--listen", "[::1]:0", "--override", "log.dirs=/e", "--override", "x=y=z")
        #expect(set == ["log.dirs": "/e", "listeners": "PLAINTEXT://[::1]:0", "x": "y=z"])
        #expect(try properties("--listen", ":9093")["listeners"] == "PLAINTEXT://:9093")
    }

    @Test(arguments: ["localhost", "localhost:x", "localhost:70000", "::1:9092"])
    func `a place to listen is a host and a port`(text: String) {
        #expect(throws: ToolError.self) { try properties("--listen", text) }
    }

    @Test(arguments: ["0.0.0.0", "[::]"])
    func `an address that clients cannot connect to needs one that they can`(host: String) throws {
        do throws(ToolError) {
            _ = try BrokerOptions.properties(parsed("--listen", "\(host):9093"))
            Issue.record("accepted")
        } catch {
            #expect(error.status == .usage)
            #expect(error.message.contains("--listen :9093 ") && error.message.contains("advertised.listeners="))
        }
        let told = try properties(
            "--listen", "\(host):9093", "--override", "advertised.listeners=PLAINTEXT://box:9093")
        #expect(told["listeners"] == "PLAINTEXT://\(host):9093")
    }

    @Test func `a file that is not there is named`() {
        #expect(throws: ToolError("cannot open /nonexistent: No such file or directory")) {
            try properties("/nonexistent")
        }
    }
}
