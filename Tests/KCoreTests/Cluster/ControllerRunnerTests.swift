import FoundationEssentials
import Synchronization
import Testing

@testable import KCore

@Suite struct ControllerRunnerTests {
    private func open(_ disk: SimulatedDisk, properties: [String: String] = [:]) throws -> EmbeddedCluster {
        var properties = properties
        properties["log.dirs"] = "/data"
        let cluster = try EmbeddedCluster.open(
            config: try BrokerConfig(properties), disk: disk, clock: ManualClock(), logger: .silent,
            random: SeededGenerator(seed: 8))
        _ = cluster.runner.perform(
            RegisterBroker(
                brokerId: 1, incarnationId: .zero, endpoints: [], logDirs: cluster.identity.directories.map { $0.id }))
        return cluster
    }

    @Test func `an answer comes when its change is published and kept`() throws {
        let disk = SimulatedDisk()
        let cluster = try open(disk)
        let response = cluster.runner.perform(CreateTopicsRequest.of([.of("a")]))
        #expect(response.topics[0].errorCode == .none)
        #expect(cluster.holder.image.topic("a")?.id == response.topics[0].topicId)
        cluster.runner.stop()
        let again = try open(disk)
        #expect(again.holder.image.topic("a")?.id == response.topics[0].topicId)
        again.runner.stop()
    }

    @Test func `of many that want the same name at once one gets it`() throws {
        let cluster = try open(SimulatedDisk())
        let codes = Monitor<[ErrorCode]>([])
        for index in 0..<200 {
            cluster.runner.submit(CreateTopicsRequest.of([.of("t\(index / 4)")])) { response in
                codes.update { $0.append(response.topics[0].errorCode) }
            }
        }
        let all = try #require(codes.wait(timeoutMs: 30_000) { $0.count == 200 ? $0 : nil })
        #expect(all.filter { $0 == .none }.count == 50)
        #expect(all.filter { $0 == .topicAlreadyExists }.count == 150)
        #expect(cluster.holder.image.topicCount == 50)
        cluster.runner.stop()
    }

    @Test func `a store that fails is asked nothing more`() throws {
        let disk = SimulatedDisk()
        let cluster = try open(disk)
        disk.failSyncs(true)
        #expect(cluster.runner.perform(CreateTopicsRequest.of([.of("a")])).topics[0].errorCode == .kafkaStorageError)
        disk.failSyncs(false)
        #expect(cluster.runner.perform(CreateTopicsRequest.of([.of("b")])).topics[0].errorCode == .kafkaStorageError)
        #expect(cluster.holder.image.topicCount == 0)
        cluster.runner.stop()
    }

    @Test func `a change that no record can hold is refused by itself, and the next is made`() throws {
        let cluster = try open(SimulatedDisk())
        let failed = Monitor<[String]>([])
        cluster.runner.onFailure { reason in failed.update { $0.append(reason) } }
        let tooLong = IncrementalAlterConfigsRequest.of(
            .group, String(repeating: "a", count: 40_000), [("consumer.session.timeout.ms", .set, "50000")])
        #expect(cluster.runner.perform(tooLong).responses.map(\.errorCode) == [.unknownServerError])
        #expect(cluster.runner.perform(CreateTopicsRequest.of([.of("a")])).topics[0].errorCode == .none)
        #expect(failed.update { $0 }.isEmpty)
        cluster.runner.stop()
    }

    @Test func `a broker that finds no room to be registered is told so`() throws {
        let disk = SimulatedDisk()
        let cluster = try open(disk)
        disk.setRoom(0)
        let request = RegisterBroker(brokerId: 1, incarnationId: .zero, endpoints: [], logDirs: [])
        let refused = cluster.runner.perform(request)
        #expect(refused.errorCode == .kafkaStorageError)
        #expect(refused.reason.contains("/__cluster_metadata-0/") && refused.reason.contains("No space left on device"))
        disk.setRoom(nil)
        #expect(cluster.runner.perform(request).errorCode == .none)
        cluster.runner.stop()
    }

    @Test func `a runner that has stopped refuses`() throws {
        let cluster = try open(SimulatedDisk())
        cluster.runner.stop()
        let response = cluster.runner.perform(DeleteTopicsRequest.of(names: ["a"]))
        #expect(response.responses.map { $0.errorCode } == [.notController])
    }

    @Test func `a start on an empty directory waits for the disk a few times only`() throws {
        let disk = SimulatedDisk()
        let cluster = try open(disk)
        // Creating, writing, renaming and syncing together.
        #expect(disk.operations < 30)
        cluster.runner.stop()
    }

    @Test func `it all works on the machine's disk`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "cluster-\(Uuid.random())")
        defer { try? FileManager.default.removeItem(at: folder) }
        let config = try BrokerConfig(["log.dirs": folder.path])
        var created: Uuid?
        for _ in 0..<2 {
            let cluster = try EmbeddedCluster.open(
                config: config, disk: SystemDisk(), clock: SystemClock(), logger: .silent)
            let registration = RegisterBroker(
                brokerId: cluster.identity.nodeId, incarnationId: .random(), endpoints: [],
                logDirs: cluster.identity.directories.map { $0.id })
            #expect(cluster.runner.perform(registration).errorCode == .none)
            if let created {
                #expect(cluster.holder.image.topic("a")?.id == created)
            } else {
                created = cluster.runner.perform(CreateTopicsRequest.of([.of("a")])).topics.first?.topicId
            }
            cluster.runner.stop()
        }
    }
}
