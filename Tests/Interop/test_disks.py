"""Disks that fail, each with its own fate, and disks that are full."""

import os
import shutil
import struct
import subprocess
import time

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

import wire
from broker import BIN, wait_until
from clients import Confluent
from conftest import create_topic
from disks import Disks
from records import Record
from test_sink import committed
from test_tools import tool
from wire import Socket

STORAGE_ERROR, LEADER_NOT_AVAILABLE, DESCRIBE_LOG_DIRS = 56, 5, 35


@pytest.fixture
def new_disks():
    running = []

    def make(count):
        running.append(Disks(count))
        return running[-1]

    yield make
    for one in running:
        one.close()


def produce(s, topic, value, partition=0, acks=-1):
    """The error code."""
    return wire.produce_error(s.ask(wire.produce(topic, wire.batch(wire.record(value)), acks=acks, partition=partition)))


def directory_errors(s):
    """The error code of each log directory, by its path."""
    answer = s.ask(wire.request(DESCRIBE_LOG_DIRS, 1, struct.pack(">i", -1)))
    place, errors = 12, {}

    def text():
        nonlocal place
        (count,) = struct.unpack_from(">h", answer, place)
        place += 2 + count
        return answer[place - count:place].decode()

    for _ in range(struct.unpack_from(">i", answer, 8)[0]):
        (error,) = struct.unpack_from(">h", answer, place)
        place += 2
        errors[text()] = error
        (topics,) = struct.unpack_from(">i", answer, place)
        place += 4
        for _ in range(topics):
            text()
            place += 4 + 21 * struct.unpack_from(">i", answer, place)[0]
    return errors


def values(broker, topic, partition, count):
    consumer = confluent_kafka.Consumer({"bootstrap.servers": broker.address, "group.id": "x",
                                         "enable.auto.commit": False})
    consumer.assign([confluent_kafka.TopicPartition(topic, partition, 0)])
    got = [message.value() for message in consumer.consume(count, 20)]
    consumer.close()
    return got


def directory_of(disks, topic, partition):
    return next(path for path in disks.paths if (path / f"{topic}-{partition}").exists())


@pytest.mark.parametrize("mode", ["broken-sync", "broken"])
def test_a_directory_that_fails_takes_its_partitions_with_it_and_no_others(new_disks, mode):
    disks = new_disks(3)
    broker = disks.broker()
    try:
        topic = create_topic(broker, partitions=6, flush_messages=1)
        failing = disks.paths[1]
        lost = [p for p in range(6) if directory_of(disks, topic, p) == failing]
        assert len(lost) == 2
        with Socket(broker) as s:
            assert [produce(s, topic, b"before", p) for p in range(6)] == [0] * 6
            disks.fail(mode, failing)
            for acks in (-1, 1):
                assert [p for p in range(6) if produce(s, topic, b"after", p, acks)] == lost
            assert produce(s, topic, b"again", lost[0]) == STORAGE_ERROR
            fetched = s.ask(wire.fetch(topic, partition=lost[0]))
            assert struct.unpack_from(">h", fetched, 8 + 4 + 2 + len(topic) + 4 + 4)[0] == STORAGE_ERROR
            errors = directory_errors(s)
            assert errors == {str(path): STORAGE_ERROR if path == failing else 0 for path in disks.paths}
        admin = AdminClient({"bootstrap.servers": broker.address})
        listed = lambda: admin.list_topics(timeout=20).topics[topic].partitions
        # Said by the broker to its controller, while it answers others.
        leaders = {p: -1 if p in lost else 1 for p in range(6)}
        wait_until(lambda: {p: one.leader for p, one in listed().items()} == leaders, what="no leader for what is lost")
        for number, partition in listed().items():
            assert (partition.error is not None and partition.error.code() == LEADER_NOT_AVAILABLE) == (number in lost)
        # New partitions find another place.
        other = create_topic(broker, partitions=4)
        assert all(directory_of(disks, other, p) != failing for p in range(4))
        assert broker.stop() == 0
        # The disk is replaced: what was acknowledged is there.
        disks.heal(mode)
        broker.start()
        for partition in range(6):
            wanted = [b"before"] if partition in lost else [b"before", b"after", b"after"]
            assert values(broker, topic, partition, len(wanted)) == wanted
    finally:
        broker.close()


