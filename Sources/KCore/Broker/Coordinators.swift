/// The coordinators of this broker, in step with the partitions of their topics that it leads.
final class Coordinators: Sendable {
    let groups: CoordinatorRuntime<GroupCoordinator>
    let groupSettings: GroupSettings
    private let loops: EventLoopGroup
    private let partitions: PartitionManager
    private let config: BrokerConfig

    init(
        config: BrokerConfig, images: ImageHolder, partitions: PartitionManager, workers: WorkerPool,
        clock: any Clock, logger: Logger
    ) throws(NetError) {
        self.config = config
        self.partitions = partitions
        loops = try EventLoopGroup(
            name: "coordinator", count: config.int("group.coordinator.threads"), clock: clock)
        let settings = GroupSettings(config)
        groupSettings = settings
        let patternSlots = PatternSlots()
        groups = CoordinatorRuntime(
            loops: loops.loops, workers: workers, clock: clock, logger: logger.named("groups")
        ) { _ in
            GroupCoordinator(settings: settings, patternSlots: patternSlots) { images.image.configs(of: .group($0)) }
        } afterLoading: {
            let before = images.image
            return { machine, turn in machine.forgetTopicsGone(before: before, now: images.image, &turn) }
        }
        partitions.onLateOpening { [weak self] topic in
            if topic.name == CoordinatorTopic.groupsName { self?.follow(topic) }
        }
    }

    /// Takes over what this broker leads, at start.
    func open(_ image: ClusterImage) {
        if let topic = image.topic(CoordinatorTopic.groupsName) { follow(topic) }
    }

    /// Refuses whoever waits, and ends. Nothing is taken after that.
    func stop(leftMs: () -> Int64? = { nil }) {
        groups.stop()
        loops.stop(leftMs: leftMs)
    }

    private func follow(_ topic: TopicImage) {
        let served = partitions.table.value.find(topic.name)
        for index in topic.partitions.indices {
            if let partition = served?.partition(Int32(index)) {
                groups.lead(partition)
            } else {
                groups.resign(Int32(index))
            }
        }
    }

    // MARK: Topics

    /// The topic of a kind of coordinator, as it is to be made here.
    func topic(_ type: CoordinatorType, _ image: ClusterImage) -> CoordinatorTopic? {
        let brokers = image.usableBrokers.count
        return switch type {
        case .group: .groups(config, brokerCount: brokers)
        case .transaction: .transactions(config, brokerCount: brokers)
        default: nil
        }
    }

    /// How an internal topic is made, whoever asks for it; nil for any other topic.
    func creation(of name: String, _ image: ClusterImage) -> CreateTopicsRequest.CreatableTopic? {
        [CoordinatorType.group, .transaction].compactMap { topic($0, image) }.first { $0.name == name }?
            .creation.topics.first
    }

    /// The partition that a group belongs to; nil while there is no topic for groups.
    static func partition(ofGroup id: String, _ image: ClusterImage) -> Int32? {
        image.topic(CoordinatorTopic.groupsName).map {
            CoordinatorTopic.partition(of: id, count: Int32($0.partitions.count))
        }
    }
}

extension Coordinators: ImageListener {
    func imageDidChange(to image: ClusterImage, _ delta: ClusterDelta) {
        let name = CoordinatorTopic.groupsName
        if let gone = delta.deletedTopics.first(where: { $0.name == name }) {
            for index in gone.partitions.indices { groups.resign(Int32(index)) }
        }
        for topic in delta.createdTopics + delta.changedTopics.map(\.after) where topic.name == name { follow(topic) }
        groups.forgetTopics(Set(delta.deletedTopics.map(\.name)))
    }
}
