"""kconsume -g and kadmin group, alone and in one group with librdkafka."""

import collections
import signal
import subprocess
import threading
import time

import confluent_kafka
import confluent_kafka.admin
import kafka
import pytest
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from broker import BIN, wait_until
from conftest import create_topic
from test_tools import tool

ASSIGNORS = ["range", "roundrobin", "cooperative-sticky"]


class Kconsume:
    """A member of a group that prints `partition offset value`, watched while it runs."""

    def __init__(self, broker, topic, group, *options):
        command = [BIN / "kconsume", "-b", broker.address, "-t", topic, "-g", group, "-o", "beginning",
                   "-f", "%p %o %v\\n", "-X", "heartbeat.interval.ms=100", *options]
        self.process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.lines = []
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait_for(self, count, timeout=40):
        deadline = time.monotonic() + timeout
        while len(self.lines) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(self.lines) >= count, f"{len(self.lines)} of {count} lines"

    def stop(self):
        self.process.terminate()
        status = self.process.wait(60)
        self.thread.join(10)
        assert status == 143, f"exit {status}: {self.process.stderr.read()}"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.thread.join(10)


def fill(broker, topic, values, partitions):
    for partition in range(partitions):
        text = "".join(f"{v}\n" for v in values if v % partitions == partition)
        assert tool(broker, "kproduce", "-t", topic, "-p", str(partition), stdin=text.encode()).returncode == 0


def lag(broker, group):
    done = tool(broker, "kadmin", "group", "lag", group, "--format", "awk")
    assert done.returncode == 0, done.stderr
    return {(row[1], int(row[2])): row[3:] for row in (line.split("\t") for line in done.stdout.decode().splitlines())}


def wait_for_shares(broker, group, count):
    """Until the group is stable, and each of `count` members has a share."""
    def are_there():
        lines = tool(broker, "kadmin", "group", "describe", group).stdout.decode().splitlines()
        shares = [line.split()[-1] for line in lines[2:]]
        return lines and f"{group}, Stable, " in lines[0] and len(shares) == count and all(":" in s for s in shares)
    wait_until(are_there, 40, f"{count} members with a share each")


def wait_for_no_lag(broker, group, partitions):
    def is_none():
        rows = tool(broker, "kadmin", "group", "lag", group, "--format", "awk").stdout.decode().splitlines()
        return len(rows) == partitions and all(row.endswith("\t0") for row in rows)
    wait_until(is_none, 40, f"{partitions} partitions that are read and stored")


def test_a_group_goes_on_where_it_was(broker, new_topic):
    topic = new_topic(partitions=3)
    group = f"g-{topic}"
    fill(broker, topic, range(300), 3)
    first = tool(broker, "kconsume", "-t", topic, "-g", group, "-o", "beginning", "-c", "100")
    assert first.returncode == 0, first.stderr
    rest = tool(broker, "kconsume", "-t", topic, "-g", group, "-o", "beginning", "-e")
    assert rest.returncode == 0, rest.stderr
    got = [int(v) for v in (first.stdout + rest.stdout).split()]
    assert len(first.stdout.split()) == 100
    assert sorted(got) == list(range(300))
    assert all(row[-1] == "0" for row in lag(broker, group).values())
    assert tool(broker, "kconsume", "-t", topic, "-g", group, "-e").stdout == b""


def test_commit_never_stores_nothing_and_before_stores_before(broker, topic):
    fill(broker, topic, range(10), 1)
    for _ in range(2):
        done = tool(broker, "kconsume", "-t", topic, "-g", f"n-{topic}", "-o", "beginning", "-e", "--commit", "never")
        assert len(done.stdout.split()) == 10, done.stderr
    done = tool(broker, "kconsume", "-t", topic, "-g", f"b-{topic}", "-o", "beginning", "-c", "4", "--commit", "before")
    assert len(done.stdout.split()) == 4, done.stderr
    assert lag(broker, f"b-{topic}")[(topic, 0)][0] == "4"


