"""Data directories that Apache Kafka 3.9 wrote, opened in place: what clients read, going on, and damage."""

import base64
import gzip
import json
import os
import random
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import confluent_kafka
import pytest
from confluent_kafka import TopicPartition

from broker import BIN, ROOT, Broker, wait_until
from conftest import create_topic

FIXTURES = ROOT / "Tests" / "Fixtures"
ROUNDS = int(os.environ.get("CORRUPTION_ROUNDS", "40"))


def expected(name):
    return json.loads(gzip.decompress((FIXTURES / f"{name}.expected.json.gz").read_bytes()))


def unpack(name, folder):
    with tarfile.open(FIXTURES / f"{name}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return Path(folder) / "log"


@pytest.fixture
def kafka_broker(tmp_path):
    running = []

    def start(name):
        running.append(Broker(data=unpack(name, tmp_path)))
        return running[-1]

    yield start
    for one in running:
        one.close()


def consumer(broker, isolation="read_uncommitted"):
    return confluent_kafka.Consumer({
        "bootstrap.servers": broker.address, "group.id": "none", "enable.auto.commit": False,
        "isolation.level": isolation, "enable.partition.eof": True, "auto.offset.reset": "error",
    })


def read(broker, topic, partition, isolation="read_uncommitted"):
    """The watermarks of a partition and all records between them, as Kafka's clients told them for the fixture."""
    one = consumer(broker, isolation)
    low, high = one.get_watermark_offsets(TopicPartition(topic, partition), timeout=30)
    one.assign([TopicPartition(topic, partition, low)])
    records = []
    while True:
        message = one.poll(30)
        assert message is not None, f"{topic}-{partition} does not end"
        if message.error():
            assert message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF, message.error()
            break
        kind, timestamp = message.timestamp()
        records.append({
            "offset": message.offset(), "timestamp": timestamp, "timestampType": kind, "key": encoded(message.key()),
            "value": encoded(message.value()), "leaderEpoch": message.leader_epoch(),
            "headers": [[name, encoded(value)] for name, value in message.headers() or []],
        })
    one.close()
    return {"low": low, "high": high, "records": records}


def encoded(data):
    return None if data is None else base64.b64encode(data).decode()


def await_abort(broker):
    """The fixture has a transaction whose time is up long ago: a marker in each of its two partitions
    ends it, as it would in Kafka. Returns the new ends."""
    facts = expected("kafka-3.9-clean")["topics"]["transactions"]["read_uncommitted"]
    ends = {int(partition): fact["high"] for partition, fact in facts.items()}
    one = consumer(broker)

    def ask():
        return {number: one.get_watermark_offsets(TopicPartition("transactions", number), timeout=30)[1] for number in ends}

    # The broker looks for such ones every ten seconds.
    wait_until(lambda: all(high > ends[number] for number, high in ask().items()), 60, "markers")
    highs = ask()
    one.close()
    assert highs == {number: end + 1 for number, end in ends.items()}
    return {("transactions", number): high for number, high in highs.items()}


def check(broker, levels=("read_uncommitted", "read_committed")):
    ended = await_abort(broker)
    for topic, by_level in expected("kafka-3.9-clean")["topics"].items():
        for level in levels:
            for partition, facts in by_level[level].items():
                found = read(broker, topic, int(partition), level)
                assert found["records"] == facts["records"], f"{topic}-{partition} {level}"
                high = ended.get((topic, int(partition)), facts["high"])
                assert (found["low"], found["high"]) == (facts["low"], high), f"{topic}-{partition} {level}"


def verify(data, status=0):
    done = subprocess.run([BIN / "kadmin", "log", "verify", data], capture_output=True, text=True, timeout=120)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def test_clients_read_what_they_read_from_kafka(kafka_broker):
    broker = kafka_broker("kafka-3.9-clean")
    assert "cluster jQIRNB11SnKa6aPoqvzT7Q" in broker.ready and "broker 1," in broker.ready
    check(broker)


def test_the_transaction_that_kafka_left_open_is_aborted_when_its_time_is_up(kafka_broker):
    facts = expected("kafka-3.9-clean")["topics"]["transactions"]
    broker = kafka_broker("kafka-3.9-clean")
    await_abort(broker)
    # None of its records is ever shown.
    for partition, fact in facts["read_committed"].items():
        assert read(broker, "transactions", int(partition), "read_committed")["records"] == fact["records"]
    assert broker.stop() == 0, broker.log()
    verify(broker.directory)


def test_it_starts_with_the_settings_that_kafka_ran_with(tmp_path):
    data = unpack("kafka-3.9-clean", tmp_path)
    settings = tmp_path / "server.properties"
    settings.write_text(f"""
        process.roles=broker,controller
        node.id=1
        controller.quorum.voters=1@127.0.0.1:38093
        listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:38093
        advertised.listeners=PLAINTEXT://127.0.0.1:38092
        controller.listener.names=CONTROLLER
        listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
        log.dirs={data}
        offsets.topic.num.partitions=3
        transaction.state.log.num.partitions=3
        log.cleaner.backoff.ms=500
        log.retention.check.interval.ms=2000
        log.segment.delete.delay.ms=1000
        log.index.size.max.bytes=65536
        file.delete.delay.ms=1000
        transaction.max.timeout.ms=900000
        log.retention.ms=-1
        """)
    started = subprocess.Popen([BIN / "kbroker", settings], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert "cluster jQIRNB11SnKa6aPoqvzT7Q" in started.stdout.readline()
    started.terminate()
    assert started.wait(60) == 0
    verify(data)


@pytest.mark.parametrize("line", [
    "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer", "process.roles=broker",
    "controller.quorum.voters=9@elsewhere:9093", "zookeeper.connect=localhost:2181"])
def test_a_file_that_counts_on_access_control_or_other_nodes_starts_nothing(tmp_path, line):
    settings, data = tmp_path / "server.properties", tmp_path / "data"
    settings.write_text(f"node.id=1\nlisteners=PLAINTEXT://127.0.0.1:0\nlog.dirs={data}\n{line}\n")
    for options in ([], ["--check-config"]):
        done = subprocess.run([BIN / "kbroker", settings, *options], capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and not done.stdout, done.stdout + done.stderr
        assert line.split("=")[0] in done.stderr and "remove it" in done.stderr, done.stderr
    assert not data.exists()


def test_the_directory_goes_on_and_stays_what_kafka_reads(kafka_broker):
    broker = kafka_broker("kafka-3.9-clean")
    topic = create_topic(broker, partitions=2)
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.address, "enable.idempotence": True})
    for number in range(100):
        producer.produce("plain", b"more %d" % number, partition=0)
        producer.produce(topic, b"new %d" % number, partition=number % 2)
    assert producer.flush(20) == 0
    assert broker.stop() == 0, broker.log()
    verify(broker.directory)
    broker.start()
    plain = expected("kafka-3.9-clean")["topics"]["plain"]["read_uncommitted"]["0"]["records"]
    found = read(broker, "plain", 0)["records"]
    assert found[: len(plain)] == plain
    assert [base64.b64decode(one["value"]) for one in found[len(plain):]] == [b"more %d" % i for i in range(100)]
    assert len(read(broker, topic, 0)["records"]) == 50
    assert broker.stop() == 0
    text = (broker.directory / "__cluster_metadata-0" / "leader-epoch-checkpoint").read_text()
    assert text.startswith("0\n3\n1 0\n2 154\n")


def test_of_a_killed_kafka_only_the_batch_that_was_cut_is_missing(kafka_broker):
    broker = kafka_broker("kafka-3.9-killed")
    for partition, acked in expected("kafka-3.9-killed")["acked"].items():
        found = read(broker, "killed", int(partition))
        values = {one["offset"]: base64.b64decode(one["value"]).decode() for one in found["records"]}
        missing = [offset for offset, value in acked if values.get(offset) != value]
        assert not missing or partition == "0" and missing[0] == found["high"]
        assert missing == list(range(missing[0], acked[-1][0] + 1)) if missing else True
    check(broker)
    assert broker.stop() == 0
    verify(broker.directory)


def damage(data, chance):
    """Changes the contents of a file as a disk, a person or a crash might."""
    kind = chance.choice(["flip", "overwrite", "zeros", "truncate", "extend", "empty"])
    place = chance.randrange(max(1, len(data)))
    end = min(len(data), place + chance.randrange(1, 64))
    if kind == "flip" and data:
        data[place] ^= 1 << chance.randrange(8)
    elif kind == "overwrite":
        data[place:end] = chance.randbytes(end - place)
    elif kind == "zeros":
        data[place:end] = bytes(end - place)
    elif kind == "truncate":
        del data[place:]
    elif kind == "extend":
        data += chance.randbytes(chance.randrange(1, 200))
    elif kind == "empty":
        data.clear()
    return kind


def run(*words):
    # Who reads what is damaged may try for half a minute.
    done = subprocess.run([str(word) for word in words], capture_output=True, timeout=120)
    assert done.returncode in (0, 1), f"{words} ended with {done.returncode}: {done.stderr.decode(errors='replace')}"
    return done


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_a_damaged_file_ends_no_broker_and_no_tool(tmp_path, seed):
    chance = random.Random(seed)
    data = unpack(chance.choice(["kafka-3.9-clean", "kafka-3.9-killed"]), tmp_path)
    files = sorted(path for path in data.rglob("*") if path.is_file() and path.stat().st_size < 10**6)
    victim = chance.choice([path for path in files if path.parent.name != "codec-lz4-0"])
    contents = bytearray(victim.read_bytes())
    kind = damage(contents, chance)
    victim.write_bytes(contents)
    note = f"seed {seed}: {kind} of {victim.relative_to(data)}"
    run(BIN / "kadmin", "log", "verify", data)
    run(BIN / "kadmin", "log", "dump", "--records", data, victim.parent)
    wanted = expected("kafka-3.9-clean")["topics"]["codec-lz4"]["read_uncommitted"]["0"]["records"]
    try:
        broker = Broker(data=data)
    except AssertionError as failure:
        # Only what says who the broker is and what the cluster has may keep it from starting, and is named.
        assert re.search(r"__cluster_metadata-0|meta.properties", str(failure)), note
        assert victim.name in str(failure), note
        return
    try:
        assert read(broker, "codec-lz4", 0)["records"] == wanted, note
        for topic in ("plain", "transactions", "rolled", "compacted"):
            run(BIN / "kconsume", "-b", broker.address, "-t", topic, "-o", "beginning", "-e", "-q")
        assert broker.is_running(), note
        assert broker.stop() == 0, note + broker.log()
    finally:
        broker.close()