def test_a_directory_that_is_broken_at_start_is_left_out(new_disks):
    disks = new_disks(2)
    broker = disks.broker()
    try:
        topic = create_topic(broker, partitions=2, flush_messages=1)
        with Socket(broker) as s:
            assert [produce(s, topic, b"x", p) for p in range(2)] == [0, 0]
        assert broker.stop() == 0
        disks.paths[1].rename(disks.root / "away")
        disks.paths[1].write_text("not a directory")
        broker.start()
        with Socket(broker) as s:
            codes = {p: produce(s, topic, b"y", p) for p in range(2)}
            assert sorted(codes.values()) == [0, STORAGE_ERROR]
            assert directory_errors(s) == {str(disks.paths[0]): 0, str(disks.paths[1]): STORAGE_ERROR}
    finally:
        broker.close()


@pytest.mark.parametrize("mode", ["broken-sync", "broken"])
def test_a_broker_whose_metadata_is_lost_ends_and_says_why(new_disks, mode):
    disks = new_disks(2)
    # Nothing but metadata is written, which would find the disk broken first, and end the broker for another reason.
    broker = disks.broker(replica_high_watermark_checkpoint_interval_ms=3_600_000,
                          log_flush_offset_checkpoint_interval_ms=3_600_000)
    try:
        create_topic(broker)
        disks.fail(mode, disks.paths[0])
        admin = AdminClient({"bootstrap.servers": broker.address})
        with pytest.raises(confluent_kafka.KafkaException):
            admin.create_topics([NewTopic("never", 1, 1)], request_timeout=15)["never"].result(60)
        assert broker.process.wait(60) == 1
        assert "the broker has stopped: metadata can no longer be changed" in broker.log()
    finally:
        broker.close()


