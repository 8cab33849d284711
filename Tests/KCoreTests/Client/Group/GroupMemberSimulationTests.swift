import Testing

@testable import KCore

/// Several members and a coordinator over a network that delays and loses, with readers that are slow or gone, from a seed.
@Suite struct GroupMemberSimulationTests {
    private final class World {
        struct Reader {
            let member: GroupMember
            /// What the reader believes that it may read.
            var has: Set<TopicPartition> = []
            var revoking: (partitions: [TopicPartition], number: Int)?
            var isGone = false
            var nextPollMs: Int64 = 0
        }

        var random: SeededGenerator
        var nowMs: Int64 = 0
        var readers: [Reader] = []
        let coordinator = ScriptedCoordinator(rebalanceTimeoutMs: 20_000)
        var counts: [String: Int32] = ["a": 5, "b": 2]
        var isCalm = false
        var problems: [String] = []
        private var events: [(atMs: Int64, order: Int, body: () -> Void)] = []
        private var order = 0
        let assignors: [Assignor]

        init(seed: UInt64, assignors: [Assignor]) {
            random = SeededGenerator(seed: seed)
            self.assignors = assignors
        }

        func addReader(instance: String? = nil) {
            var settings = MembershipSettings(groupId: "g")
            settings.instanceId = instance
            settings.sessionTimeoutMs = 10_000
            settings.heartbeatIntervalMs = 1000
            settings.maxPollIntervalMs = 20_000
            settings.requestTimeoutMs = 3000
            settings.assignors = assignors
            let member = GroupMember(settings, seed: random.next(), nowMs: nowMs)
            member.subscribe(["a", "b"])
            readers.append(Reader(member: member))
        }

        private func later(_ afterMs: Int64, _ body: @escaping () -> Void) {
            order += 1
            events.append((nowMs + afterMs, order, body))
        }

        private func chance(_ percent: Int) -> Bool { !isCalm && Int.random(in: 0..<100, using: &random) < percent }
        private func delay() -> Int64 { Int64.random(in: 1...(isCalm ? 5 : 400), using: &random) }

        func run(forMs: Int64) {
            let end = nowMs + forMs
            while nowMs < end {
                nowMs += 50
                while let next = events.indices.filter({ events[$0].atMs <= nowMs }).min(by: {
                    (events[$0].atMs, events[$0].order) < (events[$1].atMs, events[$1].order)
                }) {
                    events.remove(at: next).body()
                }
                coordinator.tick(nowMs: nowMs)
                deliverReplies()
                for index in readers.indices where !readers[index].isGone { step(index) }
                check()
            }
        }

        private func step(_ index: Int) {
            if nowMs >= readers[index].nextPollMs {
                readers[index].member.polled(nowMs: nowMs)
                if let (partitions, number) = readers[index].revoking {
                    readers[index].revoking = nil
                    readers[index].has.subtract(partitions)
                    readers[index].member.revoked(number, nowMs: nowMs)
                }
                // Now and then somebody takes far too long.
                let pauseMs = chance(1) ? 30_000 : Int64.random(in: 50...(isCalm ? 100 : 3000), using: &random)
                readers[index].nextPollMs = nowMs + pauseMs
            }
            readers[index].member.advance(nowMs: nowMs)
            let effects = readers[index].member.effects
            readers[index].member.effects = []
            for effect in effects { apply(effect, index) }
        }

        private func apply(_ effect: MembershipEffect, _ index: Int) {
            switch effect {
            case .send(let request, let serial, let timeoutMs): send(request, index, serial, timeoutMs)
            case .revoke(let partitions, let number): readers[index].revoking = (partitions, number)
            case .lost(let partitions):
                readers[index].revoking = nil
                readers[index].has.subtract(partitions)
            case .assign(let partitions):
                readers[index].has.formUnion(partitions)
                if readers[index].has != readers[index].member.owned { problems.append("reader and member differ") }
            case .lookUp(let topics):
                let found = counts.filter { topics.contains($0.key) }
                later(delay()) { [self] in readers[index].member.found(found, nowMs: nowMs) }
            case .failed(let error): problems.append("member \(index) failed: \(error)")
            }
        }

        private func send(_ request: GroupRequest, _ index: Int, _ serial: Int, _ timeoutMs: Int64) {
            let call = ScriptedCoordinator.Call(client: index, serial: serial)
            later(min(timeoutMs, 25_000)) { [self] in
                readers[index].member.failed(serial, ClientError(.timeout, "too late"), nowMs: nowMs)
            }
            if chance(3) { return }
            later(delay()) { [self] in
                coordinator.handle(request, call, nowMs: nowMs)
                deliverReplies()
            }
        }

        private func deliverReplies() {
            let replies = coordinator.replies
            coordinator.replies = []
            for (call, answer) in replies where !chance(3) {
                later(delay()) { [self] in
                    readers[call.client].member.answered(call.serial, answer, nowMs: nowMs)
                }
            }
        }

        /// Nobody has in one generation what somebody else has in it.
        private func check() {
            var owners: [TopicPartition: (member: Int, generation: Int32)] = [:]
            for (index, reader) in readers.enumerated() where !reader.isGone {
                for partition in reader.has {
                    let generation = reader.member.generation
                    if let other = owners[partition], other.generation == generation {
                        problems.append("\(partition) is \(other.member)'s and \(index)'s in generation \(generation)")
                    }
                    owners[partition] = (index, generation)
                }
            }
        }

        func addPartition() {
            counts["b", default: 0] += 1
            for reader in readers where !reader.isGone { reader.member.changed(counts) }
        }

        func crash(_ index: Int) { readers[index].isGone = true }

        func leave(_ index: Int) {
            readers[index].member.leave(nowMs: nowMs)
            for case .send(let request, let serial, let timeoutMs) in readers[index].member.effects {
                send(request, index, serial, timeoutMs)
            }
            readers[index].isGone = true
        }

        /// Everybody who lives is in the group, and every partition has exactly one reader.
        func settled() -> String? {
            let living = readers.filter { !$0.isGone }
            if living.contains(where: { $0.member.phase != .stable || $0.member.generation != coordinator.generation })
            {
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
            for index in 0..<Int.random(in: 1...4, using: &world.random) {
                world.addReader(instance: index == 1 ? "static" : nil)
                world.run(forMs: Int64.random(in: 0...3000, using: &world.random))
            }
            for _ in 0..<4 {
                world.run(forMs: Int64.random(in: 1000...30_000, using: &world.random))
                let victim = Int.random(in: 0..<world.readers.count, using: &world.random)
                switch Int.random(in: 0..<4, using: &world.random) {
                case 0: world.addReader()
                case 1: world.crash(victim)
                case 2: world.leave(victim)
                default: world.addPartition()
                }
            }
            world.addReader()
            world.isCalm = true
            world.run(forMs: 120_000)
            #expect(world.problems.isEmpty, "seed \(seed): \(world.problems.first ?? "")")
            #expect(world.settled() == nil, "seed \(seed): \(world.settled() ?? "")")
        }
    }
}
