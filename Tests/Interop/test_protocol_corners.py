"""Corners of the protocol that clients seldom reach, by requests made by hand: what Apache Kafka answers there."""

import shutil
import struct
import uuid

import pytest

import wire
from clients import Confluent
from conftest import create_topic
from records import Record
from wire import Socket, string

DELETE_TOPICS, DELETE_RECORDS, INIT_PRODUCER_ID, DESCRIBE_CLUSTER = 20, 21, 22, 60
NONE, OFFSET_OUT_OF_RANGE, INVALID_TOPIC_EXCEPTION, INVALID_REQUEST, UNSUPPORTED_VERSION = 0, 1, 17, 42, 35
POLICY_VIOLATION, TOPIC_DELETION_DISABLED, INVALID_RECORD, UNKNOWN_TOPIC_ID = 44, 73, 87, 100


def old_message(value):
    """A message of format 1."""
    import zlib

    body = struct.pack(">bbqii", 1, 0, 0, -1, len(value)) + value
    return struct.pack(">qiI", 0, len(body) + 4, zlib.crc32(body)) + body


@pytest.mark.parametrize("records", [b"", old_message(b"v")], ids=["nothing", "an old format"])
def test_what_a_produce_may_not_hold_is_not_tried_again(broker, topic, records):
    # CORRUPT_MESSAGE is retriable: a client would send it for ever.
    with Socket(broker) as s:
        for version in (3, 7):
            assert wire.produce_error(s.ask(wire.produce(topic, records, version=version))) == INVALID_RECORD


def delete_records(s, topic, offset):
    body = struct.pack(">i", 1) + string(topic) + struct.pack(">iiqi", 1, 0, offset, 10_000)
    answer = s.ask(wire.request(DELETE_RECORDS, 0, body))
    return struct.unpack_from(">qh", answer, len(answer) - 10)


def list_offset(s, topic, timestamp, version=5, times=1):
    body = struct.pack(">ibi", -1, 0, 1) + string(topic) + struct.pack(">i", times)
    body += struct.pack(">iiq", 0, -1, timestamp) * times
    answer = s.ask(wire.request(wire.LIST_OFFSETS, version, body))
    return struct.unpack_from(">hqqi", answer, len(answer) - 22)


def test_deleted_records_stay_deleted_after_kill_9(new_broker):
    broker = new_broker()
    Confluent.produce(broker, "deleted", [Record(b"%d" % number) for number in range(10)])
    with Socket(broker) as s:
        assert delete_records(s, "deleted", 6) == (6, NONE)
    broker.kill()
    broker.start()
    with Socket(broker) as s:
        assert list_offset(s, "deleted", -2)[2] == 6


def test_records_of_compacted_topics_are_not_deleted(broker, new_topic):
    with Socket(broker) as s:
        assert delete_records(s, new_topic(cleanup_policy="compact"), 0) == (-1, POLICY_VIOLATION)
        assert delete_records(s, new_topic(cleanup_policy="compact,delete"), 0) == (0, NONE)


def test_records_of_internal_topics_are_not_deleted_whatever_their_policy(new_broker):
    broker = new_broker()
    create_topic(broker, "__consumer_offsets", cleanup_policy="compact,delete")
    with Socket(broker) as s:
        assert delete_records(s, "__consumer_offsets", 0) == (-1, INVALID_TOPIC_EXCEPTION)


@pytest.mark.parametrize("timestamp", [-3, -4, -5, -6])
def test_timestamps_with_a_meaning_have_it_from_their_version_on(broker, topic, timestamp):
    with Socket(broker) as s:
        assert list_offset(s, topic, timestamp)[0] == UNSUPPORTED_VERSION


def test_a_partition_asked_twice_for_its_offsets_is_an_invalid_request(broker, topic):
    with Socket(broker) as s:
        assert list_offset(s, topic, -1, times=2)[0] == INVALID_REQUEST


def test_what_may_be_done_is_said_to_those_who_ask(broker, topic):
    everything_of_topics, everything_of_clusters, not_asked = 3576, 8096, -(2**31)
    with Socket(broker) as s:
        for asked, expected in ((1, (everything_of_topics, everything_of_clusters)), (0, (not_asked, not_asked))):
            body = struct.pack(">i", 1) + string(topic) + struct.pack(">bbb", 0, asked, asked)
            answer = s.ask(wire.request(wire.METADATA, 8, body))
            assert struct.unpack_from(">ii", answer, len(answer) - 8) == expected
            answer = s.ask(wire.request(DESCRIBE_CLUSTER, 0, struct.pack(">bb", asked, 0), flexible=True))
            assert struct.unpack_from(">i", answer, len(answer) - 5)[0] == expected[1]


