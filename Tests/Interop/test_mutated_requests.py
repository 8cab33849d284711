"""Requests that real clients sent, with one number in them made extreme: what a byte-wise fuzzer does not reach, because
names, member ids, generations and producer ids that are really there stand around the changed number."""

import os
import random
import struct
import subprocess

import confluent_kafka
import pytest
from confluent_kafka import admin

from broker import BIN, Broker, wait_until
from clients import Confluent
from conftest import create_topic
from records import Record
from request_recorder import Recorder
from wire import Socket

IDLE_MS = 3000
EXTREMES = [bytes.fromhex(text) for text in (
    "ff", "7f", "80", "00", "7fff", "8000", "ffff", "0000", "7fffffff", "80000000", "ffffffff", "fffffffe", "00000000",
    "7fffffffffffffff", "8000000000000000", "ffffffffffffffff", "fffffffffffffffe", "0000000000000000",
    "ffffffff0f", "feffffff0f", "ffffffffffffffffff01", "01")]
"""Numbers of one to eight bytes at the ends of what they can be, and varints that are."""


@pytest.fixture(scope="module")
def recorded():
    """A broker behind a recorder, and the requests that went through it."""
    with Recorder() as recorder:
        broker = Broker(advertised_listeners=f"PLAINTEXT://{recorder.address}", connections_max_idle_ms=IDLE_MS,
                        group_initial_rebalance_delay_ms=0)
        recorder.forward(broker.port)
        try:
            use(recorder.address)
            yield broker, recorder.requests()
        finally:
            broker.close()


def use(address):
    """Makes use of all that a client can ask for."""
    def tools(*command, stdin=b""):
        ended = subprocess.run([BIN / command[0], "-b", address, *command[1:]], input=stdin, capture_output=True, timeout=60)
        assert ended.returncode == 0, (command, ended.stderr)

    common = {"bootstrap.servers": address}
    manager = admin.AdminClient(common)
    # One after the other: what is asked for together may be sent in another order.
    for ask in (lambda: manager.create_topics([admin.NewTopic("one", 2), admin.NewTopic("two", 1)]),
                lambda: manager.create_partitions([admin.NewPartitions("one", 3)])):
        for future in ask().values():
            future.result(20)
    plain = confluent_kafka.Producer({**common, "enable.idempotence": True})
    for number in range(30):
        plain.produce("one", b"value %d" % number, b"key", number % 3)
    assert plain.flush(20) == 0
    for protocol in ("classic", "consumer"):
        settings = {**common, "group.id": f"group-{protocol}", "group.protocol": protocol, "auto.offset.reset": "earliest",
                    "enable.auto.commit": False, "group.instance.id": "static", "isolation.level": "read_committed"}
        member, seen = confluent_kafka.Consumer(settings), []
        member.subscribe(["one"])
        wait_until(lambda: (seen.append(member.poll(0.2)) or sum(one is not None for one in seen) >= 30), what="30 records")
        member.commit(asynchronous=False)
        transactional = confluent_kafka.Producer({**common, "transactional.id": f"id-{protocol}"})
        transactional.init_transactions(20)
        for end in (transactional.commit_transaction, transactional.abort_transaction):
            transactional.begin_transaction()
            transactional.produce("two", b"in a transaction")
            transactional.send_offsets_to_transaction(member.position(member.assignment()), member.consumer_group_metadata(), 20)
            end(20)
        transactional.begin_transaction()
        transactional.produce("two", b"open")
        transactional.flush(20)
        manager.list_consumer_groups().result(20)
        for future in manager.describe_consumer_groups([f"group-{protocol}"]).values():
            future.result(20)
        for future in manager.list_consumer_group_offsets(
                [confluent_kafka.ConsumerGroupTopicPartitions(f"group-{protocol}")]).values():
            future.result(20)
        tools("kadmin", "txn", "list")
        tools("kadmin", "txn", "describe", f"id-{protocol}")
        tools("kadmin", "group", "describe", f"group-{protocol}")
        transactional.abort_transaction(20)
        member.close()
    tools("kproduce", "-t", "two", "--transactional-id", "tool", "--commit-every", "100ms", stdin=b"a\nb\n")
    for protocol in ("classic", "consumer"):
        tools("kconsume", "-t", "two", "-g", f"tool-{protocol}", "-e", "-X", f"group.protocol={protocol}")
        tools("kadmin", "group", "seek", f"tool-{protocol}", "-o", "beginning", "-y")
    resource = admin.ConfigResource(admin.ConfigResource.Type.TOPIC, "two", set_config={"retention.ms": "86400000"})
    for ask in (lambda: manager.alter_configs([resource]), lambda: manager.describe_configs([resource]),
                lambda: manager.list_offsets({confluent_kafka.TopicPartition("one", 0): admin.OffsetSpec.for_timestamp(1)}),
                lambda: manager.delete_records([confluent_kafka.TopicPartition("one", 0, 2)]),
                lambda: manager.delete_consumer_groups(["tool-classic"]), lambda: manager.delete_topics(["two"])):
        for future in ask().values():
            future.result(20)
    tools("kadmin", "log", "dirs")
    tools("kadmin", "topic", "config", "one", "--set", "retention.ms=3600000")


def mutations(requests, generator, count):
    """`count` changed requests; each recorded one has its turn."""
    names = sorted(requests)
    for number in range(count):
        api, version, body_at, frame = requests[names[number % len(names)]]
        if body_at >= len(frame):
            continue
        changed, extreme = bytearray(frame), generator.choice(EXTREMES)
        at = generator.randrange(body_at, len(frame))
        if generator.random() < 0.5:
            extreme = extreme[:len(frame) - at]
            changed[at:at + len(extreme)] = extreme
        else:
            # A varint may be longer or shorter than what stood there.
            changed[at:at + 1] = extreme
        yield api, version, struct.pack(">i", len(changed)) + bytes(changed)


def test_extreme_numbers_in_requests_of_real_clients_harm_nobody(recorded):
    """Each is answered, or its connection is closed; others are served, and the broker's memory stays bounded."""
    broker, requests = recorded
    apis = {api for api, *_ in requests.values()}
    assert len(apis) >= 30, sorted(apis)
    seed, count = int(os.environ.get("MUTATION_SEED", "1")), int(os.environ.get("MUTATIONS", "6000"))
    waiting = []
    for api, version, frame in mutations(requests, random.Random(seed), count):
        what = f"api {api} version {version}, seed {seed}: {frame.hex()}"
        s = Socket(broker)
        # Connecting and sending may take longer on a machine that is busy.
        s.send(frame).socket.settimeout(0.1)
        if s.end().is_closed():
            s.socket.close()
        else:
            # Some wait, as a member does for a rebalance; until the broker takes it that the client is gone.
            waiting.append((s, what))
        assert broker.is_running(), f"{what}\n{broker.log()[-3000:]}"
    for s, what in waiting:
        s.socket.settimeout(10 * IDLE_MS / 1000)
        assert s.is_closed(), f"still waits: {what}"
    assert broker.rss_mb()[0] < 300, "the broker's memory"
    topic = create_topic(broker)
    Confluent.produce(broker, topic, [Record(b"well")])
    assert [one.record for one in Confluent.consume(broker, topic, 1)] == [Record(b"well")]
