"""kconsume --sink: output and position are stored together, and no kill at any moment loses or repeats a line."""

import random
import subprocess
import time

import confluent_kafka
import pytest
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient

from broker import BIN, wait_until
from clients import run
from conftest import create_topic

COUNT = 40_000
QUICK = ["-X", "auto.commit.interval.ms=5"]


def fill(broker, topic, partitions, count=COUNT):
    """Numbered lines in each partition; returns them."""
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.address, "linger.ms": 5})
    lines = [b"%d %d %s" % (p, n, b"x" * (n % 50)) for n in range(count // partitions) for p in range(partitions)]
    for line in lines:
        producer.produce(topic, line, partition=int(line.split()[0]))
        producer.poll(0)
    assert producer.flush(60) == 0
    return [[line for line in lines if line.startswith(b"%d " % p)] for p in range(partitions)]


def committed(folder):
    """The lines that count in a partition's directory, as docs/delivery-guarantees.md has it."""
    position = dict(line.split("=", 1) for line in (folder / "position").read_text().splitlines())
    lines = b""
    for file in sorted(folder.glob("*.lines")):
        lines += file.read_bytes()[:int(position["bytes"])] if file.name == position["file"] else file.read_bytes()
    return lines.splitlines()


def start(broker, topic, sink, *options):
    return subprocess.Popen(
        [BIN / "kconsume", "-b", broker.address, "-t", topic, "-o", "beginning", "-q", "--sink", sink, *QUICK, *options],
        stderr=subprocess.PIPE)


def test_killed_again_and_again_it_has_every_line_once(broker, tmp_path):
    topic, moments = create_topic(broker, partitions=3), random.Random(1)
    lines = fill(broker, topic, 3)

    def run(folder):
        return start(broker, topic, folder, "-e", "-X", "max.partition.fetch.bytes=3000")

    # How long it takes says when to kill it; what takes a moment only is done again and again.
    took = []
    for number in range(3):
        begun = time.monotonic()
        whole = run(tmp_path / f"whole{number}")
        assert whole.wait(60) == 0, whole.stderr.read()
        took.append(time.monotonic() - begun)
    kills, seen = 0, set()
    for copy in range(500):
        if kills >= 5 and len(seen) >= 6:
            break
        target = tmp_path / f"copy{copy}"
        for _ in range(200):
            process = run(target)
            try:
                process.wait(moments.uniform(0, min(took)))
                assert process.returncode == 0, process.stderr.read()
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                kills += 1
            for p in range(3):
                folder = target / f"{topic}-{p}"
                if (folder / "position").exists():
                    got = committed(folder)
                    assert got == lines[p][:len(got)]
                    if 0 < len(got) < len(lines[p]):
                        seen.add((copy, p, len(got)))
        else:
            assert False, f"not done after {kills} kills"
        assert [committed(target / f"{topic}-{p}") for p in range(3)] == lines
    # It was killed in the middle of it.
    assert kills >= 5 and len(seen) >= 6, (kills, seen)


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_members_of_a_group_that_are_killed_share_a_sink(new_broker, tmp_path, protocol):
    broker = new_broker(group_initial_rebalance_delay_ms=0, group_min_session_timeout_ms=500,
                        group_consumer_session_timeout_ms=1000, group_consumer_heartbeat_interval_ms=100,
                        group_consumer_min_session_timeout_ms=1000, group_consumer_min_heartbeat_interval_ms=100)
    topic, moments = create_topic(broker, partitions=4), random.Random(2)
    lines = fill(broker, topic, 4)
    options = ["-g", "copiers", "-X", "max.partition.fetch.bytes=3000", "-X", f"group.protocol={protocol}"]
    if protocol == "classic":
        options += ["-X", "session.timeout.ms=1000", "-X", "heartbeat.interval.ms=100"]
    members = [start(broker, topic, tmp_path / "copy", *options) for _ in range(2)]
    folders = [tmp_path / "copy" / f"{topic}-{p}" for p in range(4)]
    count = lambda: sum(len(committed(f)) for f in folders if (f / "position").exists())
    try:
        deadline = time.monotonic() + 60
        for kill in range(8):
            time.sleep(moments.uniform(0.1, 0.8))
            victim = moments.randrange(2)
            members[victim].kill()
            members[victim].wait()
            members[victim] = start(broker, topic, tmp_path / "copy", *options)
        while count() < COUNT:
            assert time.monotonic() < deadline, f"{count()} of {COUNT} lines"
            assert all(m.poll() is None for m in members), [m.stderr.read() for m in members if m.poll() is not None]
            time.sleep(0.1)
    finally:
        for member in members:
            member.terminate()
            member.wait(10)
    assert [committed(folder) for folder in folders] == lines
    admin = AdminClient({"bootstrap.servers": broker.address})
    asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions("copiers")])
    assert {p.offset for p in asked["copiers"].result(20).topic_partitions} == {COUNT // 4}


def test_a_broker_that_is_killed_costs_the_sink_nothing(new_broker, tmp_path):
    broker = new_broker()
    topic, moments = create_topic(broker, partitions=2), random.Random(3)
    folders = [tmp_path / "copy" / f"{topic}-{p}" for p in range(2)]
    lines = fill(broker, topic, 2)
    process = start(broker, topic, tmp_path / "copy", "-X", "max.partition.fetch.bytes=3000")
    try:
        for kill in range(4):
            time.sleep(moments.uniform(0.05, 0.3))
            broker.kill()
            broker.start()
        wait_until(lambda: sum(len(committed(f)) for f in folders if (f / "position").exists()) == COUNT, 40, "the last line")
    finally:
        process.terminate()
        status = process.wait(10)
    assert status == 143, process.stderr.read()
    assert [committed(folder) for folder in folders] == lines


def test_it_goes_on_where_it_ended_also_where_nothing_was_read_yet(broker, tmp_path):
    topic = create_topic(broker, partitions=1)
    sink = tmp_path / "copy"
    command = [BIN / "kconsume", "-b", broker.address, "-t", topic, "-q", "--sink", sink, "-e"]
    fill(broker, topic, 1, 10)
    # Begins at the end, and keeps that.
    run(command)
    assert committed(sink / f"{topic}-0") == []
    fill(broker, topic, 1, 5)
    run(command)
    assert [line.split()[1] for line in committed(sink / f"{topic}-0")] == [b"0", b"1", b"2", b"3", b"4"]
    fill(broker, topic, 1, 5)
    run([*command, "-c", "2"])
    run([*command, "-o", "beginning"])
    assert len(committed(sink / f"{topic}-0")) == 10


def test_two_cannot_write_to_the_same_place(broker, tmp_path):
    topic = create_topic(broker, partitions=1)
    first = start(broker, topic, tmp_path / "copy")
    deadline = time.monotonic() + 10
    while not (tmp_path / "copy" / f"{topic}-0" / "position").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    second = start(broker, topic, tmp_path / "copy", "-e")
    assert second.wait(10) == 1
    assert b"another kconsume" in second.stderr.read()
    first.terminate()
    assert first.wait(10) == 143