@pytest.mark.parametrize("assignor", ASSIGNORS)
def test_members_share_a_topic_with_librdkafka(broker, new_topic, assignor):
    topic = new_topic(partitions=6)
    group = f"g-{topic}"
    fill(broker, topic, range(600), 6)
    setting = f"partition.assignment.strategy={assignor}"
    ours = [Kconsume(broker, topic, group, "-X", setting) for _ in range(2)]
    sum_of_lines = lambda: sum(len(member.lines) for member in ours)
    deadline = time.monotonic() + 40
    while sum_of_lines() < 600 and time.monotonic() < deadline:
        time.sleep(0.02)
    theirs = confluent_kafka.Consumer(
        {"bootstrap.servers": broker.address, "group.id": group, "auto.offset.reset": "earliest",
         "partition.assignment.strategy": assignor, "heartbeat.interval.ms": 100, "session.timeout.ms": 10000})
    theirs.subscribe([topic])
    deadline = time.monotonic() + 40
    while len(theirs.assignment()) != 2 and time.monotonic() < deadline:
        theirs.poll(0.05)
    mine = {p.partition for p in theirs.assignment()}
    assert len(mine) == 2, "two of six for each of three"
    fill(broker, topic, range(600, 1200), 6)
    got, deadline = [], time.monotonic() + 40
    while len(got) < 200 and time.monotonic() < deadline:
        message = theirs.poll(0.1)
        if message and not message.error() and int(message.value()) >= 600:
            got.append((message.partition(), int(message.value())))
    assert {p for p, _ in got} == mine and len(got) == 200
    deadline = time.monotonic() + 40
    while sum_of_lines() < 1000 and time.monotonic() < deadline:
        time.sleep(0.02)
    theirs.close()
    for member in ours:
        member.stop()
    # Nobody crashed: each record once, those of a partition in order.
    lines = [line.split() for member in ours for line in member.lines]
    values = [int(value) for _, _, value in lines] + [value for _, value in got]
    again = [v for v, count in collections.Counter(values).items() if count > 1]
    assert not again, f"{len(again)} came twice, such as {again[:5]}"
    assert sorted(values) == list(range(1200))
    for member in ours:
        offsets = collections.defaultdict(list)
        for partition, offset, _ in (line.split() for line in member.lines):
            offsets[partition].append(int(offset))
        assert all(o == sorted(o) for o in offsets.values())


def test_what_a_killed_member_had_is_read_by_another(broker, new_topic):
    topic = new_topic(partitions=4)
    group = f"g-{topic}"
    fill(broker, topic, range(400), 4)
    quick = ("-X", "session.timeout.ms=6000")
    one = Kconsume(broker, topic, group, *quick)
    one.wait_for(400)
    two = Kconsume(broker, topic, group, *quick)
    wait_for_shares(broker, group, 2)
    one.kill()
    fill(broker, topic, range(400, 800), 4)
    values = lambda: {int(line.split()[2]) for line in one.lines + two.lines}
    deadline = time.monotonic() + 40
    while len(values()) < 800 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert values() == set(range(800)), "at least once"
    two.stop()