def test_a_full_disk_refuses_and_goes_on_when_there_is_room(new_disks):
    disks = new_disks(1)
    broker = disks.broker(log_segment_bytes=2000, log_flush_offset_checkpoint_interval_ms=50,
                          replica_high_watermark_checkpoint_interval_ms=50)
    try:
        topics = [create_topic(broker), create_topic(broker, flush_messages=1)]
        acknowledged = {topic: [] for topic in topics}
        with Socket(broker) as s:
            for turn in range(4):
                for number in range(30):
                    for topic in topics:
                        value = b"%d.%d" % (turn, number)
                        assert produce(s, topic, value) == 0
                        acknowledged[topic].append(value)
                disks.fail("full", disks.paths[0])
                for topic in topics:
                    assert [produce(s, topic, b"no room") for _ in range(3)] == [STORAGE_ERROR] * 3
                admin = AdminClient({"bootstrap.servers": broker.address})
                with pytest.raises(confluent_kafka.KafkaException):
                    admin.create_topics([NewTopic(f"later-{turn}", 1, 1)])[f"later-{turn}"].result(20)
                time.sleep(0.2)
                disks.heal("full")
                # Without a restart, for metadata too.
                new = create_topic(broker, f"later-{turn}")
                assert wait_until(lambda: produce(s, new, b"x") == 0)
        for stop in (broker.kill, broker.stop):
            stop()
            broker.start()
            for topic in topics:
                got = Confluent.consume(broker, topic, len(acknowledged[topic]))
                assert [one.record.value for one in got] == acknowledged[topic]
                with Socket(broker) as s:
                    assert produce(s, topic, b"more") == 0
                acknowledged[topic].append(b"more")
    finally:
        broker.close()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 6 MiB, where mounting is allowed."""
    place = tmp_path / "small"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", place], capture_output=True)
    if done.returncode != 0:
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_file_system_that_is_full_harms_nothing_that_was_acknowledged(new_broker, small_disk):
    broker = new_broker(log_dirs=str(small_disk), log_segment_bytes=200_000)
    topic = create_topic(broker, flush_messages=1)
    ballast = small_disk / "ballast"
    count = 0
    with Socket(broker) as s:
        for turn in range(3):
            ballast.write_bytes(bytes(3 << 20))
            for number in range(1000):
                error = produce(s, topic, b"%06d" % count + os.urandom(20_000))
                if error:
                    break
                count += 1
            assert error == STORAGE_ERROR
            ballast.unlink()
            assert produce(s, topic, b"%06d" % count) == 0
            count += 1
    for _ in range(2):
        broker.kill()
        broker.start()
        got = Confluent.consume(broker, topic, count)
        assert [int(one.record.value[:6]) for one in got] == list(range(count))


def test_readers_read_what_has_a_leader_and_name_what_has_none(new_broker, tmp_path):
    disks = [tmp_path / "d1", tmp_path / "d2"]
    broker = new_broker(log_dirs=",".join(map(str, disks)), offsets_topic_num_partitions=1,
                        group_initial_rebalance_delay_ms=0)
    topic = create_topic(broker, partitions=4)
    for partition in range(4):
        assert tool(broker, "kproduce", "-t", topic, "-p", partition, stdin=b"%d\n" % partition).returncode == 0
    broker.stop()
    lost = sorted(int(folder.name.rsplit("-", 1)[1]) for folder in disks[1].glob(f"{topic}-*"))
    kept = [b"%d" % partition for partition in range(4) if partition not in lost]
    assert lost and kept
    shutil.rmtree(disks[1])
    disks[1].mkdir()
    broker.start()
    read = lambda *options: tool(broker, "kconsume", "-t", topic, "-o", "beginning", *options)
    assert sorted(read("-c", len(kept)).stdout.splitlines()) == kept
    for number, group in enumerate(([], ["-g", "old"], ["-g", "new", "-X", "group.protocol=consumer"])):
        done = read("-e", "-X", "default.api.timeout.ms=8000", *group)
        assert done.returncode == 1 and sorted(done.stdout.splitlines()) == kept, done
        assert done.stderr.count(b"cannot be read now") == (len(lost) if group else 1), done.stderr
        assert f"kconsume: cannot find the leader of {topic}-{lost[0]}: LEADER_NOT_AVAILABLE".encode() in done.stderr
        if group:
            assert read("-e", "-X", "default.api.timeout.ms=8000", *group).stdout == b""
        group = [name + "-sink" if name in ("old", "new") else name for name in group]
        sink = tmp_path / f"sink{number}"
        done = read("-e", "-X", "default.api.timeout.ms=4000", "--sink", sink, *group)
        assert done.returncode == 1, done
        assert f"kconsume: cannot find the leader of {topic}-{lost[0]}: LEADER_NOT_AVAILABLE".encode() in done.stderr
        assert [committed(sink / f"{topic}-{p}") for p in range(4) if p not in lost] == [[line] for line in kept]


@pytest.mark.parametrize("stays", [True, False])
@pytest.mark.parametrize("group", [[], ["-g", "old"], ["-g", "new", "-X", "group.protocol=consumer"]],
                         ids=["alone", "classic", "consumer"])
def test_a_sink_copies_all_of_what_had_no_leader_when_its_output_began(new_broker, tmp_path, group, stays):
    disks = [tmp_path / "d1", tmp_path / "d2"]
    broker = new_broker(log_dirs=",".join(map(str, disks)), offsets_topic_num_partitions=1,
                        group_initial_rebalance_delay_ms=0, group_consumer_heartbeat_interval_ms=100)
    topic, sink = create_topic(broker, partitions=4), tmp_path / "copy"
    folders = [sink / f"{topic}-{p}" for p in range(4)]

    def produce(value):
        for partition in range(4):
            done = tool(broker, "kproduce", "-t", topic, "-p", partition, stdin=value)
            assert done.returncode == 0, done

    def copy(*options):
        with open(tmp_path / "told", "ab") as told:
            command = [BIN / "kconsume", "-b", broker.address, "-t", topic, "-o", "end", "--sink", sink,
                       "-X", "auto.commit.interval.ms=50", "-X", "heartbeat.interval.ms=100", *group, *options]
            return subprocess.Popen([str(part) for part in command], stderr=told)

    produce(b"old\n")
    lost = sorted(int(folder.name.rsplit("-", 1)[1]) for folder in disks[1].glob(f"{topic}-*"))
    assert len(lost) == 2
    broker.stop()
    disks[1].rename(tmp_path / "away")
    # What is new, as the group's log, finds its place on the other disk.
    disks[1].write_text("not a directory")
    broker.start()
    process = copy()
    try:
        told = lambda: (tmp_path / "told").read_text()
        wait_until(lambda: all(f"{topic}-{p}" in told() for p in lost), 60, "the names of what has no leader")
        wait_until(lambda: all((folders[p] / "position").exists() for p in range(4) if p not in lost), 60, "the others")
        assert process.poll() is None, told()
        if not stays:
            process.terminate()
            assert process.wait(60) == 143, told()
        broker.stop()
        disks[1].unlink()
        (tmp_path / "away").rename(disks[1])
        broker.start()
        produce(b"new\n")
        if not stays:
            process = copy()
        wanted = [[b"old", b"new"] if p in lost else [b"new"] for p in range(4)]
        got = lambda: [committed(folder) if (folder / "position").exists() else None for folder in folders]
        wait_until(lambda: got() == wanted or process.poll() is not None, 60, "the last line")
        assert got() == wanted, told()
    finally:
        process.terminate()
        status = process.wait(60)
    assert status == 143, told()
    assert not any((folder / "starts").exists() for folder in folders)
