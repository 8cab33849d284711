"""delivery.delay.ms: topics whose records are seen only when they are old enough, by any client."""

import time

import confluent_kafka
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from broker import wait_until
from clients import CLIENTS, Confluent
from records import Record

name = lambda client: client.name


def end_offset(broker, topic, isolation="read_uncommitted"):
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": broker.address, "group.id": "none", "isolation.level": isolation})
    try:
        return consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=20)[1]
    finally:
        consumer.close()


def set_delay(broker, topic, value):
    admin = AdminClient({"bootstrap.servers": broker.address})
    entry = ConfigEntry("delivery.delay.ms", str(value), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    admin.incremental_alter_configs([resource])[resource].result(20)


@pytest.mark.parametrize("client", CLIENTS, ids=name)
def test_every_client_waits_until_a_record_is_old_enough(broker, new_topic, client):
    # However long this machine takes, the records are not old enough yet.
    topic = new_topic(delivery_delay_ms=3_600_000)
    Confluent.produce(broker, topic, [Record(b"%d" % i) for i in range(20)])
    assert end_offset(broker, topic) == 0
    set_delay(broker, topic, 1500)
    got = client.consume(broker, topic, 20)
    assert time.time() * 1000 >= max(one.timestamp for one in got) + 1500
    assert [one.record.value for one in got] == [b"%d" % i for i in range(20)]
    assert end_offset(broker, topic) == end_offset(broker, topic, "read_committed") == 20


def test_a_record_that_is_old_already_is_seen_at_once(broker, new_topic):
    topic = new_topic(delivery_delay_ms=3_600_000)
    long_ago = int(time.time() * 1000) - 3_600_001
    Confluent.produce(broker, topic, [Record(b"old", None, (), long_ago)])
    Confluent.produce(broker, topic, [Record(b"young")])
    assert end_offset(broker, topic) == 1


def test_the_wait_goes_on_after_a_restart_and_after_kill(new_broker):
    from conftest import create_topic
    broker = new_broker()
    topic = create_topic(broker, delivery_delay_ms=3_600_000)
    Confluent.produce(broker, topic, [Record(b"v")])
    for end in (broker.stop, broker.kill):
        end()
        broker.start()
        assert end_offset(broker, topic) == 0
    set_delay(broker, topic, 0)
    wait_until(lambda: end_offset(broker, topic) == 1, what="the record")


def test_a_changed_delay_takes_nothing_back(broker, new_topic):
    topic = new_topic()
    Confluent.produce(broker, topic, [Record(b"seen")])
    set_delay(broker, topic, 3_600_000)
    Confluent.produce(broker, topic, [Record(b"later")])
    assert end_offset(broker, topic) == 1
    set_delay(broker, topic, 1)
    assert [one.record.value for one in Confluent.consume(broker, topic, 2)] == [b"seen", b"later"]