def metadata_by_id(s, version, topic_id):
    body = b"\x02" + topic_id.bytes + b"\0" + b"\0" + b"\0" + (b"\0" if version < 11 else b"") + b"\0" + b"\0"
    return s.ask(wire.request(wire.METADATA, version, body, flexible=True))


def test_topic_ids_in_metadata_before_version_12_are_refused_and_not_the_connection(broker):
    unknown = uuid.uuid4()
    with Socket(broker) as s:
        for version, error in ((10, INVALID_REQUEST), (11, INVALID_REQUEST), (12, UNKNOWN_TOPIC_ID)):
            answer = metadata_by_id(s, version, unknown)
            assert answer is not None
            name = b"\0" if version == 12 else b"\x01"
            assert struct.pack(">h", error) + name + unknown.bytes in answer


def fetch_12(topic, last_fetched_epoch):
    body = struct.pack(">iiiibii", -1, 0, 1, 1 << 20, 0, 0, -1)
    body += b"\x02" + bytes([len(topic) + 1]) + topic.encode()
    body += b"\x02" + struct.pack(">iiqiqi", 0, -1, 0, last_fetched_epoch, -1, 1 << 20) + b"\0" + b"\0"
    body += b"\x01" + b"\x01" + b"\0"
    return wire.request(wire.FETCH, 12, body, flexible=True)


def test_a_fetcher_of_an_epoch_that_never_was_is_out_of_range(broker, topic):
    Confluent.produce(broker, topic, [Record(b"v")])
    with Socket(broker) as s:
        for epoch, error in ((0, NONE), (5, OFFSET_OUT_OF_RANGE)):
            answer = s.ask(fetch_12(topic, epoch))
            # Behind the header, throttle time, error, session, the topic's count and name: the partition.
            assert struct.unpack_from(">ih", answer, 17 + len(topic) + 1)[1] == error


def test_a_refused_producer_gets_no_epoch(broker):
    # Longer than a transaction may take, whether there is a coordinator yet or not.
    with Socket(broker) as s:
        answer = s.ask(wire.request(INIT_PRODUCER_ID, 0, string("transactional") + struct.pack(">i", (1 << 31) - 1)))
        _, error, producer, epoch = struct.unpack_from(">ihqh", answer, 4)
        assert error != NONE and (producer, epoch) == (-1, -1)


def test_logs_without_a_topic_are_put_aside_at_start(new_broker):
    broker = new_broker()
    Confluent.produce(broker, "left", [Record(b"v")])
    broker.kill()
    # As if the broker had been killed between the topic's end in the metadata and that of its logs.
    stray = broker.data / "data" / "gone-0"
    shutil.copytree(broker.data / "data" / "left-0", stray)
    broker.start()
    assert not stray.exists()
    assert len(list(stray.parent.glob("gone-0.*-stray/*.log"))) == 1
    assert [one.record.value for one in Confluent.consume(broker, "left", 1)] == [b"v"]
    broker.stop()
    broker.start()
    assert len(list(stray.parent.glob("gone-0.*-stray"))) == 1


def test_where_topics_are_not_deleted_every_version_hears_a_code_it_knows(new_broker):
    broker = new_broker(delete_topic_enable="false")
    Confluent.produce(broker, "stays", [Record(b"v")])
    with Socket(broker) as s:
        for version, error in ((0, INVALID_REQUEST), (2, INVALID_REQUEST), (3, TOPIC_DELETION_DISABLED)):
            answer = s.ask(wire.request(DELETE_TOPICS, version, struct.pack(">i", 1) + string("stays") + struct.pack(">i", 1)))
            assert struct.unpack_from(">h", answer, len(answer) - 2)[0] == error


def test_a_topic_id_of_zero_is_unknown(broker):
    body = struct.pack(">iiiibii", -1, 0, 1, 1 << 20, 0, 0, -1)
    body += b"\x02" + bytes(16) + b"\x02" + struct.pack(">iiqiqi", 0, -1, 0, -1, -1, 1 << 20) + b"\0" + b"\0"
    body += b"\x01" + b"\x01" + b"\0"
    with Socket(broker) as s:
        answer = s.ask(wire.request(wire.FETCH, 13, body, flexible=True))
        assert struct.unpack_from(">ih", answer, 17 + 16)[1] == UNKNOWN_TOPIC_ID
