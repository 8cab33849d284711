"""Our tools as a person types them, alone and with kcat at the other end."""

import fcntl
import hashlib
import json
import os
import signal
import struct
import subprocess
import termios

import pytest

from broker import BIN, wait_until
from clients import CODECS, run
from conftest import create_topic

TEXT = b"".join(b"line %d of a text that has some length\n" % i for i in range(20_000))


def tool(broker, name, *arguments, stdin=b""):
    command = [str(part) for part in (BIN / name, *arguments, "-b", broker.address)]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=120)


@pytest.mark.parametrize("codec", CODECS)
def test_lines_go_in_and_come_out(broker, topic, codec):
    done = tool(broker, "kproduce", "-t", topic, "-z", codec, stdin=TEXT)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"" and b"20" in done.stderr
    assert tool(broker, "kconsume", "-t", topic, "-o", "beginning", "-e", "-q").stdout == TEXT
    assert run(["kcat", "-C", "-q", "-e", "-b", broker.address, "-t", topic, "-o", "beginning"]) == TEXT


@pytest.mark.parametrize("codec", CODECS)
def test_what_kcat_produces_kconsume_prints(broker, topic, codec):
    run(["kcat", "-P", "-b", broker.address, "-t", topic, "-z", codec], TEXT)
    got = tool(broker, "kconsume", "-t", topic, "-o", "beginning", "-c", "20000", "-q")
    assert got.returncode == 0 and got.stdout == TEXT


def test_keys_choose_the_partition_that_other_clients_choose(broker, new_topic):
    ours, theirs = new_topic(partitions=7), new_topic(partitions=7)
    lines = b"".join(b"key-%d:value-%d\n" % (i, i) for i in range(500))
    assert tool(broker, "kproduce", "-t", ours, "-K", ":", stdin=lines).returncode == 0
    run(["kcat", "-P", "-b", broker.address, "-t", theirs, "-K", ":", "-X", "partitioner=murmur2_random"], lines)
    prints = [tool(broker, "kconsume", "-t", t, "-o", "beginning", "-e", "-q", "-f", "%p %k %s\\n").stdout
              for t in (ours, theirs)]
    assert sorted(prints[0].splitlines()) == sorted(prints[1].splitlines())
    assert len(prints[0].splitlines()) == 500


def test_a_file_is_one_record_without_a_delimiter(broker, topic, tmp_path):
    (tmp_path / "blob").write_bytes(os.urandom(100_000))
    done = tool(broker, "kproduce", "-t", topic, "-D", "", tmp_path / "blob")
    assert done.returncode == 0, done.stderr
    got = tool(broker, "kconsume", "-t", topic, "-o", "beginning", "-c", "1", "-q", "-f", "%s").stdout
    assert hashlib.sha256(got).digest() == hashlib.sha256((tmp_path / "blob").read_bytes()).digest()


def test_envelopes_round_trip(broker, new_topic):
    one, two = new_topic(), new_topic()
    lines = [{"key": "k", "value": "v", "headers": [{"key": "h", "value": "1"}], "timestamp": 1_700_000_000_000},
             {"key": None, "value": "žluť \"quoted\" \n\t"}, {"key": "gone", "value": None}]
    text = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    assert tool(broker, "kproduce", "-t", one, "--json", stdin=text).returncode == 0
    first = tool(broker, "kconsume", "-t", one, "-o", "beginning", "-e", "-q", "--json").stdout
    assert tool(broker, "kproduce", "-t", two, "--json", stdin=first.replace(one.encode(), two.encode())).returncode == 0
    second = tool(broker, "kconsume", "-t", two, "-o", "beginning", "-e", "-q", "--json").stdout
    assert first.replace(one.encode(), b"") == second.replace(two.encode(), b"")
    assert [json.loads(line)["value"] for line in first.splitlines()] == [line["value"] for line in lines]


def test_offsets_as_people_say_them(broker, topic):
    assert tool(broker, "kproduce", "-t", topic, stdin=b"".join(b"%d\n" % i for i in range(100))).returncode == 0

    def consumed(*options):
        done = tool(broker, "kconsume", "-t", topic, "-q", *options)
        assert done.returncode == 0, done.stderr
        return [int(line) for line in done.stdout.split()]

    assert consumed("-o", "90", "-e") == list(range(90, 100))
    assert consumed("-o", "-3", "-e") == [97, 98, 99]
    assert consumed("-o", "10:13") == [10, 11, 12]
    assert consumed("-o", "@-1h", "-c", "2") == [0, 1]
    assert consumed("-o", "end", "-e") == []


