import Testing

@testable import KCore

/// Several members and a coordinator over a network that delays and loses, with readers that are slow or gone, from a seed.
@Suite struct GroupMemberSimulationTests {
    private final class World {
        let network: SimulatedNetwork
        let readers: SimulatedReaders
        let coordinator = ScriptedCoordinator(rebalanceTimeoutMs: 20_000)
        var counts: [String: Int32] = ["a": 5, "b": 2]
        private(set) var problems: [String] = []
        private let assignors: [Assignor]

        init(seed: UInt64, assignors: [Assignor]) {
            network = SimulatedNetwork(seed: seed)
            readers = SimulatedReaders(network)
            self.assignors = assignors
            readers.topics = { [unowned self] in FoundTopic.all(counts) }
            readers.ask = { [unowned self] request, call in
                coordinator.handle(request, call, nowMs: network.nowMs)
                deliverReplies()
            }
        }

        func addReader(instance: String? = nil) {
            var settings = MembershipSettings(groupId: "g")
            settings.instanceId = instance
            settings.sessionTimeoutMs = 10_000
            settings.heartbeatIntervalMs = 1000
            settings.maxPollIntervalMs = 20_000
            settings.requestTimeoutMs = 3000
            settings.assignors = assignors
            readers.add(settings, topics: ["a", "b"])
        }

        func run(forMs: Int) {
            for _ in 0..<(forMs / 50) {
                network.pass(ms: 50)
                coordinator.tick(nowMs: network.nowMs)
                deliverReplies()
                readers.step()
                check()
            }
        }

        private func deliverReplies() {
            let replies = coordinator.replies
            coordinator.replies = []
            for (call, answer) in replies { readers.answer(call, answer) }
        }

        /// Nobody has in one generation what somebody else has in it.
        private func check() {
            var owners: [TopicPartition: (member: Int, generation: Int32)] = [:]
            for index in readers.living {
                for partition in readers.all[index].has {
                    let generation = readers.all[index].member.generation
                    if let other = owners[partition], other.generation == generation {
                        problems.append("\(partition) is \(other.member)'s and \(index)'s in generation \(generation)")
                    }
                    owners[partition] = (index, generation)
                }
            }
        }

        func addPartition() {
            counts["b", default: 0] += 1
            readers.topicsChanged()
        }

        /// Everybody who lives is in the group, and every partition has exactly one reader.
        func settled() -> String? {
            let living = readers.living.map { readers.all[$0] }
            if living.contains(where: { !$0.member.isSettled || $0.member.generation != coordinator.generation }) {
                return "not all are in generation \(coordinator.generation)"
            }
            let all = living.flatMap { $0.has }
            let wanted = counts.reduce(0) { $0 + Int($1.value) }
            if Set(all).count != all.count { return "two readers of one partition" }
            return all.count == wanted ? nil : "\(all.count) of \(wanted) partitions are read"
        }
    }

    @Test(arguments: [
        [Assignor.range], [.roundRobin, .range], [.sticky], [.cooperativeSticky], [.range, .cooperativeSticky],
    ])
    func `however members come, go and stall, no partition has two owners and in the end each has one`(
        assignors: [Assignor]
    ) {
        for seed in 0..<30 as Range<UInt64> {
            let world = World(seed: seed, assignors: assignors)
            let network = world.network
            defer { network.end() }
            for index in 0..<network.int(1...4) {
                world.addReader(instance: index == 1 ? "static" : nil)
                world.run(forMs: network.int(0...3000))
            }
            for _ in 0..<4 {
                world.run(forMs: network.int(1000...30_000))
                let victim = network.int(0...(world.readers.all.count - 1))
                switch network.int(0...3) {
                case 0: world.addReader()
                case 1: world.readers.crash(victim)
                case 2: world.readers.leave(victim)
                default: world.addPartition()
                }
            }
            world.addReader()
            network.isCalm = true
            world.run(forMs: 120_000)
            let problems = world.problems + world.readers.problems
            #expect(problems.isEmpty, "seed \(seed): \(problems.first ?? "")")
            #expect(world.settled() == nil, "seed \(seed): \(world.settled() ?? "")")
        }
    }
}