def test_a_group_is_listed_described_moved_and_deleted(broker, new_topic, tmp_path):
    topic = new_topic(partitions=2)
    group = f"g-{topic}"
    fill(broker, topic, range(20), 2)
    admin = lambda *words: tool(broker, "kadmin", "group", *words)
    member = Kconsume(broker, topic, group)
    member.wait_for(20)
    assert group.encode() in admin("list").stdout
    described = admin("describe", group).stdout.decode()
    assert f"{group}, Stable, 1 member, assignor range" in described and f"{topic}:0-1" in described
    refused = admin("seek", group, "-o", "beginning", "-y")
    assert refused.returncode == 1 and b"1 member" in refused.stderr
    member.stop()
    # Its goodbye may come late on a busy machine; without one its session of 45 seconds would have to end.
    wait_until(lambda: f"{group}, Empty, 0 members" in admin("describe", group).stdout.decode(), 20, "an empty group")
    assert [row[0] for row in lag(broker, group).values()] == ["10", "10"]

    saved = tmp_path / "offsets.csv"
    assert admin("seek", group, "--to-file", saved).returncode == 0
    assert saved.read_text() == f"{topic},0,10\n{topic},1,10\n"
    plan = admin("seek", group, "-o", "beginning", "--dry-run", "--format", "awk").stdout.decode()
    assert plan == f"{topic}\t0\t10\t0\t0\t10\n{topic}\t1\t10\t0\t0\t10\n"
    assert [row[0] for row in lag(broker, group).values()] == ["10", "10"], "a dry run changes nothing"
    for where, expected in [("beginning", "0"), ("3", "3"), ("-4", "6"), ("99", "10"), ("@-1h", "0"), ("end", "10")]:
        done = admin("seek", group, "-o", where, "-y")
        assert done.returncode == 0, done.stderr
        assert [row[0] for row in lag(broker, group).values()] == [expected] * 2, where
    assert admin("seek", group, "-o", "5", "-p", "1", "-t", topic, "-y").returncode == 0
    assert [row[0] for row in lag(broker, group).values()] == ["10", "5"]
    assert admin("seek", group, "--from-file", saved, "-y").returncode == 0
    assert [row[-1] for row in lag(broker, group).values()] == ["0", "0"]

    assert admin("delete-offsets", group, "-t", topic, "-p", "0", "-y").returncode == 0
    assert list(lag(broker, group)) == [(topic, 1)]
    assert admin("delete", group, "--dry-run").stdout == f"would delete {group}\n".encode()
    assert admin("delete", group, "-y").stdout == f"deleted {group}\n".encode()
    assert admin("describe", group).returncode == 1
    assert admin("delete", group, "-y").returncode == 1


def test_lag_counts_from_the_start_of_the_log(broker, topic):
    fill(broker, topic, range(10), 1)
    group = f"g-{topic}"
    assert tool(broker, "kconsume", "-t", topic, "-g", group, "-o", "beginning", "-c", "2").returncode == 0
    admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": broker.address})
    partition = confluent_kafka.TopicPartition(topic, 0, 7)
    list(admin.delete_records([partition]).values())[0].result(20)
    assert lag(broker, group)[(topic, 0)] == ["2", "7", "10", "3"]


def test_a_member_goes_on_over_a_restart_of_the_broker(new_broker):
    broker = new_broker()
    topic = create_topic(broker, partitions=2)
    fill(broker, topic, range(100), 2)
    member = Kconsume(broker, topic, "restart", "-X", "auto.commit.interval.ms=100")
    member.wait_for(100)
    wait_for_no_lag(broker, "restart", 2)
    broker.kill()
    broker.start()
    fill(broker, topic, range(100, 200), 2)
    member.wait_for(200)
    member.stop()
    assert {int(line.split()[2]) for line in member.lines} == set(range(200))
    assert all(row[-1] == "0" for row in lag(broker, "restart").values())


def test_topics_that_fit_are_found_when_they_come(broker, new_topic):
    first = new_topic()
    group = f"g-{first}"
    fill(broker, first, range(5), 1)
    member = Kconsume(broker, f"^{first}", group, "-X", "metadata.max.age.ms=300")
    member.wait_for(5)
    second = create_topic(broker, f"{first}-more")
    fill(broker, second, range(5, 10), 1)
    member.wait_for(10)
    member.stop()
    assert sorted(int(line.split()[2]) for line in member.lines) == list(range(10))


def test_a_static_member_finds_its_share_again_without_a_rebalance(broker, new_topic):
    topic = new_topic(partitions=4)
    group = f"g-{topic}"
    fill(broker, topic, range(40), 4)
    one = Kconsume(broker, topic, group, "-X", "group.instance.id=one")
    one.wait_for(40)
    # The last to come: it has nothing to give up but for one that is away.
    two = Kconsume(broker, topic, group, "-X", "group.instance.id=two", "-v")
    wait_for_shares(broker, group, 2)
    one.stop()
    again = Kconsume(broker, topic, group, "-X", "group.instance.id=one")
    fill(broker, topic, range(40, 80), 4)
    deadline = time.monotonic() + 40
    while len(one.lines) + len(two.lines) + len(again.lines) < 80 and time.monotonic() < deadline:
        time.sleep(0.05)
    again.stop()
    two.stop()
    lines = one.lines + two.lines + again.lines
    assert sorted(int(line.split()[2]) for line in lines) == list(range(80))
    told = two.process.stderr.read()
    assert "kconsume: giving up" not in told, told