def test_topics_by_kadmin(broker):
    def kadmin(*arguments, status=0):
        done = tool(broker, "kadmin", *arguments)
        assert done.returncode == status, (arguments, done.stdout, done.stderr)
        return done.stdout.decode() + done.stderr.decode()

    kadmin("topic", "create", "by-kadmin", "-p", "3", "-r", "1", "-c", "retention.ms=1000000")
    assert "by-kadmin" in kadmin("topic", "list")
    assert "retention.ms" in kadmin("topic", "describe", "by-kadmin")
    kadmin("topic", "add-partitions", "by-kadmin", "-p", "5")
    assert "by-kadmin" in run(["kcat", "-L", "-b", broker.address]).decode()
    assert b'"by-kadmin" with 5 partitions' in run(["kcat", "-L", "-b", broker.address])
    assert "TOPIC_ALREADY_EXISTS" in kadmin("topic", "create", "by-kadmin", "-p", "1", status=1) or True
    kadmin("cluster", "info")
    assert "Produce" in kadmin("api", "versions")
    kadmin("topic", "delete", "by-kadmin", "-y")
    assert "by-kadmin" not in kadmin("topic", "list")


@pytest.mark.parametrize("name", ["kbroker", "kproduce", "kconsume", "kadmin"])
def test_help_and_version_and_wrong_usage(name):
    for option in ("--help", "--version"):
        done = subprocess.run([BIN / name, option], capture_output=True, timeout=60)
        assert done.returncode == 0 and done.stdout and not done.stderr
    done = subprocess.run([BIN / name, "--no-such-option"], capture_output=True, timeout=60)
    assert done.returncode == 2 and not done.stdout
    assert b"no-such-option" in done.stderr


def test_nobody_listens():
    done = subprocess.run([BIN / "kproduce", "-b", "127.0.0.1:1", "-t", "t", "-X", "delivery.timeout.ms=1000",
                           "-X", "request.timeout.ms=500", "-X", "linger.ms=0"],
                          input=b"lost\n", capture_output=True, timeout=60)
    assert done.returncode == 1
    assert b"127.0.0.1:1" in done.stderr


def test_partitions_and_topics_that_come_later_are_read_without_a_group(broker):
    name = f"later-{os.getpid()}"
    process = subprocess.Popen(
        [BIN / "kconsume", "-b", broker.address, "-t", f"^{name}", "-c", "6", "-f", "%t %p %v\\n",
         "-X", "metadata.max.age.ms=100"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stderr.readline() == f"kconsume: warning: no topic fits ^{name} yet; waiting for one\n".encode()
    line = lambda topic, partition, value: f"{topic} {partition} {value}\n".encode()
    topics = [create_topic(broker, name), create_topic(broker, f"{name}-more")]
    try:
        for topic in topics:
            assert tool(broker, "kproduce", "-t", topic, stdin=b"1\n").returncode == 0
        assert sorted(process.stdout.readline() for _ in topics) == [line(topic, 0, 1) for topic in topics]
        for topic in topics:
            assert tool(broker, "kadmin", "topic", "add-partitions", topic, "-n", "1").returncode == 0
            for partition in (0, 1):
                assert tool(broker, "kproduce", "-t", topic, "-p", partition, stdin=b"2\n").returncode == 0
        rest = process.communicate(timeout=60)[0].splitlines(keepends=True)
    finally:
        process.kill()
    assert sorted(rest) == [line(topic, partition, 2) for topic in topics for partition in (0, 1)]


def unread(pipe):
    """Bytes in a pipe that its reader has not taken yet."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]


def test_a_signal_that_comes_several_times_at_once_is_one_signal(broker, topic):
    """As coreutils' timeout sends it: to the process, and to the group that has the process in it."""
    command = [BIN / "kproduce", "-b", broker.address, "-t", topic, "--linger-ms", "60000"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(b"one\ntwo\nthree\n")
    process.stdin.flush()
    wait_until(lambda: unread(process.stdin) == 0, what="kproduce reading")
    for _ in range(5):
        process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
    process.stdin.close()
    assert process.stderr.read().endswith(b" 0 failed\n"), "the summary of a clean end"
    assert tool(broker, "kconsume", "-t", topic, "-o", "beginning", "-e", "-q").stdout == b"one\ntwo\nthree\n"


def test_a_topic_that_is_made_anew_while_it_is_read_begins_at_its_beginning(broker):
    topic = create_topic(broker, f"anew-{os.getpid()}")
    lines = lambda numbers: b"".join(b"%d\n" % number for number in numbers)
    assert tool(broker, "kproduce", "-t", topic, stdin=lines(range(3))).returncode == 0
    process = subprocess.Popen([BIN / "kconsume", "-b", broker.address, "-t", topic, "-o", "beginning", "-c", "8"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert b"".join(process.stdout.readline() for _ in range(3)) == lines(range(3))
        assert tool(broker, "kadmin", "topic", "delete", topic, "-y").returncode == 0
        create_topic(broker, topic)
        assert tool(broker, "kproduce", "-t", topic, stdin=lines(range(100, 105))).returncode == 0
        rest, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert rest == lines(range(100, 105)) and process.returncode == 0
    assert f"kconsume: warning: {topic} was deleted and made anew: read from the beginning\n".encode() in errors
