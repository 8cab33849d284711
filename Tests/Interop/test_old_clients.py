"""Clients that speak the versions of brokers long gone, and the record formats that came with them."""

import pytest

from clients import CODECS, Confluent, Kcat, KafkaPython, Ours, run
from records import LINES, Record

OLD_KCAT = {"api.version.request": "false"}
# What a record set of format 0 or 1 can say: no headers.
PLAIN = LINES + [Record(None, b"tombstone"), Record(b"empty key", b""), Record(bytes(range(256)), b"\x00\xff")]


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy"])
@pytest.mark.parametrize("version", ["0.8.2", "0.9.0", "0.10.0"])
def test_librdkafka_against_an_old_broker(broker, topic, version, codec):
    settings = {**OLD_KCAT, "broker.version.fallback": version}
    Kcat.produce(broker, topic, LINES, codec=codec, **settings)
    Kcat.produce(broker, topic, LINES, codec=codec)
    expected = LINES + LINES
    assert [one.record for one in Kcat.consume(broker, topic, len(expected), **settings)] == expected
    assert [one.record for one in Confluent.consume(broker, topic, len(expected))] == expected
    assert [one.record for one in Ours.consume(broker, topic, len(expected))] == expected


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4"])
@pytest.mark.parametrize("version", [(0, 8, 2), (0, 9, 0), (0, 10, 0), (0, 10, 2), (0, 11), (1, 0), (2, 0), (2, 4), (3, 0)])
def test_kafka_python_as_of_version(broker, topic, version, codec):
    if codec == "lz4" and version < (0, 10):
        pytest.skip("lz4 frames of that time had a header checksum of their own")
    KafkaPython.produce(broker, topic, PLAIN, acks="1", codec=codec, api_version=version)
    Confluent.produce(broker, topic, PLAIN, codec=codec)
    expected = PLAIN + PLAIN
    assert [one.record for one in KafkaPython.consume(broker, topic, len(expected), api_version=version)] == expected
    assert [one.record for one in Confluent.consume(broker, topic, len(expected))] == expected


def test_old_consumers_get_no_headers_but_all_records(broker, topic):
    Confluent.produce(broker, topic, [Record(b"v", b"k", (("h", b"1"),)), Record(b"w")])
    got = Kcat.consume(broker, topic, 2, **OLD_KCAT, **{"broker.version.fallback": "0.9.0"})
    assert [one.record for one in got] == [Record(b"v", b"k"), Record(b"w")]


def test_old_timestamps_survive_the_conversion(broker, topic):
    Confluent.produce(broker, topic, [Record(b"v", None, (), 1_700_000_000_000)])
    settings = {**OLD_KCAT, "broker.version.fallback": "0.10.0"}
    assert [one.timestamp for one in Kcat.consume(broker, topic, 1, **settings)] == [1_700_000_000_000]


@pytest.mark.parametrize("codec", CODECS[:3])
def test_an_old_consumer_begins_in_the_middle_of_a_batch(broker, topic, codec):
    Confluent.produce(broker, topic, [Record(b"%d" % i) for i in range(100)], codec=codec)
    for version in ("0.8.2", "0.10.0"):
        text = run(["kcat", "-C", "-q", "-b", broker.address, "-t", topic, "-p", "0", "-o", "42", "-c", "3",
                    "-X", "api.version.request=false", "-X", f"broker.version.fallback={version}"])
        assert text == b"42\n43\n44\n"
