"""Sizes from nothing to one byte over the limit; the two kinds of timestamps; offsets by time."""

import time

import confluent_kafka
import pytest
from confluent_kafka import TopicPartition

from clients import CLIENTS, CODECS, LIBRARIES, Confluent, run
from broker import BIN
from records import Record, batch_size, value_size_of_batch

name = lambda client: client.name
DEFAULT_LIMIT = 1_048_588


@pytest.mark.parametrize("size", [0, 1, 127, 128, 4095, 16_383, 16_384, 65_536, 1_000_000])
@pytest.mark.parametrize("client", LIBRARIES, ids=name)
def test_values_of_many_sizes(broker, topic, client, size):
    record = Record(bytes(i * 7 % 251 for i in range(size)), b"k")
    client.produce(broker, topic, [record])
    assert [one.record for one in client.consume(broker, topic, 1)] == [record]


@pytest.mark.parametrize("limit", [DEFAULT_LIMIT, 5_000])
@pytest.mark.parametrize("client", LIBRARIES, ids=name)
def test_a_batch_of_exactly_the_limit_is_stored_and_one_byte_more_is_refused(broker, new_topic, client, limit):
    topic = new_topic() if limit == DEFAULT_LIMIT else new_topic(max_message_bytes=limit)
    fits = value_size_of_batch(limit)
    assert batch_size(fits + 1) == limit + 1
    client.produce(broker, topic, [Record(b"x" * fits)])
    with pytest.raises(Exception) as refusal:
        client.produce(broker, topic, [Record(b"x" * (fits + 1))])
    text = f"{type(refusal.value).__name__} {refusal.value}"
    assert any(word in text for word in ("MSG_SIZE_TOO_LARGE", "MessageSizeTooLarge", "MessageTooLarge",
                                         "RecordTooLarge")), text
    client.produce(broker, topic, [Record(b"still working")])
    got = client.consume(broker, topic, 2)
    assert [len(one.record.value) for one in got] == [fits, 13]


def test_our_producer_names_a_record_that_is_too_large(broker, new_topic):
    import subprocess
    topic = new_topic(max_message_bytes=5_000)
    done = subprocess.run([BIN / "kproduce", "-b", broker.address, "-t", topic], input=b"small\n" + b"x" * 6000 + b"\n",
                          capture_output=True, timeout=60)
    assert done.returncode == 1
    assert b"MESSAGE_TOO_LARGE" in done.stderr or b"too large" in done.stderr


def test_one_batch_larger_than_the_fetch_limits_is_returned(broker, topic):
    records = [Record(b"y" * 500_000), Record(b"z" * 10)]
    Confluent.produce(broker, topic, records, **{"linger.ms": 0})
    for client in CLIENTS:
        small = {"fetch.message.max.bytes": 1000, "fetch.max.bytes": 1000, "message.max.bytes": 1000}
        got = client.consume(broker, topic, 2, **(small if client is Confluent else {}))
        assert [one.record for one in got] == records


@pytest.mark.parametrize("codec", ["none", "lz4"])
@pytest.mark.parametrize("client", LIBRARIES, ids=name)
def test_create_time_is_the_producers(broker, topic, client, codec):
    now = int(time.time() * 1000)
    records = [Record(b"v", None, (), now - 1000 * age) for age in (3600, 7200, 0)]
    client.produce(broker, topic, records, codec=codec)
    for reader in CLIENTS:
        assert [one.timestamp for one in reader.consume(broker, topic, 3)] == [r.timestamp for r in records]


@pytest.mark.parametrize("codec", ["none", "zstd"])
@pytest.mark.parametrize("client", LIBRARIES, ids=name)
def test_log_append_time_is_the_brokers(broker, new_topic, client, codec):
    topic = new_topic(message_timestamp_type="LogAppendTime")
    before = int(time.time() * 1000)
    client.produce(broker, topic, [Record(b"v", None, (), 1000), Record(b"w", None, (), 2000)], codec=codec)
    after = int(time.time() * 1000)
    for reader in CLIENTS:
        for one in reader.consume(broker, topic, 2):
            assert before <= one.timestamp <= after


def test_offsets_are_found_by_time(broker, topic):
    start = int(time.time() * 1000) - 1_000_000
    Confluent.produce(broker, topic, [Record(b"%d" % i, None, (), start + 100 * i) for i in range(1000)])
    consumer = confluent_kafka.Consumer({"bootstrap.servers": broker.address, "group.id": "none"})

    def offset_at(timestamp):
        return consumer.offsets_for_times([TopicPartition(topic, 0, timestamp)], timeout=20)[0].offset

    assert offset_at(start) == 0
    assert offset_at(start + 50_000) == 500
    assert offset_at(start + 50_001) == 501
    assert offset_at(start + 99_901) == -1
    consumer.close()


def test_zstd_is_refused_to_consumers_that_are_too_old(broker, topic):
    Confluent.produce(broker, topic, [Record(b"v" * 100)], codec="zstd")
    assert CODECS[-1] == "zstd"
    assert run(["kcat", "-C", "-q", "-e", "-b", broker.address, "-t", topic, "-o", "beginning"]) == b"v" * 100 + b"\n"