@pytest.mark.parametrize("who_leads", ["kconsume", "kafka-python"])
def test_sticky_members_of_kafka_python_and_ours_keep_what_they_can(broker, new_topic, who_leads):
    topic = new_topic(partitions=6)
    group = f"g-{topic}"
    fill(broker, topic, range(60), 6)

    def start_theirs():
        consumer = kafka.KafkaConsumer(
            topic, bootstrap_servers=broker.address, group_id=group, auto_offset_reset="earliest",
            partition_assignment_strategy=[StickyPartitionAssignor], heartbeat_interval_ms=100,
            session_timeout_ms=6000, max_poll_interval_ms=10_000)
        # A leader of this client that joins before it knows the topic gives nobody anything, and may leave it at that.
        consumer.partitions_for_topic(topic)
        return consumer

    def wait_for_theirs(count):
        deadline = time.monotonic() + 40
        while len(theirs.assignment()) != count and time.monotonic() < deadline:
            theirs.poll(100)
        assert len(theirs.assignment()) == count

    if who_leads == "kconsume":
        ours = Kconsume(broker, topic, group, "-X", "partition.assignment.strategy=sticky")
        ours.wait_for(60)
        theirs = start_theirs()
    else:
        theirs = start_theirs()
        wait_for_theirs(6)
        ours = Kconsume(broker, topic, group, "-X", "partition.assignment.strategy=sticky")
    wait_for_theirs(3)
    # Whoever was there first keeps the first half.
    expected = {3, 4, 5} if who_leads == "kconsume" else {0, 1, 2}
    assert {p.partition for p in theirs.assignment()} == expected
    theirs.close()
    ours.stop()


NEW = ("-X", "group.protocol=consumer")
QUICK = {"group_consumer_heartbeat_interval_ms": 200, "group_consumer_min_heartbeat_interval_ms": 100}


def wait_for_values(members, expected, timeout=40):
    values = lambda: sorted(int(line.split()[2]) for member in members for line in member.lines)
    deadline = time.monotonic() + timeout
    while len(values()) < len(expected) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert values() == sorted(expected)


def test_members_of_both_protocols_share_a_topic(new_broker):
    broker = new_broker(group_initial_rebalance_delay_ms=0, **QUICK)
    topic, group = create_topic(broker, partitions=6), "both"
    admin = lambda *words: tool(broker, "kadmin", "group", *words).stdout.decode()
    members = [Kconsume(broker, topic, group)]
    wait_for_shares(broker, group, 1)
    fill(broker, topic, range(60), 6)
    wait_for_values(members, range(60))
    assert "protocol" not in admin("describe", group)
    for number, options in enumerate([NEW, (*NEW, "-X", "group.remote.assignor=range")]):
        members.append(Kconsume(broker, topic, group, *options))
        wait_for_shares(broker, group, number + 2)
    assert f"{group}, Stable, 3 members, protocol consumer, assignor" in admin("describe", group)
    assert group in admin("list", "--type", "consumer") and group not in admin("list", "--type", "classic")
    fill(broker, topic, range(60, 120), 6)
    wait_for_values(members, range(120))
    for member in members[1:]:
        member.stop()
    wait_for_shares(broker, group, 1)
    fill(broker, topic, range(120, 180), 6)
    wait_for_values(members, range(180))
    assert "protocol" not in admin("describe", group)
    members[0].stop()
    assert all(row[-1] == "0" for row in lag(broker, group).values())


