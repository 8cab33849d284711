import Testing

@testable import KCore

/// Files that count on what is not there yet: to start with them all the same would open what is closed, or make a second
/// cluster.
@Suite struct BrokerPromisesTests {
    private func problem(_ properties: [String: String]) -> String? {
        do {
            _ = try BrokerConfig(properties)
            return nil
        } catch {
            return error.message
        }
    }

    /// Kafka's own example of a node that is broker and controller.
    private let combined = [
        "process.roles": "broker,controller", "node.id": "1", "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "controller.listener.names": "CONTROLLER",
    ]

    private func with(_ more: [String: String]) -> [String: String] { combined.merging(more) { $1 } }

    @Test func `a file that keeps clients out does not let them all in`() {
        let authorizer = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
        #expect(
            problem(["authorizer.class.name": authorizer, "super.users": "User:admin"])
                == "authorizer.class.name: there is no access control yet; remove it to let everybody do everything")
        #expect(problem(["authorizer.class.name": "", "super.users": "User:admin"]) == nil)
    }

    @Test func `a node of a larger cluster does not begin one of its own`() {
        let refused: [([String: String], String)] = [
            (["zookeeper.connect": "box:2181"], "zookeeper.connect"),
            (["process.roles": "broker", "node.id": "1"], "process.roles=broker"),
            (["process.roles": "controller", "node.id": "1"], "process.roles=controller"),
            (with(["controller.quorum.voters": "9@elsewhere:9093"]), "9@elsewhere:9093 is not"),
            (with(["controller.quorum.voters": "1@a:9093,2@b:9093,3@c:9093"]), "2@b:9093, 3@c:9093 is not"),
            (["controller.quorum.voters": "1@a:9093"], "1@a:9093 is not"),
            (with(["controller.quorum.bootstrap.servers": "elsewhere:9094"]), "elsewhere:9094 is not"),
            (with(["controller.quorum.bootstrap.servers": "a:9093,b:9093"]), "a:9093, b:9093 is not"),
            (
                with([
                    "listeners": "PLAINTEXT://:9092,CONTROLLER://box:9093",
                    "controller.quorum.bootstrap.servers": "elsewhere:9093",
                ]), "elsewhere:9093 is not"
            ),
            (["controller.quorum.bootstrap.servers": "localhost:9093"], "localhost:9093 is not"),
        ]
        for (properties, name) in refused {
            let answer = problem(properties) ?? "accepted"
            #expect(answer.contains(name) && answer.contains("remove it"), "\(properties): \(answer)")
        }
    }

    @Test func `a node that is the whole cluster starts with Kafka's file`() {
        let good: [[String: String]] = [
            [:], ["zookeeper.connect": ""], combined, with(["process.roles": "controller, broker"]),
            with(["controller.quorum.voters": "1@127.0.0.1:9093"]),
            with(["controller.quorum.bootstrap.servers": "localhost:9093"]),
            with(["controller.quorum.bootstrap.servers": "box.example.org:9093"]),
            with([
                "listeners": "PLAINTEXT://:9092,CONTROLLER://[::1]:9093",
                "controller.quorum.bootstrap.servers": "[::1]:9093",
            ]),
            with([
                "advertised.listeners": "PLAINTEXT://box:9092,CONTROLLER://Box:9093",
                "controller.quorum.bootstrap.servers": "box:9093,localhost:9093",
            ]),
            ["broker.id": "7", "controller.quorum.voters": "7@box:9093"],
        ]
        for properties in good {
            #expect(problem(properties) == nil, "\(properties)")
        }
    }
}
