"""What was acknowledged stays: over a clean stop, over kill -9, for idempotent producers too."""

import signal
import threading
import time

import confluent_kafka
import pytest

import wire
from clients import LIBRARIES, Confluent
from conftest import create_topic
from records import Record
from wire import Socket

name = lambda client: client.name
OUT_OF_ORDER, INVALID_PRODUCER_EPOCH, UNKNOWN_PRODUCER_ID = 45, 47, 59


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_clean_stop_exits_0_and_keeps_everything(new_broker, sign):
    broker = new_broker()
    topic = create_topic(broker, partitions=1, retention_ms=3_600_000)
    records = [Record(b"%d" % i, b"k") for i in range(1000)]
    Confluent.produce(broker, topic, records, codec="lz4")
    cluster = broker.ready.split("cluster ")[1].split(",")[0]
    assert broker.stop(sign) == 0, broker.log()
    broker.start()
    assert cluster in broker.ready
    assert [one.record for one in Confluent.consume(broker, topic, 1000)] == records
    Confluent.produce(broker, topic, [Record(b"after")])
    assert Confluent.consume(broker, topic, 1001)[-1].offset == 1000


def test_a_stop_that_is_asked_for_several_times_at_once_is_clean(new_broker):
    broker = new_broker()
    create_topic(broker)
    for _ in range(5):
        broker.process.send_signal(signal.SIGTERM)
    assert broker.process.wait(60) == 0, broker.log()
    assert (broker.directory / ".kafka_cleanshutdown").exists()


def test_a_stop_while_clients_work_exits_0(new_broker):
    broker = new_broker()
    topic = create_topic(broker)
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.address, "message.timeout.ms": 3000})
    ended = threading.Event()

    def work():
        while not ended.is_set():
            try:
                producer.produce(topic, b"x" * 500)
            except BufferError:
                pass
            producer.poll(0)

    worker = threading.Thread(target=work)
    worker.start()
    with Socket(broker) as waiting:
        body = wire.struct.pack(">iiiiBi", -1, 60_000, 1_000_000, 1 << 20, 0, 1) + wire.string(topic)
        waiting.send(wire.request(wire.FETCH, 4, body + wire.struct.pack(">iiqi", 1, 0, 10**9, 1 << 20)))
        time.sleep(0.5)
        # Within the time that a stop may take, which is less than the fetch would wait.
        assert broker.stop(timeout=30) == 0, broker.log()
    ended.set()
    worker.join()


@pytest.mark.parametrize("round", range(3))
def test_kill_9_loses_nothing_that_was_acknowledged(new_broker, round):
    broker = new_broker()
    topic = create_topic(broker)
    acknowledged, lock = {}, threading.Lock()

    def delivered(error, message):
        if error is None:
            with lock:
                acknowledged[message.offset()] = message.value()

    producer = confluent_kafka.Producer({"bootstrap.servers": broker.address, "acks": "all", "linger.ms": 1,
                                         "queue.buffering.max.messages": 1_000_000, "enable.idempotence": True,
                                         "message.timeout.ms": 120_000})
    sent = 0
    for rest in range(3):
        start = time.monotonic()
        while time.monotonic() - start < 0.4 + 0.2 * round:
            producer.produce(topic, b"%d" % sent, on_delivery=delivered)
            sent += 1
            producer.poll(0)
            if sent % 100 == 0:
                time.sleep(0.001)
        broker.kill()
        broker.start()
    assert producer.flush(120) == 0
    assert len(acknowledged) == sent, "an idempotent producer delivers everything"
    got = Confluent.consume(broker, topic, sent)
    assert [int(one.record.value) for one in got] == list(range(sent)), "in order, and nothing twice"
    for one in got:
        assert acknowledged[one.offset] == one.record.value


def test_topics_and_configs_survive_kill_9(new_broker):
    from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType
    broker = new_broker()
    topics = [create_topic(broker, partitions=1 + i % 3, retention_ms=1_000_000 + i) for i in range(20)]
    admin = AdminClient({"bootstrap.servers": broker.address})
    for deleted in admin.delete_topics(topics[:5]).values():
        deleted.result(20)
    broker.kill()
    broker.start()
    admin = AdminClient({"bootstrap.servers": broker.address})
    listed = admin.list_topics(timeout=20).topics
    for i, topic in enumerate(topics):
        if i < 5:
            assert topic not in listed
        else:
            assert len(listed[topic].partitions) == 1 + i % 3
            resource = ConfigResource(ResourceType.TOPIC, topic)
            assert admin.describe_configs([resource])[resource].result(20)["retention.ms"].value == str(1_000_000 + i)


@pytest.mark.parametrize("client", LIBRARIES, ids=name)
def test_idempotent_producers_work(broker, topic, client):
    settings = {"enable.idempotence": True} if client is Confluent else {"enable_idempotence": True}
    records = [Record(b"%d" % i) for i in range(200)]
    for _ in range(2):
        client.produce(broker, topic, records, codec="gzip", **settings)
    assert [one.record for one in client.consume(broker, topic, 400)] == records + records


def test_repeated_sequences_are_stored_once(broker, topic):
    def batch(sequence, producer_id=4242):
        return wire.batch(wire.record(b"v%d" % sequence), producer_id=producer_id, sequence=sequence)

    with Socket(broker) as s:
        assert wire.produce_error(s.ask(wire.produce(topic, batch(0), acks=-1))) == 0
        first = s.ask(wire.produce(topic, batch(1), acks=-1))
        again = s.ask(wire.produce(topic, batch(1), acks=-1))
        assert first[-20:-12] == again[-20:-12], "the offset that it got the first time"
        assert wire.produce_error(again) == 0
        assert wire.produce_error(s.ask(wire.produce(topic, batch(9), acks=-1))) == OUT_OF_ORDER
        assert wire.produce_error(s.ask(wire.produce(topic, batch(2), acks=-1))) == 0
    assert [one.record.value for one in Confluent.consume(broker, topic, 3)] == [b"v0", b"v1", b"v2"]