def test_a_member_of_the_new_protocol_goes_on_over_a_kill_of_the_broker(new_broker):
    broker = new_broker(**QUICK)
    topic = create_topic(broker, partitions=2)
    fill(broker, topic, range(100), 2)
    members = [Kconsume(broker, topic, "kill", "-X", "auto.commit.interval.ms=100", *NEW)]
    wait_for_values(members, range(100))
    wait_for_no_lag(broker, "kill", 2)
    broker.kill()
    broker.start()
    fill(broker, topic, range(100, 200), 2)
    wait_for_values(members, range(200))
    members[0].stop()
    assert all(row[-1] == "0" for row in lag(broker, "kill").values())


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_who_reads_to_the_end_and_has_no_partition_ends(new_broker, protocol):
    broker = new_broker(**QUICK)
    topic = create_topic(broker)
    fill(broker, topic, range(5), 1)
    options = ("-X", f"group.protocol={protocol}")
    one = Kconsume(broker, topic, "idle", *options)
    one.wait_for(5)
    done = tool(broker, "kconsume", "-t", topic, "-g", "idle", "-e", "-X", "heartbeat.interval.ms=200", *options)
    assert done.returncode == 0 and done.stdout == b"", done.stderr
    one.stop()


def test_a_group_has_times_of_its_own(new_broker):
    broker = new_broker(**QUICK, group_consumer_min_session_timeout_ms=1000)
    topic = create_topic(broker, partitions=2)
    fill(broker, topic, range(20), 2)
    admin = lambda *words: tool(broker, "kadmin", "group", "config", *words)
    members = [Kconsume(broker, topic, "own", *NEW)]
    wait_for_values(members, range(20))
    done = admin("own", "--set", "consumer.session.timeout.ms=1000")
    assert done.stdout == b"changed own\n", done.stderr
    assert [line.split() for line in admin("own").stdout.decode().splitlines()] == [
        ["KEY", "VALUE", "SOURCE"], ["consumer.heartbeat.interval.ms", "200", "file"],
        ["consumer.session.timeout.ms", "1000", "group"]]
    for change, why in [("consumer.session.timeout.ms=999", b"group.consumer.min.session.timeout.ms (1000)"),
                        ("consumer.session.timeout=5000", b"Did you mean consumer.session.timeout.ms?")]:
        refused = admin("own", "--set", change)
        assert refused.returncode == 1 and why in refused.stderr, refused.stderr
    describe = lambda: tool(broker, "kadmin", "group", "describe", "own").stdout.decode()
    # Who was there has the new time with its next heartbeat; with one of those it gives up half for another.
    members.append(Kconsume(broker, topic, "own", *NEW))
    wait_for_shares(broker, "own", 2)
    members[0].kill()
    fill(broker, topic, range(20, 40), 2)
    # What is lost goes to the other long before the broker's 45 seconds.
    wait_until(lambda: "Stable, 1 member" in describe(), 20, "a member that was killed being out")
    # Some twice: who was killed had not stored all that it had printed.
    values = lambda: {int(line.split()[2]) for member in members for line in member.lines}
    wait_until(lambda: values() == set(range(40)), 20, "what was lost being read by the other")
    members[1].stop()
    # It is kept with the cluster's metadata.
    assert broker.stop() == 0
    broker.start()
    assert b"1000" in admin("own").stdout
    assert admin("own", "--delete", "consumer.session.timeout.ms").returncode == 0
    assert admin("own", "--overridden").stdout.count(b"\n") == 1


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
@pytest.mark.parametrize("commit", ["after", "before"])
def test_a_group_keeps_where_it_begins_also_while_nothing_comes(new_broker, protocol, commit):
    broker = new_broker(group_initial_rebalance_delay_ms=0, group_consumer_session_timeout_ms=3000,
                        group_consumer_heartbeat_interval_ms=100, group_min_session_timeout_ms=500)
    topic = create_topic(broker, partitions=2)
    fill(broker, topic, range(10), 2)
    options = ("-t", topic, "-g", "late", "--commit", commit, "-X", f"group.protocol={protocol}",
               "-X", "session.timeout.ms=3000", "-X", "heartbeat.interval.ms=100")
    options = options[:-4] if protocol == "consumer" else options
    process = subprocess.Popen([BIN / "kconsume", "-b", broker.address, *options])
    deadline = time.monotonic() + 30
    while (tool(broker, "kadmin", "group", "lag", "late").returncode != 0
           or [row[0] != "" for row in lag(broker, "late").values()] != [True, True]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    # It could say no goodbye.
    process.kill()
    process.wait()
    fill(broker, topic, range(10, 20), 2)
    done = tool(broker, "kconsume", *options, "-e")
    assert sorted(int(v) for v in done.stdout.split()) == list(range(10, 20)), done


def test_who_reads_to_the_end_waits_for_the_session_of_one_that_died(new_broker):
    broker = new_broker(group_consumer_session_timeout_ms=3000, group_consumer_heartbeat_interval_ms=200)
    topic = create_topic(broker, partitions=3)
    fill(broker, topic, range(99), 3)
    one = Kconsume(broker, topic, "dead", "--commit", "never", *NEW)
    one.wait_for(99)
    one.kill()
    done = tool(broker, "kconsume", "-t", topic, "-g", "dead", "-o", "beginning", "-e", *NEW)
    assert sorted(int(v) for v in done.stdout.split()) == list(range(99)), done


@pytest.mark.parametrize("options", [("-g", "g"), ("-g", "g", *NEW), ("-g", "g", "--sink", "copy"), ()])
def test_no_broker_is_said(options):
    command = [BIN / "kconsume", "-b", "127.0.0.1:1", "-t", "x", *options]
    done = subprocess.run(command, capture_output=True, timeout=30)
    assert done.returncode == 1 and b"cannot reach the broker at 127.0.0.1:1" in done.stderr, done


def test_a_group_may_wait_for_topics_that_fit(broker, new_topic):
    name = f"later-{time.monotonic_ns()}"
    process = subprocess.Popen(
        [BIN / "kconsume", "-b", broker.address, "-t", f"^{name}$", "-g", name, "-o", "beginning", "-c", "1",
         "-X", "metadata.max.age.ms=200"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stderr.readline() == f"kconsume: warning: no topic fits ^{name}$ yet; waiting for one\n".encode()
    create_topic(broker, name)
    fill(broker, name, [7], 1)
    assert process.communicate(timeout=60)[0] == b"7\n" and process.returncode == 0


def test_a_time_before_all_records_is_their_beginning(broker, topic):
    """Also one before 1970, for which brokers have no answer: it must not count as "no record is that young"."""
    lines = b"".join(b"%d\n" % number for number in range(200))
    assert tool(broker, "kproduce", "-t", topic, stdin=lines).returncode == 0
    assert tool(broker, "kconsume", "-t", topic, "-g", "before-all", "-o", "beginning", "-e").stdout == lines
    for time in ("@1969-12-31", "@-21000d", "@0"):
        for command in (["topic", "trim", topic, "--before", time, "-y"],
                        ["group", "seek", "before-all", "-o", time, "-y"]):
            assert tool(broker, "kadmin", *command).returncode == 0
        assert tool(broker, "kconsume", "-t", topic, "-o", "beginning", "-e").stdout == lines
        assert tool(broker, "kconsume", "-t", topic, "-g", "before-all", "-e").stdout == lines


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_who_interrupts_it_does_not_wait_long_for_a_broker_that_hangs(new_broker, protocol):
    """It tries to store how far it has come for 3 s, and then to leave for half a second."""
    broker, took = new_broker(group_initial_rebalance_delay_ms=0), []
    topic = create_topic(broker)
    fill(broker, topic, [1], 1)
    # The machine may be slow, and the broker answer once more before it hangs.
    for attempt in range(6):
        if min(took, default=6) < 6:
            break
        member = Kconsume(broker, topic, f"hung{attempt}", "-X", f"group.protocol={protocol}")
        try:
            # What it prints it stores five seconds later.
            member.wait_for(1)
            broker.process.send_signal(signal.SIGSTOP)
            begun = time.monotonic()
            member.process.send_signal(signal.SIGINT)
            if member.process.wait(60) == 1:
                assert "cannot commit offsets" in member.process.stderr.read()
                took.append(time.monotonic() - begun)
        finally:
            broker.process.send_signal(signal.SIGCONT)
            member.kill()
    assert took and min(took) < 6, took
