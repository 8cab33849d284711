"""kconsume --sink: output and position are stored together, and no kill at any moment loses or repeats a line."""

import concurrent.futures
import random
import signal
import subprocess
import time

import confluent_kafka
import pytest
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient

from broker import BIN, wait_until
from clients import run
from conftest import create_topic
from test_tools import tool

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


def copied(folders):
    """How far the output of these partitions has come: as many lines, since nothing else is in them."""
    positions = [(folder / "position").read_text() for folder in folders if (folder / "position").exists()]
    return sum(int(line[7:]) for text in positions for line in text.splitlines() if line.startswith("offset="))


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
        target, before = tmp_path / f"copy{copy}", {}
        for attempt in range(200):
            process = run(target)
            try:
                # Longer and longer, so that it comes to its end on a machine that has become slower, too.
                process.wait(moments.uniform(0, min(took)) * 1.02 ** attempt)
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
                    assert len(got) >= before.get(p, 0), "what was there is kept"
                    before[p] = len(got)
                    if 0 < len(got) < len(lines[p]):
                        seen.add((copy, p, len(got)))
        else:
            assert False, f"not done after {kills} kills"
        assert [committed(target / f"{topic}-{p}") for p in range(3)] == lines
    # It was killed in the middle of it.
    assert kills >= 5 and len(seen) >= 6, (kills, seen)


