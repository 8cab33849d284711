"""What one client produces, every client consumes."""

import itertools

import pytest

from broker import wait_until
from clients import ACKS, CLIENTS, CODECS
from conftest import create_topic
from records import Record

name = lambda client: client.name


def end_offset(broker, topic):
    import confluent_kafka
    consumer = confluent_kafka.Consumer({"bootstrap.servers": broker.address, "group.id": "none"})
    try:
        return consumer.get_watermark_offsets(confluent_kafka.TopicPartition(topic, 0), timeout=20)[1]
    finally:
        consumer.close()


@pytest.fixture(scope="module")
def produced():
    """The topic of each producing client, and what was sent there."""
    return {}


@pytest.mark.parametrize("acks", ACKS)
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("producer", CLIENTS, ids=name)
def test_all_records_arrive(broker, produced, producer, codec, acks):
    topic, sent = produced.setdefault(producer, (None, []))
    if topic is None:
        topic = create_topic(broker)
        produced[producer] = topic, sent
    records = producer.produces + [Record(f"{codec} {acks}".encode(), b"which")]
    producer.produce(broker, topic, records, acks=acks, codec=codec)
    sent += records
    wait_until(lambda: end_offset(broker, topic) == len(sent), what=f"an end offset of {len(sent)}")


@pytest.mark.parametrize("consumer", CLIENTS, ids=name)
@pytest.mark.parametrize("producer", CLIENTS, ids=name)
def test_every_consumer_reads_what_was_sent(broker, produced, producer, consumer):
    if producer not in produced:
        pytest.skip("nothing was produced")
    topic, sent = produced[producer]
    got = consumer.consume(broker, topic, len(sent))
    assert [one.offset for one in got] == list(range(len(sent)))
    assert [one.record for one in got] == sent


@pytest.mark.parametrize("codec", CODECS[1:])
def test_a_topic_with_a_codec_of_its_own_recompresses(broker, new_topic, codec):
    topic = new_topic(compression_type=codec)
    records = [Record(b"again and again " * 100, str(i).encode()) for i in range(50)]
    for producer, sent_as in itertools.product(CLIENTS[:3], ["none", "gzip"]):
        producer.produce(broker, topic, records, codec=sent_as)
    got = CLIENTS[0].consume(broker, topic, 6 * len(records))
    assert [one.record for one in got] == 6 * records


def test_many_records_keep_their_order(broker, topic):
    records = [Record(b"%08d" % i, b"k") for i in range(50_000)]
    CLIENTS[0].produce(broker, topic, records)
    for consumer in (CLIENTS[0], CLIENTS[3], CLIENTS[4]):
        assert [one.record for one in consumer.consume(broker, topic, len(records))] == records
