import Testing

@testable import KCore

@Suite struct LateOpeningTests {
    private let disk = SimulatedDisk()
    private let clock = ManualClock()

    @Test func `coordinators serve partitions that there was no room for when their topics were created`() throws {
        let config = try BrokerConfig(["group.coordinator.threads": "1"])
        let logs = try LogManager(
            LogManagerOptions(directories: ["/a"]), disk: disk, clock: clock, background: { $0() })
        logs.load { _ in LogConfig() }
        let workers = WorkerPool(name: "work", threads: 1)
        defer { workers.stop() }
        let partitions = PartitionManager(logManager: logs, config: config, nodeId: 1, logger: .silent)
        var cluster = try ClusterBench()
        let holder = ImageHolder(cluster.image)
        let coordinators = try Coordinators(
            config: config, images: holder, partitions: partitions, workers: workers, clock: clock, logger: .silent)
        defer { coordinators.stop() }
        let transactions = try TransactionCoordinator(
            config: config, partitions: partitions, workers: workers, clock: clock, logger: .silent,
            producerIds: ProducerIdAllocator { _ in }
        ) { _, _, reply in reply.refuse(.notCoordinator) }
        defer { transactions.stop() }
        partitions.open(cluster.image)
        for listener in [partitions, coordinators, transactions] as [any ImageListener] { holder.addListener(listener) }

        disk.setRoom(0)
        for name in [CoordinatorTopic.groupsName, CoordinatorTopic.transactionsName] {
            cluster.create(name)
            holder.publish(cluster.image, cluster.delta)
        }
        let image = cluster.image
        func askGroup(_ answers: Answers) {
            coordinators.groups.submit(to: 0, answers.reply) { _, turn, reply in turn.send("served", to: reply) }
        }
        func askTransaction(_ answers: Answers) {
            transactions.submit("id", image, answers.reply) { _, _ in "served" }
        }
        let (group, transaction) = (Answers(), Answers())
        askGroup(group)
        askTransaction(transaction)
        #expect(group.wait(1) == ["NOT_COORDINATOR"])
        #expect(transaction.wait(1) == ["NOT_COORDINATOR"])

        disk.setRoom(nil)
        #expect(partitions.mayOpenMore(nowMs: 0))
        partitions.openMore(nowMs: 0)
        // A loop serves in the order of calls, and an empty log is loaded at once.
        askGroup(group)
        askTransaction(transaction)
        #expect(group.wait(2).last == "served")
        #expect(transaction.wait(2).last == "served")
        #expect(!partitions.mayOpenMore(nowMs: 0))
    }
}