def test_killed_while_it_begins_it_has_begun_everywhere_or_nowhere(broker, tmp_path):
    """What is written after a kill is copied of all partitions, or, where nothing had begun, of none: not of some."""
    partitions = 24
    topic, moments = create_topic(broker, partitions=partitions), random.Random(4)
    producer = confluent_kafka.Producer({"bootstrap.servers": broker.address})
    command = [BIN / "kconsume", "-b", broker.address, "-t", topic, "-o", "end", "-q", "--sink"]

    def has_begun(folder):
        return all((folder / f"{topic}-{p}" / "position").exists() for p in range(partitions))

    begun = time.monotonic()
    first = subprocess.Popen([*command, tmp_path / "first"])
    wait_until(lambda: has_begun(tmp_path / "first"), 60, "all positions")
    took = time.monotonic() - begun
    first.kill()
    first.wait()
    counts = []
    for number in range(200):
        if len(counts) >= 30 and len(set(counts)) == 2:
            break
        target = tmp_path / f"copy{number}"
        process = subprocess.Popen([*command, target])
        time.sleep(moments.uniform(0, took))
        process.kill()
        process.wait()
        for p in range(partitions):
            producer.produce(topic, b"%d" % number, partition=p)
        assert producer.flush(30) == 0
        run([*command, target, "-e"])
        copies = [committed(target / f"{topic}-{p}") for p in range(partitions)]
        counts.append(copies.count([b"%d" % number]))
        assert counts[-1] in (0, partitions) and copies.count([]) == partitions - counts[-1], copies
        # Towards where it is as likely to have begun as not, however fast the machine is now.
        took *= 0.9 if counts[-1] else 1.1
    assert set(counts) == {0, partitions}, counts


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
    count = lambda: sum(map(len, lines))
    admin = AdminClient({"bootstrap.servers": broker.address})

    def stored():
        asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions("copiers")])
        return {p.offset for p in asked["copiers"].result(20).topic_partitions}

    try:
        kills, longest = 0, 0.03
        with concurrent.futures.ThreadPoolExecutor() as others:
            for _ in range(40):
                wait_until(lambda: copied(folders) == count(), 60, "what there is so far")
                assert all(m.poll() is None for m in members), [m.stderr.read() for m in members if m.poll() is not None]
                if kills >= 8:
                    break
                # More lines come, and while they come and are copied a member is killed.
                filling = others.submit(fill, broker, topic, 4)
                wait_until(lambda: copied(folders) > count(), 60, "the first of more lines")
                # Well before all is copied, however fast the machine is.
                time.sleep(moments.uniform(0, longest))
                victim = moments.randrange(2)
                members[victim].kill()
                members[victim].wait()
                is_early = copied(folders) < count() + COUNT
                kills += is_early
                longest *= 1 if is_early else 0.5
                members[victim] = start(broker, topic, tmp_path / "copy", *options)
                lines = [old + new for old, new in zip(lines, filling.result())]
        assert kills >= 8, f"{kills} kills in the middle of it"
        # The group is told behind the files, and again when it has moved.
        wait_until(lambda: stored() == {count() // 4}, 60, "the group's positions")
    finally:
        for member in members:
            member.terminate()
            member.wait(60)
    assert [committed(folder) for folder in folders] == lines
    assert stored() == {count() // 4}


def test_a_member_that_hangs_holds_up_only_its_own_partitions(new_broker, tmp_path):
    broker = new_broker(group_initial_rebalance_delay_ms=0, group_min_session_timeout_ms=500)
    topic, sink = create_topic(broker, partitions=4), tmp_path / "copy"
    admin = AdminClient({"bootstrap.servers": broker.address})
    folders = [sink / f"{topic}-{p}" for p in range(4)]
    command = [BIN / "kconsume", "-b", broker.address, "-t", topic, "-g", "slow", "-o", "beginning", "--sink", sink, *QUICK,
               "-X", "session.timeout.ms=1000", "-X", "heartbeat.interval.ms=100"]

    def shares():
        group = admin.describe_consumer_groups(["slow"])["slow"].result(20)
        return sorted(len(member.assignment.topic_partitions) for member in group.members)

    lines = fill(broker, topic, 4, 400)
    members = []
    try:
        for number in range(2):
            with open(tmp_path / f"told{number}", "wb") as told:
                members.append(subprocess.Popen(command, stderr=told))
        wait_until(lambda: shares() == [2, 2] and copied(folders) == 400, 40, "two shares, and all copied")
        hanging, other = members
        hanging.send_signal(signal.SIGSTOP)
        wait_until(lambda: b"by another kconsume" in (tmp_path / "told1").read_bytes(), 40, "the warning")
        lines = [old + new for old, new in zip(lines, fill(broker, topic, 4, 400))]
        wait_until(lambda: copied(folders) == 600, 40, "what the other member has")
        assert other.poll() is None
        hanging.send_signal(signal.SIGCONT)
        wait_until(lambda: copied(folders) == 800, 40, "the last line")
        assert all(member.poll() is None for member in members)
    finally:
        for member in members:
            member.send_signal(signal.SIGCONT)
            member.terminate()
            member.wait(60)
    assert [committed(folder) for folder in folders] == lines


def test_a_broker_that_is_killed_costs_the_sink_nothing(new_broker, tmp_path):
    broker = new_broker()
    topic, moments = create_topic(broker, partitions=2), random.Random(3)
    folders = [tmp_path / "copy" / f"{topic}-{p}" for p in range(2)]
    lines = fill(broker, topic, 2)
    process = start(broker, topic, tmp_path / "copy", "-X", "max.partition.fetch.bytes=3000")
    try:
        kills, longest = 0, 0.05
        for _ in range(20):
            count = sum(map(len, lines))
            wait_until(lambda: copied(folders) == count, 60, "the last line")
            if kills >= 4:
                break
            # All is there to be read before it reads on, and the broker dies before it has.
            process.send_signal(signal.SIGSTOP)
            lines = [old + new for old, new in zip(lines, fill(broker, topic, 2))]
            process.send_signal(signal.SIGCONT)
            wait_until(lambda: copied(folders) > count, 60, "the first of more lines")
            time.sleep(moments.uniform(0, longest))
            broker.kill()
            is_early = copied(folders) < sum(map(len, lines))
            kills += is_early
            longest *= 1 if is_early else 0.5
            broker.start()
        assert kills >= 4, f"{kills} kills in the middle of it"
    finally:
        process.terminate()
        status = process.wait(60)
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
    try:
        wait_until((tmp_path / "copy" / f"{topic}-0" / "position").exists, 60, "the first position")
        second = start(broker, topic, tmp_path / "copy", "-e")
        assert second.wait(60) == 1
        assert b"another kconsume" in second.stderr.read()
    finally:
        first.terminate()
        status = first.wait(60)
    assert status == 143


def sink_of(broker, topic, sink, *options):
    """Copies what there is; returns how it ended and what it said."""
    return tool(broker, "kconsume", "-t", topic, "-o", "beginning", "-e", "--sink", sink, *options)


@pytest.mark.parametrize("group", [[], ["-g", "again"]])
def test_a_topic_that_was_made_anew_is_not_taken_for_the_old_one(new_broker, tmp_path, group):
    broker, sink = new_broker(group_initial_rebalance_delay_ms=0), tmp_path / "copy"
    topic = create_topic(broker, "again")
    fill(broker, topic, 1, 10)
    assert sink_of(broker, topic, sink, *group).returncode == 0
    assert tool(broker, "kadmin", "topic", "delete", topic, "-y").returncode == 0
    create_topic(broker, "again")
    for count in 5, 20:
        fill(broker, topic, 1, count)
        done = sink_of(broker, topic, sink, *group)
        assert done.returncode == 1 and b"again was deleted and made anew" in done.stderr, done
    assert len(committed(sink / "again-0")) == 10
    (sink / "again-0").rename(sink / "old")
    done = sink_of(broker, topic, sink, *group)
    assert done.returncode == 0 and len(committed(sink / "again-0")) == 25, done


@pytest.mark.parametrize("group", [[], ["-g", "gap"]])
def test_what_was_deleted_before_it_was_copied_is_named(new_broker, tmp_path, group):
    broker, sink = new_broker(group_initial_rebalance_delay_ms=0), tmp_path / "copy"
    topic = create_topic(broker, "gap")
    fill(broker, topic, 1, 10)
    assert sink_of(broker, topic, sink, *group).returncode == 0
    fill(broker, topic, 1, 50)
    assert tool(broker, "kadmin", "topic", "trim", topic, "--before", "50", "-y").returncode == 0
    done = sink_of(broker, topic, sink, *group)
    assert done.returncode == 1 and b"records 10-49 of gap-0 were deleted before they were copied" in done.stderr, done
    # What it advises.
    (sink / "gap-0").rename(sink / "old")
    if group:
        assert tool(broker, "kadmin", "group", "seek", "gap", "-o", "beginning", "-t", topic, "-p", "0", "-y").returncode == 0
    done = sink_of(broker, topic, sink, *group)
    assert done.returncode == 0 and len(committed(sink / "gap-0")) == 10, done


def test_output_that_is_longer_than_the_partition_is_an_error_with_an_end_too(broker, tmp_path):
    topic = create_topic(broker)
    fill(broker, topic, 1, 10)
    sink = tmp_path / "copy"
    assert sink_of(broker, topic, sink).returncode == 0
    position = sink / f"{topic}-0" / "position"
    position.write_text(position.read_text().replace("offset=10\n", "offset=12\n"))
    done = sink_of(broker, topic, sink)
    assert done.returncode == 1 and b"-0 ends at 10, and its output at 12" in done.stderr, done


def test_a_group_and_files_that_do_not_agree_are_told(new_broker, tmp_path):
    broker, sink = new_broker(group_initial_rebalance_delay_ms=0), tmp_path / "copy"
    topic = create_topic(broker, "told")
    fill(broker, topic, 1, 10)
    group = ["-g", "told"]
    seek = lambda where: tool(broker, "kadmin", "group", "seek", "told", "-o", where, "-y")
    assert sink_of(broker, topic, sink, *group).stderr == b""
    assert seek("4").returncode == 0
    done = sink_of(broker, topic, sink, *group)
    assert done.stderr == b"kconsume: told-0 goes on at 10, where its output ends, and not at 4, where the group was\n"
    fill(broker, topic, 1, 10)
    assert seek("15").returncode == 0
    done = sink_of(broker, topic, sink, *group)
    assert done.stderr == b"kconsume: told-0 goes on at 15, where the group is; 10-14 are left out\n"
    assert len(committed(sink / "told-0")) == 15
    # To begin anew: both.
    (sink / "told-0").rename(sink / "old")
    assert seek("beginning").returncode == 0
    assert sink_of(broker, topic, sink, *group).stderr == b""
    assert len(committed(sink / "told-0")) == 20


def hold(broker, topic, group):
    """The producer of a transaction, open for ten minutes, that stores offset 5 of the group in partition 0."""
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": broker.address, "transactional.id": "processor", "transaction.timeout.ms": 600_000})
    producer.init_transactions(20)
    producer.begin_transaction()
    member = confluent_kafka.Consumer({"bootstrap.servers": broker.address, "group.id": group})
    handled = [confluent_kafka.TopicPartition(topic, 0, 5)]
    producer.send_offsets_to_transaction(handled, member.consumer_group_metadata(), 20)
    member.close()
    return producer


def test_what_a_transaction_is_about_to_store_is_waited_for(new_broker, tmp_path):
    broker, sink = new_broker(group_initial_rebalance_delay_ms=0), tmp_path / "copy"
    topic = create_topic(broker, "handed")
    fill(broker, topic, 1, 10)
    producer = hold(broker, topic, "handed")
    copy = lambda **how: subprocess.Popen([BIN / "kconsume", "-b", broker.address, "-t", topic, "-o", "beginning", "-e",
                                           "-g", "handed", "--sink", sink, *how.get("options", [])],
                                          stderr=how["stderr"])
    with open(tmp_path / "hurried", "wb") as told:
        assert copy(stderr=told, options=["-X", "default.api.timeout.ms=5000"]).wait(60) == 1
    assert b"UNSTABLE_OFFSET_COMMIT" in (tmp_path / "hurried").read_bytes()
    with open(tmp_path / "told", "wb") as told:
        process = copy(stderr=told)
    try:
        wait_until(lambda: b"a transaction that has not ended" in (tmp_path / "told").read_bytes(), 60, "its name")
        assert process.poll() is None and not (sink / f"{topic}-0" / "position").exists()
        producer.commit_transaction(20)
        assert process.wait(60) == 0, (tmp_path / "told").read_bytes()
    finally:
        process.kill()
        process.wait()
    assert [line.split()[1] for line in committed(sink / f"{topic}-0")] == [b"5", b"6", b"7", b"8", b"9"]


@pytest.mark.parametrize("group", [[], ["-g", "late"]])
def test_a_partition_that_is_added_later_is_copied_from_its_beginning(new_broker, tmp_path, group):
    broker, sink = new_broker(group_initial_rebalance_delay_ms=0), tmp_path / "copy"
    topic = create_topic(broker, "late")
    fill(broker, topic, 1, 10)
    copy = lambda: tool(broker, "kconsume", "-t", topic, "-o", "end", "-e", "--sink", sink, *group)
    assert copy().returncode == 0 and committed(sink / "late-0") == []
    assert tool(broker, "kadmin", "topic", "add-partitions", topic, "-n", "1").returncode == 0
    lines = fill(broker, topic, 2, 10)
    done = copy()
    assert done.returncode == 0 and [committed(sink / f"late-{p}") for p in range(2)] == lines, done
    assert done.stderr == b"kconsume: late-1 is new to the output of late, and begins at its beginning\n"
    assert copy().stderr == b""


def test_a_partition_that_is_added_while_it_copies_is_copied_too(broker, tmp_path):
    topic, sink = create_topic(broker), tmp_path / "copy"
    folders = [sink / f"{topic}-{p}" for p in range(2)]
    process = subprocess.Popen(
        [BIN / "kconsume", "-b", broker.address, "-t", topic, "-o", "end", "-q", "--sink", sink, *QUICK,
         "-X", "metadata.max.age.ms=100"], stderr=subprocess.PIPE)
    try:
        wait_until(lambda: (folders[0] / "position").exists(), 60, "the first position")
        assert tool(broker, "kadmin", "topic", "add-partitions", topic, "-n", "1").returncode == 0
        lines = fill(broker, topic, 2, 100)
        wait_until(lambda: copied(folders) == 100, 60, "the last line")
    finally:
        process.terminate()
        status = process.wait(60)
    assert status == 143, process.stderr.read()
    assert [committed(folder) for folder in folders] == lines


def test_members_that_begin_together_at_the_end_copy_nothing_from_before(new_broker, tmp_path):
    """The second one finds output of the topic, which does not make its partitions new."""
    broker = new_broker(group_initial_rebalance_delay_ms=0)
    topic = create_topic(broker, partitions=4)
    for partition in range(4):
        assert tool(broker, "kproduce", "-t", topic, "-p", partition, stdin=b"old\n" * 10).returncode == 0
    command = [BIN / "kconsume", "-b", broker.address, "-t", topic, "-g", "sinkers", "--sink", tmp_path / "copy",
               "-o", "end", "-X", "heartbeat.interval.ms=100"]
    members = [subprocess.Popen([str(part) for part in command], stderr=subprocess.DEVNULL) for _ in range(2)]
    try:
        folders = [tmp_path / "copy" / f"{topic}-{partition}" for partition in range(4)]
        wait_until(lambda: all((folder / "position").exists() for folder in folders), 40, "all positions")
        for partition in range(4):
            assert tool(broker, "kproduce", "-t", topic, "-p", partition, stdin=b"new\n").returncode == 0
        read = lambda: [b"".join(path.read_bytes() for path in sorted(folder.glob("*.lines"))) for folder in folders]
        wait_until(lambda: all(read()), 40, "what was produced")
        assert read() == [b"new\n"] * 4
    finally:
        for member in members:
            member.kill()
            member.wait()
