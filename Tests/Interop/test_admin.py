"""What administrators do, by confluent-kafka and kafka-python."""

import time

import confluent_kafka
import kafka.admin
import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic,
                                   OffsetSpec, ResourceType)

from broker import wait_until
from clients import Confluent, Kcat
from records import Record


@pytest.fixture
def admin(broker):
    return AdminClient({"bootstrap.servers": broker.address})


def code_of(refusal):
    return refusal.value.args[0].code()


def config_of(admin, topic):
    resource = ConfigResource(ResourceType.TOPIC, topic)
    return admin.describe_configs([resource])[resource].result(20)


def test_the_cluster_is_described(broker, admin):
    cluster = admin.describe_cluster().result(20)
    assert len(cluster.nodes) == 1 and cluster.cluster_id
    assert f"{cluster.nodes[0].host}:{cluster.nodes[0].port}" == broker.address
    assert cluster.cluster_id in broker.ready


def test_a_topic_comes_and_goes(admin):
    admin.create_topics([NewTopic("comes-and-goes", 3, 1)])["comes-and-goes"].result(20)
    described = admin.list_topics(timeout=20).topics["comes-and-goes"]
    assert sorted(described.partitions) == [0, 1, 2]
    admin.delete_topics(["comes-and-goes"])["comes-and-goes"].result(20)
    wait_until(lambda: "comes-and-goes" not in admin.list_topics(timeout=20).topics, what="the topic's end")


def test_a_deleted_topic_is_born_empty(broker, admin):
    for _ in range(3):
        admin.create_topics([NewTopic("reborn", 1, 1)])["reborn"].result(20)
        Confluent.produce(broker, "reborn", [Record(b"1"), Record(b"2")])
        assert [one.offset for one in Confluent.consume(broker, "reborn", 2)] == [0, 1]
        admin.delete_topics(["reborn"])["reborn"].result(20)


def test_what_cannot_be_created_is_refused_by_its_code(admin, topic):
    cases = {
        KafkaError.TOPIC_ALREADY_EXISTS: NewTopic(topic, 1, 1),
        KafkaError.TOPIC_EXCEPTION: NewTopic("no/slashes", 1, 1),
        KafkaError.INVALID_PARTITIONS: NewTopic("none", 0, 1),
        KafkaError.INVALID_REPLICATION_FACTOR: NewTopic("three", 1, 3),
        KafkaError.INVALID_CONFIG: NewTopic("config", 1, 1, config={"retention.ms": "soon"}),
    }
    for expected, new in cases.items():
        with pytest.raises(KafkaException) as refusal:
            admin.create_topics([new])[new.topic].result(20)
        assert code_of(refusal) == expected, refusal.value
    with pytest.raises(KafkaException) as refusal:
        admin.delete_topics(["never-was"])["never-was"].result(20)
    assert code_of(refusal) == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_validation_creates_nothing(admin):
    admin.create_topics([NewTopic("only-asked", 1, 1)], validate_only=True)["only-asked"].result(20)
    assert "only-asked" not in admin.list_topics(timeout=20).topics


def test_partitions_are_added(broker, admin, topic):
    admin.create_partitions([NewPartitions(topic, 4)])[topic].result(20)
    wait_until(lambda: len(admin.list_topics(topic, timeout=20).topics[topic].partitions) == 4, what="four partitions")
    with pytest.raises(KafkaException) as refusal:
        admin.create_partitions([NewPartitions(topic, 2)])[topic].result(20)
    assert code_of(refusal) == KafkaError.INVALID_PARTITIONS
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.address})
    for partition in range(4):
        producer.produce(topic, b"v", partition=partition)
    assert producer.flush(20) == 0


