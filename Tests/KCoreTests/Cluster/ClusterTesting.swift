import FoundationEssentials

@testable import KCore

/// A cluster in memory: requests are decided and their records applied, with nothing kept anywhere.
struct ClusterBench {
    var controller: Controller
    var image: ClusterImage
    /// Records of the last request.
    var records: [MetadataLogRecord] = []
    var delta = ClusterDelta()

    /// - Parameter level: of `metadata.version`.
    init(
        brokers: [Int32] = [1], properties: [String: String] = [:], seed: UInt64 = 1,
        level: Int16 = MetadataVersion.current
    ) throws {
        controller = Controller(
            config: try BrokerConfig(properties), nodeId: brokers[0], random: SeededGenerator(seed: seed))
        var feature = FeatureLevelRecord()
        feature.name = MetadataVersion.featureName
        feature.featureLevel = level
        var builder = ImageBuilder(ClusterImage(clusterId: "test", controllerId: brokers[0]))
        try builder.apply(.featureLevel(feature))
        image = try builder.finish(lastOffset: -1).image
        for id in brokers {
            perform(RegisterBroker(brokerId: id, incarnationId: .zero, endpoints: [], logDirs: [Uuid(high: 7, low: 7)]))
        }
    }

    @discardableResult
    mutating func perform<R: ControllerRequest>(_ request: R) -> R.Response {
        let result = request.decide(&controller, image)
        records = result.records
        if let applied = try? image.applying(result.records) { (image, delta) = applied }
        return result.response
    }

    /// Creates a topic and expects nothing to go wrong.
    @discardableResult
    mutating func create(
        _ name: String, partitions: Int32 = 1, replicationFactor: Int16 = 1, configs: [String: String] = [:]
    ) -> CreateTopicsResponse.CreatableTopicResult {
        var request = CreateTopicsRequest()
        request.topics = [
            .of(name, partitions: partitions, replicationFactor: replicationFactor, configs: configs)
        ]
        return perform(request).topics[0]
    }

    func describe(
        _ type: ConfigResourceType, _ name: String, keys: [String]? = nil
    ) -> DescribeConfigsResponse.DescribeConfigsResult {
        var request = DescribeConfigsRequest()
        request.includeSynonyms = true
        request.includeDocumentation = true
        var resource = DescribeConfigsRequest.DescribeConfigsResource()
        resource.resourceType = type
        resource.resourceName = name
        resource.configurationKeys = keys
        request.resources = [resource]
        return request.answer(config: controller.config, nodeId: controller.nodeId, image: image).results[0]
    }
}

extension CreateTopicsRequest.CreatableTopic {
    static func of(
        _ name: String, partitions: Int32 = 1, replicationFactor: Int16 = 1, configs: [String: String?] = [:],
        assignments: [[Int32]] = []
    ) -> Self {
        var topic = Self()
        topic.name = name
        topic.numPartitions = partitions
        topic.replicationFactor = replicationFactor
        topic.configs = configs.sorted { $0.key < $1.key }.map { key, value in
            var config = CreateTopicsRequest.CreatableTopicConfig()
            config.name = key
            config.value = value
            return config
        }
        topic.assignments = assignments.enumerated().map { index, brokers in
            var assignment = CreateTopicsRequest.CreatableReplicaAssignment()
            assignment.partitionIndex = Int32(index)
            assignment.brokerIds = brokers
            return assignment
        }
        return topic
    }
}

extension CreateTopicsRequest {
    static func of(_ topics: [CreatableTopic]) -> Self {
        var request = Self()
        request.topics = topics
        return request
    }
}

extension IncrementalAlterConfigsRequest {
    typealias Change = (name: String, operation: ConfigOperation, value: String?)

    static func of(_ type: ConfigResourceType, _ name: String, _ changes: [Change]) -> Self {
        var resource = AlterConfigsResource()
        resource.resourceType = type
        resource.resourceName = name
        resource.configs = changes.map { change in
            var config = AlterableConfig()
            config.name = change.name
            config.configOperation = change.operation
            config.value = change.value
            return config
        }
        var request = Self()
        request.resources = [resource]
        return request
    }
}

extension DeleteTopicsRequest {
    static func of(names: [String] = [], ids: [Uuid] = []) -> Self {
        var request = Self()
        request.topics =
            names.map { name in
                var state = DeleteTopicState()
                state.name = name
                return state
            }
            + ids.map { id in
                var state = DeleteTopicState()
                state.topicId = id
                return state
            }
        return request
    }
}

/// Files below Tests/Fixtures/kafka-3.9-metadata, which Apache Kafka 3.9 wrote.
enum KafkaMetadataFixture {
    static func file(_ name: String) throws -> [UInt8] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Fixtures/kafka-3.9-metadata").standardized
        return [UInt8](try Data(contentsOf: folder.appending(path: name)))
    }

    /// A disk that has them where a broker looks for them.
    static func disk() throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        disk.plant("/data/meta.properties", try file("meta.properties"))
        disk.plant("/data/bootstrap.checkpoint", try file("bootstrap.checkpoint"))
        disk.plant(
            "/data/__cluster_metadata-0/00000000000000000000.log", try file("00000000000000000000.log"))
        return disk
    }
}
