"""Compacted topics as clients see them."""

import os
import time

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from broker import wait_until
from clients import CODECS, run
from conftest import create_topic

# No codec makes it smaller, so that two of them do not fit into a segment.
RANDOM = os.urandom(15_000)
FAST = {"log_cleaner_backoff_ms": 50, "log_segment_delete_delay_ms": 0}


def put(broker, topic, records, **settings):
    """Produces (key, value) pairs, in order."""
    producer = Producer({"bootstrap.servers": broker.address, "linger.ms": 5, **settings})
    errors = []
    for key, value in records:
        producer.produce(topic, value, key, on_delivery=lambda error, _: error and errors.append(error))
    assert producer.flush(20) == 0 and not errors, errors


def read(broker, topic):
    """All records from the beginning to the end: (offset, key, value)."""
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "none", "enable.partition.eof": True,
                         "check.crcs": True, "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    got = []
    deadline = time.monotonic() + 40
    while (message := consumer.poll(1)) is None or not message.error():
        assert time.monotonic() < deadline, f"no end after {len(got)} records"
        if message is not None:
            got.append((message.offset(), message.key(), message.value()))
    assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
    consumer.close()
    return got


def compacted(broker, cleanup_policy="compact"):
    return create_topic(broker, cleanup_policy=cleanup_policy, segment_bytes=20_000, min_cleanable_dirty_ratio=0.01)


def configure(broker, topic, name, value):
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)])
    admin = AdminClient({"bootstrap.servers": broker.address})
    admin.incremental_alter_configs([resource])[resource].result(20)


def compact(broker, topic):
    configure(broker, topic, "cleanup.policy", "compact")


@pytest.mark.parametrize("codec", CODECS)
def test_the_last_value_of_each_key_is_read(new_broker, codec):
    broker = new_broker(**FAST)
    topic = compacted(broker)
    records = [(b"key-%d" % (i % 50), b"value-%d" % i) for i in range(5000)]
    put(broker, topic, records, **{"compression.type": codec, "batch.num.messages": 100})
    # The active segment is not cleaned: what counts has to come out of it.
    put(broker, topic, [(b"key-7", None)])
    put(broker, topic, [(b"last", RANDOM)])
    put(broker, topic, [(b"last", RANDOM)])
    got = wait_until(lambda: (found := read(broker, topic)) and len(found) < 500 and found, 60, "a cleaning")
    offsets = [offset for offset, _, _ in got]
    assert offsets == sorted(set(offsets)) and offsets[-1] == 5002
    last = {key: value for _, key, value in got}
    assert last == {**dict(records), b"key-7": None, b"last": RANDOM}
    # An old value is at its offset or nowhere.
    assert all(offset >= len(records) or records[offset] == (key, value) for offset, key, value in got)
    broker.kill()
    broker.start()
    assert {key: value for _, key, value in read(broker, topic)} == last


def test_a_topic_can_be_compacted_and_deleted(new_broker):
    broker = new_broker(log_retention_check_interval_ms=100, **FAST)
    topic = create_topic(broker, cleanup_policy="compact,delete", segment_ms=50, min_cleanable_dirty_ratio=0.01)
    for i in range(5):
        put(broker, topic, [(b"a", b"%d" % i), (b"b", b"%d" % i)])
    assert {key: value for _, key, value in read(broker, topic)} == {b"a": b"4", b"b": b"4"}
    # Only now: they were to be read before it ends, however long that takes.
    configure(broker, topic, "retention.ms", "500")
    wait_until(lambda: read(broker, topic) == [], 40, what="the end of retention")


def test_a_broker_says_what_it_cleaned(new_broker):
    broker = new_broker(**FAST)
    topic = compacted(broker)
    for i in range(3):
        for key in (b"j", b"k"):
            put(broker, topic, [(key, RANDOM)])
    # Whole lines only.
    lines = lambda: [line for line in broker.log().split("\n")[:-1] if f"log cleaned partition={topic}-0 from=0" in line]
    line = wait_until(lines, 40, what="a line about the cleaning")[0]
    for fact in ("readMB=", "writtenMB=", "seconds=", "MBperSecond=", "keys=", "bufferUtilization="):
        assert fact in line, line


def test_a_row_of_segments_of_which_nothing_stays_stops_no_client(new_broker):
    """librdkafka takes answers without a record for a limit that is too small, and gives up after ten of them."""
    broker = new_broker(**FAST)
    # Compacted once all is there: a cleaning in between would make one segment of what earlier ones have emptied.
    topic = compacted(broker, cleanup_policy="delete")
    put(broker, topic, [(b"key", RANDOM)] * 40 + [(b"last", RANDOM)] * 2, **{"batch.num.messages": 1})
    compact(broker, topic)
    # Only then: while it is under way segments are exchanged, and some are not cleaned yet.
    wait_until(lambda: f"log cleaned partition={topic}-0" in broker.log(), what="a cleaning")
    segments = broker.directory / f"{topic}-0"
    assert sum(path.stat().st_size < 100 for path in segments.glob("*.log")) > 30
    # The last of both in front of the active segment, and what is in that.
    expected = [39, 40, 41]
    assert [offset for offset, _, _ in read(broker, topic)] == expected
    kcat = run(["kcat", "-C", "-q", "-e", "-b", broker.address, "-t", topic, "-o", "beginning", "-f", "%o\n"])
    assert [int(line) for line in kcat.split()] == expected
    for offset in range(39):
        consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "none"})
        consumer.assign([TopicPartition(topic, 0, offset)])
        assert consumer.consume(1, 20)[0].offset() == 39
        consumer.close()