def test_configs_are_described_and_changed(admin, new_topic):
    topic = new_topic(retention_ms=3_600_000)
    config = config_of(admin, topic)
    assert config["retention.ms"].value == "3600000" and not config["retention.ms"].is_default
    assert config["max.message.bytes"].value == "1048588"
    assert config["cleanup.policy"].value == "delete"

    def change(*entries):
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[
            ConfigEntry(key, value, incremental_operation=operation) for key, value, operation in entries])
        admin.incremental_alter_configs([resource])[resource].result(20)
        return config_of(admin, topic)

    config = change(("max.message.bytes", "2000", AlterConfigOpType.SET),
                    ("cleanup.policy", "compact", AlterConfigOpType.APPEND))
    assert config["max.message.bytes"].value == "2000"
    assert sorted(config["cleanup.policy"].value.split(",")) == ["compact", "delete"]
    assert config["retention.ms"].value == "3600000"
    config = change(("max.message.bytes", None, AlterConfigOpType.DELETE),
                    ("cleanup.policy", "delete", AlterConfigOpType.SUBTRACT))
    assert config["max.message.bytes"].value == "1048588"
    assert config["cleanup.policy"].value == "compact"
    for key, value in (("retention.ms", "soon"), ("no.such.config", "1")):
        with pytest.raises(KafkaException) as refusal:
            change((key, value, AlterConfigOpType.SET))
        assert code_of(refusal) in (KafkaError.INVALID_CONFIG, KafkaError.INVALID_REQUEST)


def test_the_old_alter_replaces_all(admin, new_topic):
    topic = new_topic(retention_ms=3_600_000, max_message_bytes=5000)
    resource = ConfigResource(ResourceType.TOPIC, topic, set_config={"segment.bytes": "1000000"})
    admin.alter_configs([resource])[resource].result(20)
    config = config_of(admin, topic)
    assert config["segment.bytes"].value == "1000000"
    assert config["retention.ms"].value == "604800000" and config["max.message.bytes"].value == "1048588"


def test_the_brokers_own_configs_are_described(broker, admin):
    resource = ConfigResource(ResourceType.BROKER, str(admin.describe_cluster().result(20).nodes[0].id))
    config = admin.describe_configs([resource])[resource].result(20)
    assert config["message.max.bytes"].value == "1048588"
    assert config["auto.create.topics.enable"].value == "true"


def test_offsets_are_listed_and_records_deleted(broker, admin, topic):
    start = int(time.time() * 1000) - 100_000
    Confluent.produce(broker, topic, [Record(b"%d" % i, None, (), start + (500 if i == 3 else i)) for i in range(10)])
    partition = TopicPartition(topic, 0)

    def listed(spec):
        result = admin.list_offsets({partition: spec})[partition].result(20)
        return result.offset

    assert listed(OffsetSpec.earliest()) == 0
    assert listed(OffsetSpec.latest()) == 10
    assert listed(OffsetSpec.max_timestamp()) == 3
    assert listed(OffsetSpec.for_timestamp(start + 200)) == 3
    low = admin.delete_records([TopicPartition(topic, 0, 4)])
    assert next(iter(low.values())).result(20).low_watermark == 4
    assert listed(OffsetSpec.earliest()) == 4
    assert [one.offset for one in Confluent.consume(broker, topic, 6)] == list(range(4, 10))
    with pytest.raises(KafkaException) as refusal:
        next(iter(admin.delete_records([TopicPartition(topic, 0, 99)]).values())).result(20)
    assert code_of(refusal) == KafkaError.OFFSET_OUT_OF_RANGE


def test_topics_are_created_when_first_used(broker):
    Kcat.produce(broker, "made-by-producing", [Record(b"v")])
    assert [one.record.value for one in Kcat.consume(broker, "made-by-producing", 1)] == [b"v"]


def test_topics_are_not_created_where_that_is_switched_off(new_broker):
    broker = new_broker(auto_create_topics_enable="false")
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.address, "message.timeout.ms": 4000})
    errors = []
    producer.produce("nowhere", b"v", on_delivery=lambda error, _: errors.append(error))
    producer.flush(20)
    assert errors and errors[0] is not None
    assert "nowhere" not in AdminClient({"bootstrap.servers": broker.address}).list_topics(timeout=20).topics


def test_kafka_python_administers_too(broker):
    admin = kafka.admin.KafkaAdminClient(bootstrap_servers=broker.address)
    admin.create_topics([kafka.admin.NewTopic("by-kafka-python", 2, 1)])
    wait_until(lambda: "by-kafka-python" in admin.list_topics(), what="the topic")
    assert len(admin.describe_topics(["by-kafka-python"])[0]["partitions"]) == 2
    admin.create_partitions({"by-kafka-python": kafka.admin.NewPartitions(3)})
    wait_until(lambda: len(admin.describe_topics(["by-kafka-python"])[0]["partitions"]) == 3, what="the partition")
    assert admin.describe_log_dirs()
    admin.delete_topics(["by-kafka-python"])
    wait_until(lambda: "by-kafka-python" not in admin.list_topics(), what="the topic's end")
    admin.close()
